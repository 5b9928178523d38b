"""What the samples of a TIFF page mean: from stored numbers to grey, RGB or RGBA as they are shown.

The tags are those of TIFF 6.0 (sections 8, 16, 18, 20, 21, 23), Adobe's supplements and, for
values that are missing, GDAL's ``GDAL_NODATA``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.decoders.limits import UnreadableFile
from napari_colorize.decoders.profiles import srgb_of_lab, to_srgb

_COLOURS = {
    "MINISWHITE": 1,
    "MINISBLACK": 1,
    "PALETTE": 1,
    "RGB": 3,
    "YCBCR": 3,
    "CIELAB": 3,
    "ICCLAB": 3,
    "SEPARATED": 4,
}
"""Colour model → how many samples of a pixel are its colour; the others are extra."""

_MULTIPLIED = ("MINISWHITE", "MINISBLACK", "RGB", "SEPARATED")
"""Colour models whose numbers can be multiplied with opacity: those where 0 is nothing at all."""

_ASSOCIATED, _STRAIGHT = 1, 2
"""ExtraSamples: alpha that colours are multiplied with, and alpha that they are not."""

PLAIN = {1, 5, 8, 32773, 32946, 34925, 34926, 50000}
"""Compressions that keep samples as they are. All others are codecs of pictures, which give RGB of
YCbCr themselves."""

_YCBCR_WEIGHTS = (0.299, 0.587, 0.114)
_YCBCR_RANGE = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Meaning:
    """What a page says of its samples.

    Parameters
    ----------
    model : str
        A key of the colour models.
    samples : int
        In each pixel.
    alpha : int or None
        Which sample is opacity.
    associated : bool
        Whether colours are multiplied with it.
    bits : int
        Of a sample; 0 where they differ.
    orientation : int
        1…8, as in EXIF.
    page : tifffile.TiffPage
        For what only some models need.
    name : str
        What errors call the file.
    """

    model: str
    samples: int
    alpha: int | None
    associated: bool
    bits: int
    orientation: int
    page: Any
    name: str

    @property
    def bands(self) -> int:
        """Pictures that the samples are: several grey ones where no colour model joins them."""
        return (
            self.samples if self.model in ("MINISWHITE", "MINISBLACK") and self.alpha is None else 1
        )

    @property
    def unused(self) -> int:
        """How many samples are neither colour nor opacity nor pictures of their own."""
        used = self.bands if self.bands > 1 else _COLOURS[self.model] + (self.alpha is not None)
        return max(0, self.samples - used)

    @property
    def no_data(self) -> float | None:
        """Value that stands for missing in grey pictures (``GDAL_NODATA``)."""
        tag = self.page.tags.get(42113)
        try:
            return float(str(tag.value).strip(" \0")) if tag is not None else None
        except ValueError:
            return None


def meaning_of(page: Any, name: str) -> Meaning:
    """Read the tags that say what the samples of a page mean.

    Raises
    ------
    UnreadableFile
        A colour model that is not read; the sentence names it.
    """
    model = getattr(page.photometric, "name", str(page.photometric))
    if not page.tags.get(262):
        raise UnreadableFile(
            f"{name} does not say whether 0 is black or white, or a colour. Export it again."
        )
    if model not in _COLOURS:
        raise UnreadableFile(
            f"{name} holds colours as {model}, which is not read. Export it as RGB or grey, as "
            "TIFF or PNG."
        )
    if model == "SEPARATED" and getattr(page.tags.get(332), "value", 1) != 1:
        raise UnreadableFile(
            f"{name} holds separations for inks that are not cyan, magenta, yellow and black, so "
            "nobody can say how it looks. Export it as RGB."
        )
    samples, colours = int(page.samplesperpixel), _COLOURS[model]
    if model == "CIELAB" and samples < 3:
        colours = 1  # TIFF 6.0, section 23: lightness alone
    if samples < colours:
        raise UnreadableFile(
            f"{name} says that its colours are {model}, which takes {colours} samples a pixel, but "
            f"has {samples}. Export it again, as RGB or grey."
        )
    tag = page.tags.get(338)
    extra = [int(kind) for kind in page.extrasamples] if tag is not None else []
    if tag is None and samples == colours + 1 and colours == 3:
        extra = [_STRAIGHT]  # what every reader takes a fourth sample for that nobody explains
    known = [k for k, kind in enumerate(extra) if kind in (_ASSOCIATED, _STRAIGHT)]
    alpha = colours + known[0] if known and colours + known[0] < samples else None
    bits = page.bitspersample
    return Meaning(
        model=model,
        samples=samples,
        alpha=alpha,
        associated=alpha is not None and extra[known[0]] == _ASSOCIATED,
        bits=int(bits) if isinstance(bits, int) else 0,
        orientation=orientation_in(getattr(page.tags.get(274), "value", 1)),
        page=page,
        name=name,
    )


def shown(stored: NDArray[Any], meaning: Meaning) -> tuple[list[NDArray[Any]], dict[str, Any]]:
    """Turn the stored samples of one plane into pictures.

    Parameters
    ----------
    stored : (H, W) or (H, W, samples) array
        As decoded.
    meaning : Meaning
        Of its page.

    Returns
    -------
    pictures : list of arrays
        Grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4), upright; ``meaning.bands`` of them. Grey ones
        are masked arrays where values are missing.
    about : dict
        What was done to them, for the record; empty where nothing was.
    """
    about: dict[str, Any] = {}
    planes = stored if stored.ndim == 3 else stored[..., None]
    if meaning.bands > 1:
        pictures = [_grey(planes[..., k], meaning) for k in range(meaning.bands)]
    elif meaning.samples == 1 and meaning.model != "CIELAB":
        pictures = [_one_sample(planes[..., 0], meaning)]
    else:
        pictures = [_joined(planes, meaning, about)]
    if meaning.model == "PALETTE" or pictures[0].ndim == 2:
        pictures = [_profiled(picture, meaning, about) for picture in pictures]
    pictures = [oriented(picture, meaning.orientation) for picture in pictures]
    return [_without_missing(picture, meaning, about) for picture in pictures], about


def orientation_in(value: Any) -> int:
    """Return an orientation, or 1 where the tag holds anything else than 1…8."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def oriented(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return pixels as their orientation (EXIF and TIFF tag 274) says they stand."""
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels if orientation == 1 else np.ascontiguousarray(pixels)


