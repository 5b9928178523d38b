"""Fetch weights over https: streamed, continued where it stopped, checked before use."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from napari_colorize.checkpoints import registry, weights
from napari_colorize.checkpoints.errors import CheckpointError, Remedy
from napari_colorize.checkpoints.home import downloads_folder
from napari_colorize.checkpoints.receiver import Progress, Receiver, check_address
from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.storage import digest_of_file


def fetch(
    name: str,
    *,
    url: str | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> CheckpointRecord:
    """Download the weights called `name` into the user's data folder.

    Weights that are already on this machine are verified and left as they are. An interrupted
    download is continued by the next call where the server allows it.

    Parameters
    ----------
    name : str
        A name among `registry.known`.
    url : str, optional
        A mirror to use instead of the record's own address; the hash is the record's all the same.
    progress : callable, optional
        ``progress(bytes so far, bytes in all or None)``, from this thread.
    should_stop : callable, optional
        Asked between pieces; a true answer ends the download.

    Returns
    -------
    CheckpointRecord
        The record of the installed weights.

    Raises
    ------
    DownloadCancelled
        `should_stop` answered true.
    DownloadError
        No connection, no such file, a cut connection, a web page instead of weights.
    CheckpointError
        The name is unknown, or the file is not the one the record describes. Both errors above
        are of this type, and it is a ``ValueError``.
    """
    from napari_colorize.checkpoints.importing import install_download
    from napari_colorize.checkpoints.loading import verify

    entry = registry.find(name)
    if entry.installed:
        return verify(name)
    offer = entry.record
    address = url or offer.url
    if not address:
        raise CheckpointError(
            f"The weights {name!r} belong to the package but their file is missing, and no "
            "address to download them from is known. Install napari-colorize again."
        )
    file = download(address, offer, progress=progress, should_stop=should_stop)
    try:
        return install_download(file, offer, address)
    finally:
        file.unlink(missing_ok=True)


def download(
    url: str,
    offer: CheckpointRecord,
    *,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Stream `url` to the downloads folder and check it against `offer`; return the file.

    Errors are those of `fetch`.
    """
    check_address(url)
    folder = downloads_folder()
    folder.mkdir(parents=True, exist_ok=True)
    complete = folder / f"{offer.name}-{offer.sha256[:12]}{_suffix(url)}"
    part = complete.with_name(complete.name + ".part")
    continued = part.is_file() and part.stat().st_size > 0
    receive = Receiver(url, part, offer.size_bytes, progress, should_stop)
    receive()
    try:
        _check_content(part, offer)
    except CheckpointError:
        part.unlink(missing_ok=True)
        if not continued:
            raise
        # What was left from last time may have been of another file: once more, from the start.
        receive()
        try:
            _check_content(part, offer)
        except CheckpointError:
            part.unlink(missing_ok=True)
            raise
    part.replace(complete)
    return complete


def _check_content(part: Path, offer: CheckpointRecord) -> None:
    with part.open("rb") as file:
        weights.refuse_other_content(file.read(512), f"The download of {offer.name!r}")
    found = digest_of_file(part)
    if not found.startswith(offer.sha256):
        raise CheckpointError(
            f"The download of {offer.name!r} is not the published file: its SHA-256 starts with "
            f"{found[:12]}, expected {offer.sha256[:12]}. It was deleted.",
            Remedy.TRY_LATER,
        )


def _suffix(url: str) -> str:
    with contextlib.suppress(ValueError):
        suffix = Path(urlsplit(url).path).suffix
        if suffix in (".safetensors", ".pth"):
            return suffix
    return ".weights"
