"""Colours from a reference picture by what things are: places matched by a network's features.

Welsh, Ashikhmin and Mueller (2002) compare luminance and its deviation (:mod:`.welsh`). Here cells
of stride 16 are compared by the maps of the trunk that the prediction is made of, and by lightness,
and both ways: a cell whose partner would rather have another is not trusted. What was matched
becomes hints with a doubt each, which the listening network hears like those of a person; where
nothing matches, the prediction stays.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

STRIDE = 4
"""Side of the cells that a network of hypercolumns predicts for, in pixels that it sees."""

CELL = 16
"""Side of a cell, in pixels that the network sees."""

LIGHT = 20.0
"""Lab units of lightness that count as much as features without anything in common."""

BOTH_WAYS = 0.08
"""Scale of the distance by which a partner's own favourite may be nearer."""

ALIKE, UNLIKE = 0.26, 0.38
"""Distances at which a match is trusted fully, and not at all. Of 16 training photographs, cells of
two mountains had their nearest partners at 0.25 to 0.30 in the median, of unlike things at 0.39 to
0.42, lightness left aside."""

SOFT = 0.04
"""Scale of distances over which partners share in the colour."""

LEAST = 0.1
"""Matches that are trusted less say nothing."""

MOST_MATCHES = 128

DOUBT = 20.0
"""Lab units by which the colour of a match that is not trusted at all is doubted."""


@dataclass(frozen=True, eq=False)
class Described:
    """A picture's cells of stride 16, row by row.

    Parameters
    ----------
    features : (N, D) float32 array
        Of length 1 each.
    lightness : (N,) float32 array
        L*, 0…100.
    grid : (int, int)
        Rows and columns.
    """

    features: NDArray[np.float32]
    lightness: NDArray[np.float32]
    grid: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Matches:
    """What a reference says of a picture.

    Parameters
    ----------
    partner : (N,) int array
        The reference's cell that is nearest to each cell of the picture.
    chroma : (N, 2) float32 array
        a and b in Lab units, the mean over like partners.
    deviation : (N,) float32 array
        Of those partners' chroma about it, Lab units.
    confidence : (N,) float32 array
        0 (nothing matches) … 1.
    grid : (int, int)
        Rows and columns of the picture's cells.
    """

    partner: NDArray[np.int64]
    chroma: NDArray[np.float32]
    deviation: NDArray[np.float32]
    confidence: NDArray[np.float32]
    grid: tuple[int, int]