def straight(colours: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Divide colours or inks (H, W, n) by the opacity (H, W, 1) they were multiplied with."""
    most = float(np.iinfo(colours.dtype).max) if colours.dtype.kind == "u" else 1.0
    share = alpha.astype(np.float32) / np.float32(most)
    with np.errstate(divide="ignore", invalid="ignore"):
        divided = np.where(share > 0, colours / share, 0)
    if colours.dtype.kind == "u":
        divided = np.clip(np.rint(divided), 0, most)
    return divided.astype(colours.dtype)


def rgb_of_cmyk(inks: NDArray[Any]) -> NDArray[Any]:
    """Return RGB of CMYK without a profile: each ink takes its share of the light, black of all.

    That is what viewers do, Pillow among them; inks on paper look paler.
    """
    most = np.iinfo(inks.dtype).max
    light = (most - inks).astype(np.uint32)
    return ((light[..., :3] * light[..., 3:] + most // 2) // most).astype(inks.dtype)


def _one_sample(values: NDArray[Any], meaning: Meaning) -> NDArray[Any]:
    if meaning.model == "PALETTE":
        return _colours_of_palette(values, meaning)
    return _grey(values, meaning)


def _grey(values: NDArray[Any], meaning: Meaning) -> NDArray[Any]:
    """Return grey values with 0 as black; of fewer than 8 bits, over all of uint8."""
    kind, full = values.dtype.kind, _full(values, meaning)
    if meaning.model == "MINISWHITE":
        if kind == "u":
            values = values.dtype.type(full) - values
        else:
            values = ~values if kind in "bi" else (1 - values).astype(values.dtype)
    return widened(values, full) if kind == "u" and full < 255 else values


def _full(values: NDArray[Any], meaning: Meaning) -> int:
    """Return the largest value that integers of so many bits can have."""
    if values.dtype.kind != "u":
        return 0
    most = int(np.iinfo(values.dtype).max)
    return min(most, (1 << meaning.bits) - 1) if meaning.bits else most


def widened(values: NDArray[Any], full: int) -> NDArray[Any]:
    """Spread integers 0…full over all of their type."""
    most = int(np.iinfo(values.dtype).max)
    if full == most:
        return values
    table = (np.arange(full + 1, dtype=np.uint64) * most + full // 2) // full
    return table.astype(values.dtype)[np.minimum(values, full)]


def _colours_of_palette(values: NDArray[Any], meaning: Meaning) -> NDArray[np.uint8]:
    colormap = meaning.page.colormap
    if colormap is None or int(values.max(initial=0)) >= np.shape(colormap)[-1]:
        raise UnreadableFile(
            f"{meaning.name} has pixels for which its palette has no colour. Export it again, as "
            "RGB or grey."
        )
    # Writers fill the 16 bits as 256·v or as 257·v; the upper eight are v either way. Some old
    # ones write v alone.
    colours = np.asarray(colormap)
    colours = (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)
    return np.ascontiguousarray(colours.T[values.astype(np.intp)])


def _joined(planes: NDArray[Any], meaning: Meaning, about: dict[str, Any]) -> NDArray[Any]:
    """Join the samples of a pixel to RGB or RGBA."""
    count, model = _COLOURS[meaning.model], meaning.model
    alpha = None if meaning.alpha is None else planes[..., meaning.alpha, None]
    colours = planes[..., :count]
    if meaning.unused:
        about["samples_left_out"] = meaning.unused
    if model not in ("CIELAB", "ICCLAB") and planes.dtype.kind == "u":
        full = _full(planes, meaning)
        colours = widened(colours, full)
        alpha = None if alpha is None else widened(alpha, full)
    if model in ("MINISWHITE", "MINISBLACK"):
        colours = np.repeat(_grey(planes[..., :1], meaning), 3, axis=-1)
    if meaning.associated and alpha is not None and model in _MULTIPLIED:
        colours = straight(colours, alpha)
    if model == "PALETTE":
        colours = _colours_of_palette(planes[..., 0], meaning)
    elif model == "YCBCR" and int(meaning.page.compression) in PLAIN:
        colours = _rgb_of_ycbcr(colours, meaning)
    elif model in ("CIELAB", "ICCLAB"):
        colours = _rgb_of_lab(colours, meaning)
    elif model == "SEPARATED":
        colours = _rgb_of_inks(colours, meaning, about)
    if model in ("RGB", "YCBCR"):
        colours = _profiled(colours, meaning, about)
    about |= {"colour_model": model} if model not in ("RGB", "MINISBLACK") else {}
    if alpha is None:
        return np.ascontiguousarray(colours)
    return np.concatenate([colours, _of_type(alpha, colours.dtype)], axis=-1)


def _of_type(alpha: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return opacity as another type, over whose range it goes."""
    if alpha.dtype == dtype:
        return alpha
    most = {kind: np.iinfo(kind).max if kind.kind == "u" else 1 for kind in (alpha.dtype, dtype)}
    return (alpha.astype(np.float64) * most[dtype] / most[alpha.dtype]).round().astype(dtype)


def _rgb_of_inks(inks: NDArray[Any], meaning: Meaning, about: dict[str, Any]) -> NDArray[Any]:
    if inks.dtype.kind != "u" or inks.dtype.itemsize > 2:
        raise _of_other_numbers(meaning, "CMYK", inks.dtype)
    inks = _profiled(inks, meaning, about)
    return inks if inks.shape[-1] == 3 else rgb_of_cmyk(inks)


def _of_other_numbers(meaning: Meaning, model: str, dtype: np.dtype[Any]) -> UnreadableFile:
    return UnreadableFile(
        f"{meaning.name} holds {model} of type {dtype}, which is not read. Export it with 8 or 16 "
        "bits, or as RGB."
    )


def _profiled(pixels: NDArray[Any], meaning: Meaning, about: dict[str, Any]) -> NDArray[Any]:
    profile = meaning.page.iccprofile
    if profile is None or (pixels.ndim == 2 and pixels.dtype == bool):
        return pixels
    pixels, about["colour_profile"] = to_srgb(pixels, profile)
    return pixels


def _rgb_of_ycbcr(coded: NDArray[Any], meaning: Meaning) -> NDArray[Any]:
    """TIFF 6.0, section 21."""
    if coded.dtype != np.uint8:
        raise _of_other_numbers(meaning, "YCbCr", coded.dtype)
    tags = meaning.page.tags
    red, green, blue = _rationals(tags.get(529), _YCBCR_WEIGHTS)
    black_white = _rationals(tags.get(532), _YCBCR_RANGE)
    full = [255.0, 127.0, 127.0]
    parts = []
    for k in range(3):
        low, high = black_white[2 * k : 2 * k + 2]
        span = (high - low) or 1.0
        parts.append((coded[..., k].astype(np.float32) - low) * np.float32(full[k] / span))
    luma, to_blue, to_red = parts
    r = luma + to_red * np.float32(2 - 2 * red)
    b = luma + to_blue * np.float32(2 - 2 * blue)
    g = (luma - np.float32(red) * r - np.float32(blue) * b) / np.float32(green or 1)
    return np.clip(np.rint(np.stack([r, g, b], axis=-1)), 0, 255).astype(np.uint8)


def _rationals(tag: Any, without: tuple[float, ...]) -> tuple[float, ...]:
    """Return the numbers of a tag of fractions, or what stands where there is none."""
    if tag is None or len(tag.value) != 2 * len(without):
        return without
    above, below = tag.value[::2], tag.value[1::2]
    return tuple(a / b if b else 0.0 for a, b in zip(above, below, strict=True))


def _rgb_of_lab(coded: NDArray[Any], meaning: Meaning) -> NDArray[Any]:
    """CIELAB under D50 to sRGB (TIFF 6.0, section 23; ICC L*a*b* has a and b without sign)."""
    if coded.dtype not in (np.uint8, np.uint16, np.int8, np.int16):
        raise _of_other_numbers(meaning, "L*a*b*", coded.dtype)
    wide = coded.dtype.itemsize == 2
    unsigned = coded.view(f"u{coded.dtype.itemsize}")
    signed = coded.view(f"i{coded.dtype.itemsize}")
    unsigned_chroma = meaning.model == "ICCLAB"
    # 16 bits of ICC's first versions, which the model was made for, have L* 100 at 0xFF00.
    white = 65280 if wide and unsigned_chroma else 65535 if wide else 255
    out = np.empty((*coded.shape[:2], 3), np.uint16 if wide else np.uint8)
    for row in range(len(coded)):  # row by row: float64 of all of it would be eight times as much
        light = np.minimum(unsigned[row, :, 0] * (100 / white), 100)
        chroma = np.zeros((len(light), 2))
        if coded.shape[-1] >= 3:
            if unsigned_chroma:
                chroma = unsigned[row, :, 1:3] / (256 if wide else 1) - 128.0
            else:
                chroma = signed[row, :, 1:3] / (256 if wide else 1)
        out[row] = srgb_of_lab(light, chroma, np.iinfo(out.dtype).max)
    return out


def _without_missing(
    picture: NDArray[Any], meaning: Meaning, about: dict[str, Any]
) -> NDArray[Any]:
    """Mask the pixels of a grey picture that hold the value for missing."""
    value = meaning.no_data
    if value is None or picture.ndim != 2 or picture.dtype == bool or np.isnan(value):
        return picture
    if meaning.model == "MINISWHITE" or (meaning.bits and meaning.bits < 8):
        return picture  # the stored value is another by now
    about["no_data"] = value
    if picture.dtype.kind == "f":
        with np.errstate(over="ignore"):
            same = picture == picture.dtype.type(value)
            far = abs(value) > 1e30  # the largest floats are written with fewer digits
            mask = same | (far & (picture * np.sign(value) >= abs(value) * 0.999999))
    else:
        mask = picture == value
    return np.ma.masked_array(picture, mask) if mask.any() else picture
