"""Palettes and suggestions: the distribution that a method predicts, reweighted or asked.

Methods that predict, for every place, how probable each of the 313 ab bins is (Zhang, Isola and
Efros 2016) have a ``distribution`` beside their prediction. A palette K multiplies it,
``p'(q) ∝ p(q) · K(q)``, before it is decoded as ever; suggestions are the centres of its clusters.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.marks import MEANINGS, checked_colour, chroma_of

if TYPE_CHECKING:
    from torch import Tensor

OKABE_ITO = (
    "#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7",
)  # fmt: skip
TOL_BRIGHT = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
NAMED = {"okabe-ito": OKABE_ITO, "tol-bright": TOL_BRIGHT}
"""Sets that people with any common colour vision tell apart (Okabe and Ito 2008; Tol 2021)."""

REACH = 12.0
"""Standard deviation, in Lab units, within which a bin belongs to a colour of a palette."""

PALEST = 0.4
"""A palette's colours may lose saturation down to this share: shades of them occur in pictures."""

FLOOR = -9.2
"""Logarithm of the least K, 1e-4: what no palette colour is near to stays possible."""

MOST_COLOURS = 1024


@dataclass(frozen=True)
class Palette:
    """Colours that a picture may have.

    Parameters
    ----------
    colours : tuple of str
        ``"#rrggbb"``, 1…1024 of them.
    name : str
        What it is called, for the record; may be empty.
    """

    colours: tuple[str, ...]
    name: str = ""

    def __post_init__(self) -> None:
        """Check all colours."""
        checked = tuple(checked_colour(colour) for colour in self.colours)
        if not 1 <= len(checked) <= MOST_COLOURS or any(c in MEANINGS for c in checked):
            raise ValueError(
                f"A palette has {len(checked)} entries; it must be 1 to {MOST_COLOURS} colours."
            )
        object.__setattr__(self, "colours", checked)

    def log_weights(self) -> NDArray[np.float32]:
        """Return log K of the 313 bins, float32; 0 on the palette's colours."""
        from napari_colorize.ops.bins import bin_centres

        bins, colours = bin_centres().astype(np.float64), chroma_of(self.colours).astype(float)
        # The nearest place between a colour's palest shade and itself.
        length = np.maximum((colours**2).sum(1), 1e-9)
        along = np.clip(bins @ colours.T / length, PALEST, 1.0)
        nearest = along[..., None] * colours
        squared = ((bins[:, None] - nearest) ** 2).sum(-1).min(1)
        return np.maximum(-squared / (2 * REACH**2), FLOOR).astype(np.float32)


def palette_of(given: Any) -> Palette | None:
    """Return a palette of whatever a front door takes.

    Parameters
    ----------
    given : Palette, sequence of colours, str, path or None
        A string is the name of a set (``"okabe-ito"``, ``"tol-bright"``), the path of a ``.gpl`` or
        ``.ase`` file, or the name of a list of colours of matplotlib (``"tab10"``), where that is
        installed.

    Returns
    -------
    Palette or None

    Raises
    ------
    TypeError, ValueError
        It is none of these; the sentence says what is.

    Examples
    --------
    >>> palette_of(["#fff", "navy"]).colours
    ('#ffffff', '#000080')
    >>> len(palette_of("okabe-ito").colours)
    8
    """
    if given is None or isinstance(given, Palette):
        return given
    if isinstance(given, str) and given.lower() in NAMED:
        return Palette(NAMED[given.lower()], given.lower())
    if isinstance(given, (str, Path)):
        suffix = Path(given).suffix.lower()
        if suffix in (".gpl", ".ase"):
            return read_palette(given)
        return Palette(_of_matplotlib(str(given)), str(given))
    if isinstance(given, Sequence):
        return Palette(tuple(given))
    raise TypeError(
        f"palette is {given!r}; give a list of colours, a name, or a .gpl or .ase file."
    )


