"""The sentence for a figure legend, from a record: what a reader of the figure must know."""

from collections.abc import Mapping
from typing import Any

from napari_colorize.methods import CARDS
from napari_colorize.refinements import REFINEMENTS

MEANINGS = {"t": "time", "z": "depth", "c": "channels", "y": "rows", "x": "columns"}
"""What the letters of axes stand for."""


def legend(record: Mapping[str, Any]) -> str:
    """Return a sentence ready for a figure legend, from a record."""
    if record["checkpoint"] is None:
        return _legend_by_hand(record)
    used, checkpoint, software = (record[key] for key in ("parameters", "checkpoint", "software"))
    refinement = REFINEMENTS[used["refinement"]].described(used)
    settings = "".join(
        f"{name} {used[name]:g}, "
        for name in ("temperature", "vividness")
        if name not in record.get("without_effect", ())
    )
    return (
        f"Colour was predicted with {software['name']} {software['version']} (method "
        f"{record['method']}, weights {checkpoint['name']}, SHA-256 {checkpoint['sha256'][:12]}…, "
        f"{settings}network short side {used['network_size']} px, {refinement}) from lightness "
        f"alone{_part_of(record)}, {_windows_of(record)}{_planes_of(record)}{_guided(record)}"
        f"{_region_of(record)}; {_lightness_of(record)}. Predicted colour is not a measurement."
    )


def short_legend(record: Mapping[str, Any]) -> str:
    """Return the few words that a small figure has room for; the rest belongs into the methods.

    Parameters
    ----------
    record : mapping
        Of any result; see :func:`napari_colorize.records.record.make_record`.

    Examples
    --------
    >>> import napari_colorize, skimage.data
    >>> short_legend(napari_colorize.colorize(skimage.data.camera()).record)  # doctest: +ELLIPSIS
    'Predicted colour (napari-colorize ..., method colorful), not a measurement.'
    """
    software, method = record["software"], record["method"]
    kind = "Colour set by hand" if record["checkpoint"] is None else "Predicted colour"
    return f"{kind} ({software['name']} {software['version']}, method {method}), not a measurement."


def methods_paragraph(record: Mapping[str, Any]) -> str:
    """Return a paragraph for the methods section of a paper: how all of it was done, and cited.

    Parameters
    ----------
    record : mapping
        Of any result; see :func:`napari_colorize.records.record.make_record`.

    Examples
    --------
    >>> import napari_colorize, skimage.data
    >>> text = methods_paragraph(napari_colorize.colorize(skimage.data.camera()).record)
    >>> "Zhang, Isola, Efros 2016" in text, "measure" in text
    (True, True)
    """
    software, given = record["software"], record["input"]
    card = CARDS.get(record["method"])
    cited = f" by the method of {card.cited_as}" if card is not None else ""
    if card is not None and card.paper.arxiv:
        cited += f" (arXiv:{card.paper.arxiv})"
    weights, used = record["checkpoint"], record["parameters"]
    trained = f" Weights: {weights['name']}, SHA-256 {weights['sha256']}." if weights else ""
    missing = given.get("nan_count") or 0
    lacking = f" {missing} pixels without a value were taken as black." if missing else ""
    share = record["output"].get("clipped_share")
    paler = (
        f" {share:.1%} of the pixels are paler than predicted, as sRGB has no such colour at their "
        "lightness."
        if share and share >= 0.0005  # less is shown as 0.0%
        else ""
    )
    return (
        f"Grey images ({given['dtype']}) were coloured with {software['name']} "
        f"{software['version']} (PyTorch {software.get('torch', 'unknown')}){cited}. "
        f"{legend(record)}{trained} The result was stored as {used['dtype']} sRGB.{lacking}{paler} "
        "Colours were used for display alone; nothing was measured in them."
    )


def _lightness_of(record: Mapping[str, Any]) -> str:
    """Say where the lightness comes from: of a picture whose colour was predicted, that too."""
    if (record.get("source") or {}).get("predicted"):
        return (
            "lightness is that of the picture so displayed, whose own colour had been predicted "
            "before"
        )
    return "lightness is that of the original so displayed"


def _region_of(record: Mapping[str, Any]) -> str:
    """Say in a legend that only a part was coloured; nothing where all of it was."""
    region = record.get("region")
    if not region:
        return ""
    where = "inside the border of the print" if region["found"] else "inside a region set by hand"
    return f"; only {where}, {region['share']:.0%} of the picture, was coloured, the rest is grey"


_SOURCES = {
    "scribbles": "spread along edges of lightness (Levin, Lischinski and Weiss 2004)",
    "transfer": "taken from a reference picture (Welsh, Ashikhmin and Mueller 2002)",
}


