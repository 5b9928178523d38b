"""What can go wrong with weights: a sentence that says what is wrong, and a remedy.

The remedy is kept apart from the sentence, so that the command line can name its options and a
panel its buttons: nobody has to look into the text of an error, or to rewrite it.
"""

from collections.abc import Mapping
from enum import Enum


class Remedy(Enum):
    """What a user can do about an error; the values are the words of the command line.

    ``{name}`` in them is `CheckpointError.name`: what the remedy is about.
    """

    FETCH = "Fetch them with `napari-colorize models fetch {name}`."
    FETCH_OR_IMPORT = (
        "Fetch some with `napari-colorize models fetch {name}`, or import a file with "
        "`napari-colorize models import FILE`."
    )
    IMPORT = "Import a file with `napari-colorize models import FILE`."
    IMPORT_FIRST = "Import it first: `napari-colorize models import {name}`."
    IMPORT_FROM_BROWSER = (
        "Open it in a browser, download the file there, and use `napari-colorize models import "
        "FILE`."
    )
    IMPORT_WITHOUT_INTERNET = (
        "Check the connection; on a machine without internet, copy the file over and use "
        "`napari-colorize models import FILE`."
    )
    VERIFY = "Verify them with `napari-colorize models verify`."
    OTHER_ADDRESS = (
        "If the file has moved, give its new address with --url, or use `napari-colorize models "
        "import FILE` on a copy."
    )
    TRY_LATER = "Try again later, or another address with --url."
    CONTINUE = "Run the same command again to continue."
    OTHER_NAME = "Choose another name with --name."
    OTHER_NAME_OR_REPLACE = "Choose another name, or ask for it to be replaced."
    NAME_ARCHITECTURE = "Name it with --architecture: {name}."


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or does not fit; the message says what to do.

    Parameters
    ----------
    problem : str
        What is wrong, as one or more whole sentences. Where no `remedy` is given, they also say
        what to do.
    remedy : Remedy, optional
        What a user can do about it; its words are the end of ``str(error)``.
    name : str, optional
        What the remedy is about: the weights to fetch, the file to import, the architectures to
        choose from.

    Attributes
    ----------
    problem, remedy, name
        As given.

    Examples
    --------
    >>> from napari_colorize.checkpoints import CheckpointError, Remedy
    >>> error = CheckpointError("The weights are not here.", Remedy.FETCH, name="colorful")
    >>> print(error)
    The weights are not here. Fetch them with `napari-colorize models fetch colorful`.
    >>> error.in_words({Remedy.FETCH: "Press Fetch."})
    'The weights are not here. Press Fetch.'
    """

    def __init__(self, problem: str, remedy: Remedy | None = None, *, name: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        self.name = name
        super().__init__(self.in_words({}))

    def in_words(self, words: Mapping[Remedy, str]) -> str:
        """Return what is wrong, and the remedy in other words than those of the command line.

        Parameters
        ----------
        words : mapping of Remedy to str
            The words of a remedy, in which ``{name}`` is replaced; for those that are left out,
            the command line's are taken.

        Returns
        -------
        str
            Whole sentences.
        """
        if self.remedy is None:
            return self.problem
        told = words.get(self.remedy, self.remedy.value).replace("{name}", self.name)
        return f"{self.problem} {told}"


class DownloadError(CheckpointError):
    """A download failed; what was already received is kept when it can be continued."""


class DownloadCancelled(DownloadError):
    """The caller asked a download to stop."""