def described(graph: Any, luma: "Tensor") -> Described:
    """Describe a picture by the maps of a network of hypercolumns.

    Parameters
    ----------
    graph
        A graph with such a ``network``.
    luma : (1, 1, H, W) float32 tensor
        L*, 0…100; sides from 32 pixels on are best.
    """
    import torch
    from torch.nn import functional as F

    from napari_colorize.methods.padding import pad_to_multiple

    with torch.inference_mode():
        padded = pad_to_multiple(luma, int(graph.multiple))
        network = graph.network
        columns = network.look(padded)
        sixteen = F.normalize(network.scale16(columns.sixteen), dim=-1)
        wide = network.scale32(columns.thirtytwo).permute(0, 3, 1, 2)
        wide = F.interpolate(wide, scale_factor=2.0, mode="bilinear", align_corners=False)
        both = torch.cat((sixteen, F.normalize(wide.permute(0, 2, 3, 1), dim=-1)), -1)
        light = F.avg_pool2d(padded, CELL)[0, 0]
        rows, columns_ = -(-luma.shape[2] // CELL), -(-luma.shape[3] // CELL)
        features = F.normalize(both[0, :rows, :columns_], dim=-1).flatten(0, 1)
        light = light[:rows, :columns_].flatten()
    return Described(features.cpu().numpy(), light.cpu().numpy(), (rows, columns_))


def match(
    picture: Described,
    reference: Described,
    chroma: NDArray[np.floating],
    labels: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None,
) -> Matches:
    """Match the cells of a picture with those of a reference, both ways.

    The distance of two cells is 1 − the cosine of their features, and the square of their
    difference of lightness over ``LIGHT``, at the most 1; half of each.

    Parameters
    ----------
    picture, reference : Described
    chroma : (M, 2) array
        a and b of the reference's cells, Lab units.
    labels : pair of int arrays, optional
        (N,) and (M,): numbers of swatches; equal ones from 1 on belong together, and cells in none
        match nothing.

    Returns
    -------
    Matches

    Raises
    ------
    ValueError
        The swatches have no number in common.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.eye(3, dtype=np.float32)
    >>> cells = Described(features, np.float32([20, 50, 80]), (1, 3))
    >>> found = match(cells, cells, np.float32([[0, 0], [9, 9], [30, -5]]))
    >>> found.partner.tolist(), found.confidence.tolist()
    ([0, 1, 2], [1.0, 1.0, 1.0])
    """
    unlike = 1 - picture.features @ reference.features.T
    apart = (picture.lightness[:, None] - reference.lightness) / LIGHT
    distance = 0.5 * np.clip(unlike, 0, 1) + 0.5 * np.minimum(apart**2, 1)
    if labels is not None:
        here, there = labels
        together = (here[:, None] == there) & (here[:, None] > 0)
        if not together.any():
            raise ValueError(
                "The swatches of the picture and of the reference have no number in common: give "
                "regions that belong together equal numbers, from 1 on."
            )
        distance = np.where(together, distance, np.inf)
    partner = distance.argmin(1)
    nearest = distance.min(1)
    favoured = distance.min(0)  # how near the partner's own favourite is
    usable = np.isfinite(nearest)
    level = np.where(usable, nearest, 0)
    weight = np.exp(-(distance - level[:, None]) / SOFT)
    rivalled = np.where(np.isfinite(distance), distance, 0) - np.where(
        np.isfinite(favoured), favoured, 0
    )
    weight = weight * np.exp(-np.maximum(rivalled, 0) / BOTH_WAYS)
    weight = weight / np.maximum(weight.sum(1, keepdims=True), 1e-12)
    mean = weight @ chroma
    square = weight @ (chroma.astype(np.float64) ** 2)
    deviation = np.sqrt(np.maximum((square - mean**2).sum(1), 0))
    trusted = np.clip((UNLIKE - level) / (UNLIKE - ALIKE), 0, 1)
    mutual = np.exp(-(level - np.where(usable, favoured[partner], 0)) / BOTH_WAYS)
    confidence = trusted * mutual
    if labels is not None:  # a person says that they belong together
        confidence = np.maximum(confidence, 0.5)
    confidence = np.where(usable, confidence, 0)
    return Matches(
        partner,
        mean.astype(np.float32),
        deviation.astype(np.float32),
        confidence.astype(np.float32),
        picture.grid,
    )


def spoken(matches: Matches) -> NDArray[np.int64]:
    """Return the cells that speak: the most trusted ones, evenly through the picture."""
    rows, columns = np.divmod(np.arange(len(matches.confidence)), matches.grid[1])
    # Cells of every other row and column first, so that none is crowded out by its neighbours.
    order = np.lexsort((-matches.confidence, (rows % 2 + columns % 2)))
    usable = order[matches.confidence[order] > LEAST]
    return np.sort(usable[:MOST_MATCHES])


def of_cells(values: NDArray[Any], grid: tuple[int, int], shown: tuple[int, int]) -> NDArray[Any]:
    """Average a picture over its cells.

    Parameters
    ----------
    values : (H, W, C) float array
        At any size.
    grid : (int, int)
        Rows and columns of cells.
    shown : (int, int)
        Size at which the network saw the picture; its last cells may reach beyond.

    Returns
    -------
    (N, C) float32 array
    """
    from napari_colorize.pipeline.resample import resize

    small = resize(np.ascontiguousarray(values, np.float32), shown)
    beyond = [(0, n * CELL - side) for n, side in zip(grid, shown, strict=True)]
    padded = np.pad(small, [*beyond, (0, 0)], mode="edge")
    cells = padded.reshape(grid[0], CELL, grid[1], CELL, -1).mean((1, 3))
    return cells.reshape(grid[0] * grid[1], -1).astype(np.float32)


def labels_of_cells(
    labels: NDArray[np.integer], grid: tuple[int, int], shown: tuple[int, int]
) -> NDArray[np.int64]:
    """Return the number of the swatch that fills most of each cell, (N,); 0 for none."""
    found = np.zeros(grid[0] * grid[1], np.int64)
    most = np.full(len(found), 0.25)
    for number in np.unique(labels[labels > 0]):
        share = of_cells((labels == number)[..., None].astype(np.float32), grid, shown)[:, 0]
        found[share > most] = number
        most = np.maximum(most, share)
    return found


@dataclass(frozen=True, eq=False)
class Matched:
    """What a reference says of one picture.

    Parameters
    ----------
    said : tuple of arrays
        Fields of :class:`napari_colorize.guided.listening.Voices`.
    weight, confidence : (1, 1, h, w) float32 tensors
        How far it counts at each place of the network's output, and how far it is trusted, 0…1.
    everywhere : bool
        A person named the swatches: likes elsewhere follow too.
    """

    said: tuple[NDArray[Any], ...]
    weight: "Tensor"
    confidence: "Tensor"
    everywhere: bool

    def laid_over(
        self, heard: "Tensor", chroma: "Tensor", uncertainty: "Tensor"
    ) -> "tuple[Tensor, Tensor]":
        """Return what was heard where something matched, and the prediction elsewhere."""
        unsure = self.weight * (1 - self.confidence) + (1 - self.weight) * uncertainty
        return self.weight * heard + (1 - self.weight) * chroma, unsure


class Lent:
    """A reference picture and what a network makes of it, worked out once for all pictures.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 array
        sRGB.
    network_size : int
        Short side at which the network sees it, in pixels.
    swatches : pair of int arrays, optional
        (H, W) of the picture and (h, w) of the reference; see
        :func:`napari_colorize.guided.matching.match`.
    """

    def __init__(self, pixels: NDArray[np.uint8], network_size: int, swatches: Any = None) -> None:
        self._pixels, self._size, self._swatches = pixels, network_size, swatches
        self._known: Any = None

    def matched(self, graph: Any, luma: "Tensor") -> Matched:
        """Match a picture, as the network sees it, with the reference."""
        import torch
        from torch.nn import functional as F

        source, chroma, there = self._described(graph, luma.device)
        picture = described(graph, luma)
        shown = int(luma.shape[2]), int(luma.shape[3])
        labels = None
        if self._swatches is not None:
            here = labels_of_cells(np.asarray(self._swatches[0]), picture.grid, shown)
            labels = here, there
        found = match(picture, source, chroma, labels)
        some = spoken(found)
        rows, columns = np.divmod(some, found.grid[1])
        trusted = found.confidence[some]
        said = (
            (rows + 0.5) * CELL / shown[0],
            (columns + 0.5) * CELL / shown[1],
            found.chroma[some],
            (found.deviation[some] + DOUBT * (1 - trusted)).astype(np.float32),
        )
        confidence = torch.from_numpy(found.confidence.reshape(1, 1, *found.grid))
        fine = F.interpolate(
            confidence.to(luma.device),
            scale_factor=float(CELL // STRIDE),
            mode="bilinear",
            align_corners=False,
        )[:, :, : -(-shown[0] // STRIDE), : -(-shown[1] // STRIDE)]
        return Matched(said, (2 * fine).clamp(0, 1), fine, self._swatches is not None)

    def _described(self, graph: Any, device: Any) -> Any:
        if self._known is None:
            import torch

            from napari_colorize import ops
            from napari_colorize.pipeline.refine import as_tensor
            from napari_colorize.pipeline.resample import network_shape, resize

            lab = ops.rgb_to_lab(torch.from_numpy(self._pixels)).numpy()
            shown = network_shape(lab.shape[0], lab.shape[1], self._size)
            light = resize(np.ascontiguousarray(lab[..., 0]), shown)
            source = described(graph, as_tensor(light, str(device))[None, None])
            chroma = of_cells(lab[..., 1:], source.grid, shown)
            there = None
            if self._swatches is not None:
                numbers = np.asarray(self._swatches[1])
                there = labels_of_cells(numbers, source.grid, shown)
            self._known = source, chroma, there
        return self._known