def read_palette(path: Any) -> Palette:
    """Read a palette file: GIMP's ``.gpl`` or Adobe's ``.ase`` (RGB and grey swatches).

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Palette
        Named as the file.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, or it is no such palette.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"There is no palette file {file}.")
    data = file.read_bytes()
    try:
        colours = _gpl(data) if file.suffix.lower() == ".gpl" else _ase(data)
    except (ValueError, struct.error, IndexError):
        colours = []
    if not colours:
        raise ValueError(f"{file.name} holds no colours of a .gpl or .ase palette.")
    return Palette(tuple(dict.fromkeys(colours))[:MOST_COLOURS], file.stem)


def with_palette(
    graph: Any, luma: "Tensor", temperature: "Tensor", vividness: "Tensor", palette: Palette,
    strength: float,
) -> "tuple[Tensor, Tensor]":  # fmt: skip
    """Predict under a palette.

    Parameters
    ----------
    graph : callable
        A method's graph with ``distribution`` and ``bins``; see :func:`has_distribution`.
    luma, temperature, vividness : Tensor
        As the graph takes them.
    palette : Palette
    strength : float
        Exponent of K, 0 (no palette) … 1.

    Returns
    -------
    chroma : (N, 2, h, w) float32 tensor
    uncertainty : (N, 1, h, w) float32 tensor
    """
    import torch

    from napari_colorize import ops

    logits = graph.distribution(luma, vividness)
    bias = strength * torch.from_numpy(palette.log_weights()).to(logits.device)
    return ops.annealed_mean(logits, graph.bins, bias, temperature=float(temperature))


def has_distribution(graph: Any) -> bool:
    """Whether a method predicts how probable colours are, so that palettes can act."""
    return hasattr(graph, "distribution") and hasattr(graph, "bins")


class Under:
    """Stands in for a graph: predicts under a palette.

    Parameters
    ----------
    palette : Palette
    strength : float
        0…1.
    model : checkpoints.LoadedModel
        What predicts.

    Raises
    ------
    ValueError
        The method predicts no distribution, so that a palette cannot act.
    """

    def __init__(self, palette: Palette, strength: float, model: Any) -> None:
        if not has_distribution(model.graph):
            raise ValueError(
                "A palette acts on methods that predict how probable colours are; choose the "
                "method 'colorful', or leave the palette out."
            )
        self._palette, self._strength, self._model = palette, strength, model

    def __call__(
        self, luma: "Tensor", temperature: "Tensor", vividness: "Tensor"
    ) -> "tuple[Tensor, Tensor]":
        """Predict as the graph does, with the palette's colours more probable."""
        return with_palette(
            self._model.graph, luma, temperature, vividness, self._palette, self._strength
        )

    def over(self, model: Any) -> "Under":
        """Return the same over the model on another device, where memory ran out on this one."""
        return Under(self._palette, self._strength, model)


def suggestions(
    probabilities: NDArray[np.floating],
    lightness: float,
    *,
    count: int = 5,
    near: Any = None,
    reach: float = 40.0,
) -> list[tuple[str, float]]:
    """Suggest colours for a place: k-means of what a method holds probable there.

    Parameters
    ----------
    probabilities : (313,) array
        Of the ab bins; need not sum to 1.
    lightness : float
        L* of the place, 0…100.
    count : int
        How many colours, 1…20.
    near : (a, b), optional
        What the hints so far make of the place; colours near to it become more probable.
    reach : float
        Standard deviation of that, in Lab units.

    Returns
    -------
    list of (str, float)
        ``"#rrggbb"`` that sRGB has at that lightness, and its share 0…1; the most probable first.

    Examples
    --------
    >>> import numpy as np
    >>> [(colour, share)] = suggestions(np.ones(313), 50.0, count=1)
    >>> round(share, 6)
    1.0
    """
    from napari_colorize.ops.bins import bin_centres

    bins = bin_centres().astype(np.float64)
    weight = np.maximum(np.asarray(probabilities, dtype=np.float64), 0)
    if near is not None:
        apart = ((bins - np.asarray(near, dtype=np.float64)) ** 2).sum(1)
        weight = weight * np.exp(-apart / (2 * reach**2))
    if not np.isfinite(weight).all() or weight.sum() <= 0:
        raise ValueError("The predicted distribution is empty or not finite; nothing to suggest.")
    weight /= weight.sum()
    centres, share = _clusters(bins, weight, min(count, int(np.count_nonzero(weight))))
    return [
        (hex_at(lightness, centre), float(part))
        for centre, part in zip(centres, share, strict=True)
    ]


