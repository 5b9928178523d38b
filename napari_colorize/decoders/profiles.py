"""Colour profiles (ICC): pixels into sRGB, as a colour-managed viewer shows them, by littlecms."""

import io
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPACES = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}
"""Colour space in a profile's header (ICC.1:2022, 7.2.6) → Pillow's mode of such pixels."""

HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}
"""Transfer characteristics (H.273, table 3) of light as such: no screen shows it in one way."""

_WHITE = (0.3127, 0.3290)
_PRIMARIES = {
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060),
    5: (0.640, 0.330, 0.290, 0.600, 0.150, 0.060),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""Colour primaries (H.273, table 2) → x and y of red, green and blue; white is that of D65."""

_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_AS_SRGB = 13

_RELATIVE = 1
"""Relative colorimetric intent, what browsers and viewers use."""

_EXACT = 0x0100
"""No tables of littlecms in the place of curves: in the dark they are off by half (the same as
Pillow's ``NOOPTIMIZE``)."""

_D50 = np.array([0.9642, 1.0, 0.8249])
"""White of the profile connection space (ICC.1:2022, 7.2.16)."""

_SRGB_OF_XYZ_D50 = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
"""Linear sRGB of XYZ under D50: the standard's matrix after Bradford's adaptation."""

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


def srgb_of_lab(light: NDArray[Any], chroma: NDArray[Any], most: int) -> NDArray[Any]:
    """Return sRGB codes (N, 3) from 0 to `most` of L* (N,) and a*, b* (N, 2) under D50."""
    y = (light + 16) / 116
    root = np.stack([y + chroma[:, 0] / 500, y, y - chroma[:, 1] / 200], axis=-1)
    xyz = np.where(root > 6 / 29, root**3, (root - 4 / 29) * 3 * (6 / 29) ** 2) * _D50
    linear = np.clip(xyz @ _SRGB_OF_XYZ_D50.T, 0, 1)
    coded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(coded * most)


def profile_in(info: Mapping[Any, Any], *, grey: bool) -> bytes | None:
    """Return the profile of a picture: its own, or one made of what a PNG says in numbers.

    Parameters
    ----------
    info : mapping
        Pillow's ``picture.info``; ``cicp`` in it holds the four bytes of such a chunk.
    grey : bool
        Whether the picture is.

    Returns
    -------
    bytes or None
        An ICC profile, by the order that the PNG specification (third edition, 4.3) gives: cICP,
        iCCP, sRGB, gAMA and cHRM. Nothing where the picture is sRGB, or says nothing.
    """
    coded = info.get("cicp")
    if coded is not None and coded[0] in _PRIMARIES and coded[2:] == (0, 1):
        gamma = 0.0 if coded[1] == _AS_SRGB else _GAMMAS.get(coded[1])
        if gamma is not None:
            return _made(f"cICP {coded[0]}/{coded[1]}", gamma, _PRIMARIES[coded[0]], _WHITE, grey)
    if info.get("icc_profile"):
        return bytes(info["icc_profile"])
    gamma, colours = info.get("gamma"), info.get("chromaticity")
    if "srgb" in info or not gamma or not 0.1 <= gamma <= 10:
        return None
    usual = abs(gamma - 1 / 2.2) < 0.005  # what writers put for sRGB
    white, primaries = _WHITE, _PRIMARIES[1]
    if colours is not None and len(colours) == 8 and not grey:
        white, primaries = tuple(colours[:2]), tuple(colours[2:])
    near = max(map(abs, np.subtract(white + primaries, _WHITE + _PRIMARIES[1]))) < 0.002
    if usual and near:
        return None
    return _made(f"gAMA {gamma:.5f}", 0.0 if usual else 1 / gamma, primaries, white, grey)


def _made(
    name: str, gamma: float, primaries: Sequence[float], white: Sequence[float], grey: bool
) -> bytes | None:
    """Write a display profile (ICC.1:2001-04, version 2); a gamma of 0 is the curve of sRGB."""
    try:
        colorants = _colorants(primaries, white)
    except (np.linalg.LinAlgError, ZeroDivisionError):  # numbers of strangers
        return None
    steps = np.linspace(0, 1, 4096)
    if gamma:
        light = steps**gamma
    else:
        light = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    table = np.rint(light * 65535).astype(">u2").tobytes()
    curve = b"curv\0\0\0\0" + struct.pack(">I", len(steps)) + table
    text = name.encode("ascii") + b"\0"
    said = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": said, b"cprt": b"text\0\0\0\0\0", b"wtpt": _xyz(_D50)}
    if grey:
        tags[b"kTRC"] = curve
    else:
        tags |= {b"rXYZ": _xyz(colorants[:, 0]), b"rTRC": curve}
        tags |= {b"gXYZ": _xyz(colorants[:, 1]), b"gTRC": curve}
        tags |= {b"bXYZ": _xyz(colorants[:, 2]), b"bTRC": curve}
    at = 128 + 4 + 12 * len(tags)
    index, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        index += tag + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s",
        at + len(body),
        bytes(4),
        0x02400000,
        b"mntr",
        b"GRAY" if grey else b"RGB ",
        b"XYZ ",
    )
    head += bytes(12) + b"acsp" + bytes(28) + _xyz(_D50)[8:]
    return head.ljust(128, b"\0") + index + body


def _colorants(primaries: Sequence[float], white: Sequence[float]) -> NDArray[np.float64]:
    """Return XYZ of red, green and blue as columns, adapted to D50 by Bradford's matrix."""

    def xyz_of(x: float, y: float) -> NDArray[np.float64]:
        return np.array([x / y, 1.0, (1 - x - y) / y])

    each = np.stack([xyz_of(*primaries[k : k + 2]) for k in (0, 2, 4)], axis=1)
    source = xyz_of(*white)
    scaled = each * np.linalg.solve(each, source)
    cone = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    ratio = (cone @ _D50) / (cone @ source)
    return np.linalg.solve(cone, ratio[:, None] * cone) @ scaled


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in values))


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
    flags: Any = _EXACT if mode == "L" else 0
    transform = ImageCms.buildTransform(
        opened, srgb, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags
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
