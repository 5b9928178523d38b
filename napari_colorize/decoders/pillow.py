"""Pictures that Pillow decodes: PNG, JPEG and, for training and evaluation, some more."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.decoders.jpeg import frame_of_jpeg
from napari_colorize.decoders.limits import UnreadableFile, refuse_too_large
from napari_colorize.decoders.profiles import HIGH_DYNAMIC_RANGE, profile_in, to_srgb
from napari_colorize.decoders.samples import orientation_in, oriented, rgb_of_cmyk, widened

ORIENTATION = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_LS = 0xF7
"""Marker of the frame header of JPEG-LS (T.87, C.1.1)."""


Density = tuple[float, float, int]
"""Pixels per unit of length across and down, and the unit: 2 inch, 3 centimetre, as in TIFF."""


def read_picture(
    content: bytes, name: str, formats: tuple[str, ...]
) -> tuple[NDArray[Any], dict[str, Any], Density | None]:
    """Decode a whole file, the first frame of it, upright.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        What an error calls it.
    formats : tuple of str
        Pillow's names of the formats that it may be.

    Returns
    -------
    pixels : (H, W), (H, W, 3) or (H, W, 4) array
        Grey (bool, uint8, uint16, int32, float32), RGB or RGBA.
    about : dict
        For the record: ``colour_profile``, ``frames`` where there are several.
    density : (float, float, int) or None
        Pixels per unit of length, across the upright picture first.

    Raises
    ------
    UnreadableFile
        High dynamic range, or a kind of JPEG that is not read; the sentence names it.
    TooLarge
        More pixels than the limit.
    ValueError, OSError, …
        What Pillow and imagecodecs raise at damaged files.
    """
    png = content.startswith(_PNG)
    frame = None if png else frame_of_jpeg(content)
    if frame is not None and frame.kind == _JPEG_LS:
        raise UnreadableFile(
            f"{name} is a JPEG-LS picture, which is not read. Export it as PNG or TIFF."
        )
    deep = frame is not None and frame.bits > 8
    header = content
    if frame is not None and deep:  # Pillow reads the tags where it is told of 8 bits
        header = content[: frame.at] + b"\x08" + content[frame.at + 1 :]
    with opened(header, name, formats) as picture:
        refuse_too_large(name, *picture.size)
        frames = int(getattr(picture, "n_frames", 1))
        if png:
            _note_coding_of_png(content, picture, name)
        if frame is not None and deep:
            pixels, about = _deep_jpeg(content, frame.bits, picture)
        elif png and content[24] == 16 and frames == 1:
            picture.load()  # for the tags behind the pixels
            pixels, about = _sixteen_bits(content, picture)
        else:
            picture.load()
            pixels, about = pixels_of(picture)
        orientation = orientation_in(_tag(picture, ORIENTATION))
        density = _density(picture, orientation)
    about |= {"frames": frames} if frames > 1 else {}
    return oriented(pixels, orientation), about, density


def opened(content: bytes, name: str, formats: tuple[str, ...]) -> Any:
    """Open a picture as Pillow does, under our limit of size instead of its own.

    Pillow's limit belongs to the whole process, and it speaks of attacks.
    """
    from PIL import Image

    Image.init()
    start = content[:16]
    for kind in formats:
        if kind not in Image.OPEN:
            continue
        factory, accept = Image.OPEN[kind]
        accepted = accept(start) if accept is not None else True
        if not accepted or isinstance(accepted, str):
            continue
        if kind == "JPEG":  # not Pillow's factory: it would look for further pictures in the file
            from PIL.JpegImagePlugin import JpegImageFile as factory
        try:
            return factory(io.BytesIO(content), name)
        except (SyntaxError, IndexError, TypeError, KeyError) as error:
            raise ValueError(str(error) or f"damaged {kind}") from error
    raise ValueError("it is of an unknown kind")


def pixels_of(picture: Any) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the pixels of a Pillow picture of any mode as it looks.

    Parameters
    ----------
    picture : PIL.Image.Image
        Palettes become colours; CMYK, YCbCr, HSV and L*a*b* become RGB; a profile is applied;
        colours that are multiplied with alpha are divided by it; transparency becomes alpha.

    Returns
    -------
    pixels : (H, W), (H, W, 3) or (H, W, 4) array
        Grey of mode 1, L, I, I;16 and F keeps its values.
    about : dict
        ``colour_profile`` and, where it is neither grey nor RGB, ``colour_model``.
    """
    mode = picture.mode
    about: dict[str, Any] = {}
    if mode in ("I", "F", "1") or mode.startswith("I;"):
        return _deep(picture), about
    if mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        about["colour_model"] = mode
    profile = profile_in(picture.info, grey=mode in ("L", "LA", "La"))
    if mode == "CMYK":
        inks = np.array(picture)
        if profile:
            inks, about["colour_profile"] = to_srgb(inks, profile)
        return inks if inks.shape[-1] == 3 else rgb_of_cmyk(inks), about
    if mode == "LAB":
        return _rgb_of_lab(picture), about
    if mode in ("RGBa", "La"):
        picture = picture.convert("RGBA" if mode == "RGBa" else "LA")
    if picture.has_transparency_data:
        pixels = np.array(picture.convert("RGBA"))
    elif picture.mode in ("L", "RGB"):
        pixels = np.array(picture)
    else:
        pixels = np.array(picture.convert("RGB"))
    if profile:
        pixels = _profiled(pixels, profile, picture.mode, about)
    return pixels, about


