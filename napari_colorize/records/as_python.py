"""The Python code that makes a result again, from its record."""

from collections.abc import Mapping
from typing import Any

from napari_colorize.records.source import READABLE


def as_python(record: Mapping[str, Any]) -> str:
    """Return the Python code that makes the same result without a graphical interface.

    Where the source is a file that :mod:`napari_colorize.files` reads, the code reads it; otherwise
    it expects the picture in a variable ``image`` and, where a layer of napari was coloured, says
    in a comment what that is in napari's console. The intensity window is written out, so that the
    code does not depend on how it was chosen; the device is left to the machine that runs it.
    """
    used = {k: v for k, v in record["parameters"].items() if k != "device"}
    used["window"] = tuple(used["window"])
    stack = record.get("stack")
    source = record.get("source") or {}
    lines = ["import napari_colorize"]
    if str(source.get("path", "")).lower().endswith(READABLE):
        lines += _reading(record, source)
    else:
        name = source.get("name") or source.get("path")
        named = f" {name!r}" if name else ""
        levels = (stack or {}).get("levels")
        what = f"pyramid of {levels} levels," if levels else "stack" if stack else "picture"
        lines += ["", f"# image: the {_shape_of(record)} pixels of the {what}{named}"]
        if source.get("expression"):  # no more than a hint: elsewhere there is no viewer
            lines += [f"# image = {source['expression']}"]
    guide = record.get("guide") or {}
    lines += [
        f"# hints: those with SHA-256 {hints['sha256']}"
        for _, hints in _hints_of(guide)
        if _hints_as_code(hints) == "hints"
    ]
    if (record.get("region") or {}).get("found") is False:
        lines += [f"# region: that with SHA-256 {record['region']['sha256']}"]
    call, options = _call_of(stack, used)
    options |= _guided(guide)
    region = record.get("region")
    if region:
        options["region"] = repr("inside border") if region["found"] else "region"
    lines += [f"result = napari_colorize.{call}(", "    image,"]
    lines += [f"    {name}={value}," for name, value in options.items()]
    found = ("rgb", "uncertainty", "clipped")
    one = f"[{stack['plane']}]" if stack and "plane" in stack else ""
    lines += [")", f"{', '.join(found)} = {', '.join(f'result.{name}{one}' for name in found)}"]
    return "\n".join(lines) + "\n"


def _hints_of(guide: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the hints of a record: of a picture one with an empty name, of a stack by plane."""
    hints = guide.get("hints") or {}
    return [("", hints)] if "sha256" in hints else sorted(hints.items(), key=lambda p: int(p[0]))


def _hints_as_code(hints: Mapping[str, Any]) -> str:
    """Return hints as they are written: their file, themselves, or a name where they are large."""
    if hints["file"]:
        return repr(hints["file"])
    return "hints" if hints["values"] is None else repr(hints["values"])


def _guided(guide: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of a call by which a person's decisions are repeated."""
    options: dict[str, str] = {}
    written = [(plane, _hints_as_code(hints)) for plane, hints in _hints_of(guide)]
    if written:
        whole = ", ".join(f"{plane}: {code}" for plane, code in written)
        options["hints"] = written[0][1] if written[0][0] == "" else f"{{{whole}}}"
        options["spread"] = repr(guide["spread"])
    if guide.get("reference"):
        path = guide["reference"]["path"]
        options["reference"] = repr(path) if path else "reference"
    if guide.get("swatches"):
        options["swatches"] = "swatches"
    if guide.get("palette"):
        options["palette"] = repr(guide["palette"]["colours"])
        options["palette_strength"] = repr(guide["palette"]["strength"])
    return options


def _reading(record: Mapping[str, Any], source: Mapping[str, Any]) -> list[str]:
    """Return the lines that read the picture, or the stack in its axes, from its file."""
    stack, shape = record.get("stack"), record["input"]["shape"]
    pages = f"files.read({source['path']!r})"
    if not stack:
        read = f"{pages}[{source.get('page') or 0}].pixels"
        return ["from napari_colorize import files", "", f"image = {read}"]
    read = f"[page.pixels for page in {pages}]"
    if "plane" in stack or len(shape) - bool(stack["rgb"]) <= 3:
        return ["from napari_colorize import files", "", f"image = {read}"]
    whole = f"np.stack({read}).reshape({tuple(shape)})"
    lines = ["import numpy as np", "from napari_colorize import files", "", f"image = {whole}"]
    return lines


def _call_of(stack: Mapping[str, Any] | None, used: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the function that repeats a colouring, and its options as they are written."""
    if not stack:
        used.pop("consistency", None)  # of no use to a single picture
        return "colorize", {name: repr(value) for name, value in used.items()}
    call = "colorize_multiscale" if stack.get("levels") else "colorize_stack"
    asked = {"axis": stack["axis"], "rgb": stack["rgb"], **used}
    options = {name: repr(value) for name, value in asked.items()}
    if "channel_axis" not in stack:
        return call, options
    del options["window"]
    windows = [tuple(window) for window in stack["windows"]]
    own = {"channel_axis": repr(stack["channel_axis"]), "windows": repr(windows)}
    return "colorize_channels", {**own, "how": f"napari_colorize.{call}", **options}


def _shape_of(record: Mapping[str, Any]) -> str:
    given = record["input"]
    return f"{given['dtype']} " + " × ".join(str(side) for side in given["shape"])
