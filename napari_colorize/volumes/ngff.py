"""OME-Zarr as it is read and written here: images of up to five axes t, c, z, y, x.

Versions 0.4 (zarr 2) and 0.5 (zarr 3) are read, plates of wells among them, and arrays that have no
metadata at all; 0.5 with shards is written. See https://ngff.openmicroscopy.org/0.5/.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = "0.5"
AXES = "tczyx"
KINDS = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
RGB = (("R", "FF0000"), ("G", "00FF00"), ("B", "0000FF"))

RECORD = "napari-colorize"
"""The attribute of a group of our own that holds the record of its colours."""


@dataclass(frozen=True)
class Level:
    """One resolution of an image.

    Parameters
    ----------
    path : str
        Of the array, within the image's group; empty where the image is the array itself.
    shape : tuple of int
    chunks : tuple of int
        Of what is stored in one piece: shards where there are some.
    scale, translation : tuple of float
        Of each axis, in its unit.
    """

    path: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    scale: tuple[float, ...]
    translation: tuple[float, ...]


@dataclass(frozen=True)
class Image:
    """A multiscale image, as its metadata describe it; its pixels are read by :meth:`array`.

    Parameters
    ----------
    path : str
        Folder or address of the whole store.
    group : str
        Of the image in the store; empty at its root.
    name : str
    axes : str
        Letters of ``"tczyx"``, in this order.
    units : tuple of str or None
        Of each axis.
    dtype : str
    levels : tuple of Level
        From fine to coarse; one at the least.
    channels : tuple of str
        Names, where the file has some.
    guessed : bool
        Whether the axes were told from the number of axes alone.
    """

    path: str
    group: str
    name: str
    axes: str
    units: tuple[str | None, ...]
    dtype: str
    levels: tuple[Level, ...]
    channels: tuple[str, ...] = ()
    guessed: bool = False

    def array(self, level: int) -> Any:
        """Open the zarr array of a level, for reading."""
        import zarr

        inner = "/".join(part for part in (self.group, self.levels[level].path) if part)
        return zarr.open_array(self.path, path=inner, mode="r")

    def side(self, axis: str, level: int = 0) -> int:
        """Return the length along an axis, 1 where there is no such axis."""
        return self.levels[level].shape[self.axes.index(axis)] if axis in self.axes else 1


@dataclass(frozen=True)
class Source:
    """What was found at a path: one image, or the fields of a plate.

    Parameters
    ----------
    path : str
    images : tuple of Image
    plate : mapping or None
        The plate's own metadata, and the wells' by their paths.
    """

    path: str
    images: tuple[Image, ...]
    plate: Mapping[str, Any] | None = None
    wells: Mapping[str, Any] = field(default_factory=dict)


def open_source(source: Any) -> Source:
    """Find out what an OME-Zarr holds; no pixels are read.

    Parameters
    ----------
    source : str, path, zarr array or group
        A folder, an address that fsspec understands, or what zarr opened from one.

    Raises
    ------
    TypeError, ValueError
        There is nothing of the kind; the sentence says what is accepted.
    """
    import zarr

    path = _address(source)
    try:
        found = zarr.open(path, mode="r")
    except Exception as error:
        raise ValueError(
            f"{path} cannot be opened as zarr ({error}). Give the folder or address of an "
            "OME-Zarr, or of a zarr array."
        ) from None
    if isinstance(found, zarr.Array):
        return Source(path, (_bare(path, "", found),))
    attributes = _ome(found)
    if "plate" in attributes:
        return _plate(path, found, attributes["plate"])
    if "multiscales" in attributes:
        return Source(path, (_image(path, "", found, attributes),))
    inner = ", ".join(sorted(found)[:5]) or "nothing"
    raise ValueError(
        f"{path} is a zarr group without OME metadata; it holds {inner}. Give one of its images."
    )


def _address(source: Any) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    store = getattr(source, "store", None)
    root = getattr(store, "root", None) or getattr(store, "path", None)
    if root is None:
        raise TypeError(
            f"The source is {type(source).__name__}; workers open it by its address, so give the "
            "path of an OME-Zarr or of a zarr array. Arrays in memory go to colorize_stack."
        )
    inner = str(getattr(source, "path", "")).strip("/")
    return os.path.join(str(root), inner) if inner else str(root)


def _ome(group: Any) -> Mapping[str, Any]:
    """Return the OME attributes: under ``ome`` since 0.5, at the top before."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, Mapping) else attributes


def _bare(path: str, group: str, array: Any) -> Image:
    axes = getattr(array.metadata, "dimension_names", None)
    names = tuple(axes or ())
    named = bool(names) and all(names)
    letters = "".join(str(name).lower() for name in names)
    if not named:
        letters = AXES[-len(array.shape) :]
    if not named and len(array.shape) == 4:
        letters = "tzyx"
    _check_axes(letters, path)
    if len(letters) != len(array.shape):
        raise ValueError(f"{path} has the shape {array.shape}; 2 to 5 axes can be coloured.")
    ones = (1.0,) * len(letters)
    level = Level("", tuple(array.shape), _pieces(array), ones, (0.0,) * len(letters))
    return Image(
        path=path,
        group=group,
        name=os.path.basename(path.rstrip("/")),
        axes=letters,
        units=(None,) * len(letters),
        dtype=array.dtype.name,
        levels=(level,),
        guessed=not named and len(letters) > 2,
    )


