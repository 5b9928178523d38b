"""How large a picture a file may announce, before memory is asked for it; what refuses a file."""

import os

VARIABLE = "NAPARI_COLORIZE_MAX_PIXELS"
"""Environment variable that raises or lowers the limit."""

MOST_PIXELS = 1 << 30
"""Pixels of one picture that are read unless somebody asks for more: 32768 × 32768."""


class UnreadableFile(ValueError):
    """A file cannot be read as a picture; the message says why and what to do."""


class TooLarge(ValueError):
    """A picture has more pixels than the limit; the message says how to raise it."""


def most_pixels() -> int:
    """Return the limit in force.

    Raises
    ------
    ValueError
        The environment variable does not hold a whole number above 0.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return MOST_PIXELS
    if not text.isdecimal() or not 0 < len(text) < 19 or int(text) < 1:
        raise ValueError(
            f"{VARIABLE} is {text!r}; give the most pixels that one picture may have as a whole "
            f"number, for example {MOST_PIXELS}, or unset it."
        )
    return int(text)


def refuse_too_large(name: str, width: int, height: int) -> None:
    """Raise :class:`TooLarge` where a picture has more pixels than the limit allows.

    Parameters
    ----------
    name : str
        What the sentence calls the file.
    width, height : int
        As the file announces them.
    """
    limit = most_pixels()
    if width * height > limit:
        raise TooLarge(
            f"{name} has {width} × {height} pixels, {width * height / 1e6:,.0f} million; at most "
            f"{limit / 1e6:,.0f} million are read, so that a file cannot ask for all memory. "
            f"Crop it, or raise the limit: --max-pixels {width * height} on the command line, "
            f"{VARIABLE}={width * height} in the environment."
        )