def hex_at(lightness: float, chroma: Any) -> str:
    """Return the sRGB colour ``"#rrggbb"`` of a chroma at a lightness, moved into the gamut."""
    import torch

    from napari_colorize import ops

    lab = torch.tensor([[lightness, *map(float, chroma)]], dtype=torch.float32)
    fitted, _ = ops.gamut_clip(lab, channel_dim=-1)
    red, green, blue = ops.lab_to_rgb(fitted, channel_dim=-1, dtype=torch.uint8)[0].tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def _clusters(
    bins: NDArray[np.float64], weight: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted k-means, started from the most probable bins that lie apart; no random number."""
    starts: list[int] = []
    urge = weight.copy()
    for _ in range(count):
        starts.append(int(urge.argmax()))
        apart = ((bins[:, None] - bins[starts]) ** 2).sum(-1).min(1)
        urge = weight * apart
    centres = bins[starts]
    for _ in range(50):
        nearest = ((bins[:, None] - centres) ** 2).sum(-1).argmin(1)
        share = np.bincount(nearest, weight, minlength=count).astype(np.float64)
        summed = np.stack([np.bincount(nearest, weight * b, minlength=count) for b in bins.T], 1)
        moved = np.where(share[:, None] > 0, summed / np.maximum(share, 1e-300)[:, None], centres)
        if np.allclose(moved, centres, atol=1e-6):
            break
        centres = moved
    order = np.argsort(-share, kind="stable")
    return centres[order], share[order]


def _of_matplotlib(name: str) -> tuple[str, ...]:
    known = ", ".join(NAMED)
    try:
        import matplotlib
        from matplotlib.colors import ListedColormap, to_hex
    except ModuleNotFoundError:
        raise ValueError(
            f"There is no palette {name!r}; known are {known}, .gpl and .ase files, and, with "
            "matplotlib installed, its lists such as 'tab10'."
        ) from None
    found = matplotlib.colormaps.get(name)
    if not isinstance(found, ListedColormap) or found.N > 64:
        raise ValueError(
            f"There is no palette {name!r}; known are {known}, .gpl and .ase files, and "
            "matplotlib's lists such as 'tab10'."
        )
    return tuple(to_hex(found(number)) for number in range(found.N))


def _gpl(data: bytes) -> list[str]:
    lines = data.decode("utf-8", errors="replace").splitlines()
    if not lines or lines[0].strip() != "GIMP Palette":
        return []
    rows = (re.match(r"\s*(\d+)\s+(\d+)\s+(\d+)", line) for line in lines[1:])
    return [checked_colour([int(n) for n in row.groups()]) for row in rows if row]


def _ase(data: bytes) -> list[str]:
    signature, _, blocks = struct.unpack_from(">4sII", data)
    if signature != b"ASEF":
        return []
    at, found = 12, []
    for _ in range(min(blocks, 2 * MOST_COLOURS)):
        kind, size = struct.unpack_from(">HI", data, at)
        block, at = data[at + 6 : at + 6 + size], at + 6 + size
        if kind != 1:
            continue
        (letters,) = struct.unpack_from(">H", block)
        model, values = block[2 + 2 * letters : 6 + 2 * letters], 6 + 2 * letters
        if model == b"RGB ":
            channels = struct.unpack_from(">3f", block, values)
        elif model == b"Gray":
            channels = struct.unpack_from(">f", block, values) * 3
        else:
            continue  # CMYK and Lab need the profiles that the file does not hold
        if not all(0 <= channel <= 1 for channel in channels):
            continue
        found.append(checked_colour([round(255 * channel) for channel in channels]))
    return found