def _legend_by_hand(record: Mapping[str, Any]) -> str:
    """Return the legend of a picture that no network has coloured."""
    software, method = record["software"], record["method"]
    return (
        f"Colour was {_SOURCES[method]} with {software['name']} {software['version']}"
        f"{_part_of(record)}, {_windows_of(record)}{_guided(record)}{_region_of(record)}; "
        f"{_lightness_of(record)}. Such colour is not a measurement."
    )


def _guided(record: Mapping[str, Any]) -> str:
    """Say in a legend what a person decided; nothing where nobody did."""
    guide = record.get("guide") or {}
    said = []
    hints = guide.get("hints") or {}
    if record.get("stack") and hints:
        many = len(hints)
        said.append(f"colours of {many} plane{'s' * (many > 1)} set by hand and carried along")
    elif hints.get("held"):
        said.append(hints["said"])
    if guide.get("reference"):
        said.append("colours of a reference picture")
    if guide.get("palette"):
        name, many = guide["palette"]["name"], len(guide["palette"]["colours"])
        said.append(f"drawn towards the palette {name or f'of {many} colours'}")
    return "".join(f"; {one}" for one in said)


def _part_of(record: Mapping[str, Any]) -> str:
    """Say in a legend which part of a picture was coloured; nothing where all of it was."""
    source, said = record.get("source") or {}, _projection_of(record)
    if source.get("part"):
        (top, bottom), (left, right) = source["part"]
        said += f" of rows {top} to {bottom - 1} and columns {left} to {right - 1}"
    if source.get("level"):
        return f"{said} of level {source['level']} of the picture's pyramid (level 0 is the finest)"
    return f"{said} of the picture" if source.get("part") else said


def _projection_of(record: Mapping[str, Any]) -> str:
    """Say in a legend that several planes were shown as one; nothing where they were not."""
    projection = (record.get("source") or {}).get("projection")
    if not projection:
        return ""
    several = [ends for ends in projection["planes"].values() if ends[1] > ends[0]]
    ends = " and ".join(f"{first} to {last}" for first, last in several)
    return f" of the {_PROJECTIONS[projection['mode']]} of planes {ends}"


_PROJECTIONS = {
    "max": "maximum projection",
    "mean": "mean",
    "min": "minimum projection",
    "sum": "sum",
}


def _windows_of(record: Mapping[str, Any]) -> str:
    """Say in a legend how raw values were displayed; of channels each in its own way."""
    used, own = record["parameters"], (record.get("stack") or {}).get("windows")
    gamma = used.get("gamma", 1.0)  # early records have none
    bent = f", gamma {gamma:g}" if gamma != 1 else ""
    said = [f"{low:g} to {high:g}" for low, high in own or [used["window"]]]
    if own is None:
        return f"intensity window {said[0]}{bent}"
    each = "; ".join(f"channel {number}: {window}" for number, window in enumerate(said, 1))
    return f"each channel on its own with an intensity window of its own ({each}){bent}"


def _planes_of(record: Mapping[str, Any]) -> str:
    """Say in a legend how the planes of a stack hang together; nothing of a single picture."""
    stack = record.get("stack")
    if not stack:
        return ""
    channels = len(stack.get("windows") or ())
    planes = stack["planes"] and stack["planes"] // max(channels, 1)
    many = f"all {planes} planes" if planes else "all planes"
    many += " of each channel" if channels else ""
    reach = _reach_of(record, stack)
    if planes == 1:
        return ""
    if not reach:
        return f", for {many}"
    return (
        f", for {many}; colour was smoothed along {_axis_of(record, stack)} where structure "
        f"continues (consistency {stack['consistency']:g}, up to {reach} "
        f"plane{'s' if reach > 1 else ''} to either side)"
    )


def _reach_of(record: Mapping[str, Any], stack: Mapping[str, Any]) -> int:
    """Return how many planes to either side could count: of a short stack no more than it has."""
    if stack["axis"] is None:
        return 0
    one_of_many = "plane" in stack  # its record has the shape of a plane
    length = stack["planes"] if one_of_many else record["input"]["shape"][stack["axis"]]
    return int(stack["reach"] if length is None else min(stack["reach"], length - 1))


def _axis_of(record: Mapping[str, Any], stack: Mapping[str, Any]) -> str:
    """Name the axis of a stack as a reader knows it; its number where nobody has named it."""
    letters, axis = (record.get("source") or {}).get("axes") or "", stack["axis"]
    if axis < len(letters):
        letter = letters[axis]
        return f"{letter} ({MEANINGS[letter]})" if letter in MEANINGS else letter
    counted = ("first", "second", "third", "fourth", "fifth")
    which = counted[axis] if axis < len(counted) else f"{axis + 1}th"
    return f"the {which} axis of the stack"
