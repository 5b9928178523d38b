"""Colour profiles (ICC): pixels into sRGB, as a colour-managed viewer shows them, by littlecms."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPACES = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}
"""Colour space in a profile's header (ICC.1:2022, 7.2.6) → Pillow's mode of such pixels."""

_RELATIVE = 1
"""Relative colorimetric intent, what browsers and viewers use."""

_EXACT = 0x0100
"""No tables of littlecms in the place of curves: in the dark they are off by 4 %."""

_BAND = 1 << 20
"""Pixels that are transformed at a time."""


def to_srgb(pixels: NDArray[Any], profile: bytes) -> tuple[NDArray[Any], dict[str, Any]]:
    """Bring pixels from the colour space of their profile into sRGB.

    Parameters
    ----------
    pixels : (H, W), (H, W, 3) or (H, W, 4) array
        Grey, RGB or CMYK (0 is no ink), uint8 or uint16, over its type's whole range.
    profile : bytes
        The ICC profile that came with them.

    Returns
    -------
    pixels : array
        Of the same dtype; grey stays grey, CMYK becomes RGB. The same array where the profile is
        that of sRGB, or cannot be used; CMYK in that case stays CMYK.
    about : dict
        For the record: ``name`` of the profile, ``converted``, and ``reason`` where it was not.
    """
    from PIL import ImageCms

    mode = {2: "L", 3: {3: "RGB", 4: "CMYK"}.get(pixels.shape[-1], "")}[pixels.ndim]
    about: dict[str, Any] = {"name": "unknown", "converted": False}
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        about["name"] = ImageCms.getProfileDescription(opened).strip()[:200] or "unnamed"
        if _SPACES.get(profile[16:20]) != mode:
            return pixels, about | {"reason": "it is for another kind of colours"}
        if pixels.dtype not in (np.uint8, np.uint16):
            return pixels, about | {"reason": f"values are {pixels.dtype}, not of 8 or 16 bits"}
        if mode != "CMYK" and _is_srgb(profile, mode):
            return pixels, about | {"reason": "it is sRGB"}
        converted = _grey(pixels, profile) if mode == "L" else _colours(pixels, profile, mode)
    except Exception as error:  # Pillow passes on what littlecms says; a damaged profile harms none
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return pixels, about | {"reason": f"it is damaged ({reason})"}
    return converted, about | {"converted": True}


def _is_srgb(profile: bytes, mode: str) -> bool:
    """Tell whether a transform to sRGB changes nothing but by rounding."""
    steps = np.linspace(0, 255, 256 if mode == "L" else 9).round().astype(np.uint8)
    if mode == "L":
        shown = _bytes(steps[None], profile, "L").astype(int)
        return bool(np.abs(shown - steps[None, :, None]).max() <= 1)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return bool(np.abs(_bytes(grid, profile, mode) - grid.astype(int)).max() <= 1)


def _grey(pixels: NDArray[Any], profile: bytes) -> NDArray[Any]:
    """Look every grey value up in a table of what it becomes."""
    table: NDArray[Any]
    if pixels.dtype == np.uint8:
        table = _bytes(np.arange(256, dtype=np.uint8)[None], profile, "L")[0, :, 1]
    else:
        table = _words(np.arange(65536, dtype=np.uint16)[None], profile, "gray")[0, :, 1]
    return table.astype(pixels.dtype)[pixels]


def _colours(pixels: NDArray[Any], profile: bytes, mode: str) -> NDArray[Any]:
    if pixels.dtype == np.uint16 and mode == "CMYK":  # ink is never known to more than 8 bits
        pixels = (pixels >> 8).astype(np.uint8)
    out = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    rows = max(1, _BAND // max(1, pixels.shape[1]))
    for top in range(0, len(pixels), rows):
        band = np.ascontiguousarray(pixels[top : top + rows])
        if pixels.dtype == np.uint8:
            out[top : top + rows] = _bytes(band, profile, mode)
        else:
            out[top : top + rows] = _words(band, profile, "rgb")
    return out


def _bytes(pixels: NDArray[np.uint8], profile: bytes, mode: str) -> NDArray[np.uint8]:
    """Transform 8-bit pixels to (H, W, 3) sRGB."""
    from PIL import Image, ImageCms

    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(
        opened, srgb, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    image = Image.fromarray(pixels, mode) if mode == "CMYK" else Image.fromarray(pixels)
    shown = ImageCms.applyTransform(image, transform)
    assert shown is not None
    return np.asarray(shown)


def _words(pixels: NDArray[np.uint16], profile: bytes, space: str) -> NDArray[np.uint16]:
    """Transform 16-bit pixels to (H, W, 3) sRGB; Pillow's littlecms takes 8 bits alone."""
    import imagecodecs

    data = pixels[..., None] if space == "gray" else pixels
    shown = imagecodecs.cms_transform(
        data,
        profile,
        imagecodecs.cms_profile("srgb"),
        colorspace=space,
        outcolorspace="rgb",
        intent=_RELATIVE,
        flags=_EXACT,
    )
    return np.asarray(shown).reshape(*pixels.shape[:2], 3)