def _pieces(array: Any) -> tuple[int, ...]:
    return tuple(getattr(array, "shards", None) or array.chunks)


def _image(path: str, group: str, found: Any, attributes: Mapping[str, Any]) -> Image:
    first = attributes["multiscales"][0]
    axes = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in first.get("axes", ())]
    letters = "".join(str(axis.get("name", "")).lower() for axis in axes) or "tczyx"
    _check_axes(letters, path)
    levels = []
    for dataset in first["datasets"]:
        array = found[dataset["path"]]
        scale, translation = _transform(len(letters), first, dataset)
        shape = tuple(int(side) for side in array.shape)
        levels.append(Level(dataset["path"], shape, _pieces(array), scale, translation))
    if not levels or len(levels[0].shape) != len(letters):
        raise ValueError(f"{path} has no image whose axes are the {letters!r} of its metadata.")
    channels = attributes.get("omero", {}).get("channels", ())
    return Image(
        path=path,
        group=group,
        name=str(first.get("name") or os.path.basename(path.rstrip("/"))),
        axes=letters,
        units=tuple(axis.get("unit") for axis in axes) or (None,) * len(letters),
        dtype=array.dtype.name,
        levels=tuple(levels),
        channels=tuple(str(c.get("label", number)) for number, c in enumerate(channels)),
    )


def _check_axes(letters: str, path: str) -> None:
    ordered = "".join(axis for axis in AXES if axis in letters)
    if letters != ordered or not letters.endswith("yx"):
        raise ValueError(
            f"{path} has the axes {letters!r}; images of t, c, z, y, x, in this order and y and x "
            "among them, can be coloured."
        )


def _transform(
    ndim: int, multiscale: Mapping[str, Any], dataset: Mapping[str, Any]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    scale, translation = [1.0] * ndim, [0.0] * ndim
    steps = (
        *dataset.get("coordinateTransformations", ()),
        *multiscale.get("coordinateTransformations", ()),
    )
    for step in steps:
        if step.get("type") == "scale":
            scale = [a * float(b) for a, b in zip(scale, step["scale"], strict=True)]
            translation = [a * float(b) for a, b in zip(translation, step["scale"], strict=True)]
        elif step.get("type") == "translation":
            shift = step["translation"]
            translation = [a + float(b) for a, b in zip(translation, shift, strict=True)]
    return tuple(scale), tuple(translation)


def _plate(path: str, found: Any, plate: Mapping[str, Any]) -> Source:
    images, wells = [], {}
    for well in plate["wells"]:
        group = found[well["path"]]
        own = _ome(group)["well"]
        wells[well["path"]] = dict(own)
        for one in own["images"]:
            inner = f"{well['path']}/{one['path']}"
            images.append(_image(path, inner, found[inner], _ome(found[inner])))
    if not images:
        raise ValueError(f"{path} is a plate without images.")
    return Source(path, tuple(images), dict(plate), wells)


def multiscales(
    axes: str,
    units: Sequence[str | None],
    levels: Sequence[Level],
    *,
    name: str,
    how: str,
    about: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the ``multiscales`` metadata of an image to be written.

    Parameters
    ----------
    axes : str
        Of the written arrays.
    units : sequence of str or None
        Of each axis.
    levels : sequence of Level
    name : str
    how : str
        How coarse levels were made, in a word.
    about : mapping
        Of the making, in more words.
    """
    described = [
        {"name": axis, "type": KINDS[axis], **({"unit": unit} if unit else {})}
        for axis, unit in zip(axes, units, strict=True)
    ]
    datasets = [
        {
            "path": level.path,
            "coordinateTransformations": [
                {"type": "scale", "scale": list(level.scale)},
                *(
                    [{"type": "translation", "translation": list(level.translation)}]
                    if any(level.translation)
                    else []
                ),
            ],
        }
        for level in levels
    ]
    return [
        {
            "name": name,
            "axes": described,
            "datasets": datasets,
            "type": how,
            "metadata": dict(about),
        }
    ]


def rgb_channels(names: Sequence[str], most: float) -> list[dict[str, Any]]:
    """Return the ``omero`` channels of colour: R, G and B of each name, under one window.

    Viewers that choose contrast for each channel would shift every hue.
    """
    window = {"min": 0, "max": most, "start": 0, "end": most}
    return [
        {
            "label": f"{name} {letter}".strip(),
            "color": colour,
            "window": dict(window),
            "active": True,
        }
        for name in names
        for letter, colour in RGB
    ]