def _profiled(
    pixels: NDArray[Any], profile: bytes, mode: str, about: dict[str, Any]
) -> NDArray[Any]:
    """Apply a profile to grey or colour, beside alpha."""
    if pixels.ndim == 2:
        pixels, about["colour_profile"] = to_srgb(pixels, profile)
        return pixels
    grey = mode in ("LA", "La", "L")
    colours, about["colour_profile"] = to_srgb(pixels[..., 0] if grey else pixels[..., :3], profile)
    if colours.ndim == 2:
        colours = np.repeat(colours[..., None], 3, axis=-1)
    if pixels.shape[-1] == 3:
        return colours
    return np.concatenate([colours, pixels[..., 3:]], axis=-1)


def _deep(picture: Any) -> NDArray[Any]:
    pixels = np.array(picture)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    transparent = picture.info.get("transparency")
    if not isinstance(transparent, int) or picture.mode in ("I", "F"):
        return pixels
    if picture.mode == "1":
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    return _with_transparent(pixels, transparent)


def _with_transparent(pixels: NDArray[Any], value: int) -> NDArray[Any]:
    """Return grey with one transparent value as RGBA."""
    alpha = np.where(pixels == value, 0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)
    return np.stack([pixels, pixels, pixels, alpha], axis=-1)


def _sixteen_bits(content: bytes, picture: Any) -> tuple[NDArray[Any], dict[str, Any]]:
    """Decode a PNG of 16 bits, which Pillow cuts down to 8 in colour."""
    import imagecodecs

    pixels = np.asarray(imagecodecs.png_decode(content))
    about: dict[str, Any] = {}
    grey = pixels.ndim == 2 or pixels.shape[-1] < 3
    profile = profile_in(picture.info, grey=grey)
    if grey and pixels.ndim == 3:  # with alpha
        grey_values, alpha = pixels[..., 0], pixels[..., 1:]
        pixels = np.concatenate([np.repeat(grey_values[..., None], 3, axis=-1), alpha], axis=-1)
    if profile:
        pixels = _profiled(pixels, profile, "L" if grey else "RGB", about)
    return pixels, about


def _deep_jpeg(content: bytes, bits: int, picture: Any) -> tuple[NDArray[Any], dict[str, Any]]:
    """Decode a JPEG of more than 8 bits: 12, or any of lossless ones."""
    import imagecodecs

    pixels = np.asarray(imagecodecs.jpeg8_decode(content))
    if pixels.ndim == 3 and pixels.shape[-1] != 3:
        raise ValueError(f"JPEG of {bits} bits with {pixels.shape[-1]} samples is not read")
    if pixels.ndim == 3:
        pixels = widened(pixels, (1 << bits) - 1)
    about: dict[str, Any] = {}
    profile = profile_in(picture.info, grey=pixels.ndim == 2)
    if profile and (pixels.ndim == 3 or bits == 16):
        pixels, about["colour_profile"] = to_srgb(pixels, profile)
    return pixels, about


def _note_coding_of_png(content: bytes, picture: Any, name: str) -> None:
    """Put what a cICP chunk says beside the tags that Pillow reads (PNG specification, 11.3.2)."""
    end = content.find(b"IDAT")
    at = content.find(b"cICP", 0, end if end > 0 else None)
    if at < 0 or content[at - 4 : at] != b"\0\0\0\4" or len(content) < at + 8:
        return
    picture.info["cicp"] = tuple(content[at + 4 : at + 8])
    if content[at + 5] in HIGH_DYNAMIC_RANGE:
        raise UnreadableFile(
            f"{name} is of high dynamic range ({HIGH_DYNAMIC_RANGE[content[at + 5]]}); how it "
            "looks depends on the screen. Export it with standard range, as sRGB."
        )


def _density(picture: Any, orientation: int) -> Density | None:
    """Return pixels per unit of length out of pHYs, JFIF or EXIF; nothing where none says it."""
    x = y = 0.0
    unit = {1: 2, 2: 3}.get(picture.info.get("jfif_unit", 0), 0)
    try:
        if unit:
            x, y = map(float, picture.info["jfif_density"])
        elif "dpi" in picture.info:
            (x, y), unit = map(float, picture.info["dpi"]), 2
    except (KeyError, TypeError, ValueError, ZeroDivisionError):  # tags of strangers
        return None
    if not (unit and 0 < x < 1e7 and 0 < y < 1e7):
        return None
    return (y, x, unit) if orientation >= 5 else (x, y, unit)


def _rgb_of_lab(picture: Any) -> NDArray[np.uint8]:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    shown = ImageCms.profileToProfile(
        picture, lab, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB"
    )
    assert shown is not None
    return np.array(shown)


def _tag(picture: Any, number: int) -> Any:
    try:
        return picture.getexif().get(number, 1)
    except Exception:  # EXIF of strangers: damaged tags leave the picture as it is
        return 1
