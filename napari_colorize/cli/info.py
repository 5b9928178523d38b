"""``napari-colorize info``: what a bug report should begin with."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from napari_colorize._version import __version__
from napari_colorize.checkpoints import registry
from napari_colorize.checkpoints.home import home

_PACKAGES = (
    "torch",
    "numpy",
    "opencv-python-headless",
    "scikit-image",
    "tifffile",
    "safetensors",
    "napari",
    "lightning",
)


@click.command("info")
def command() -> None:
    """Show versions, backend, devices and folders."""
    _line("napari-colorize", __version__)
    _line("Python", f"{platform.python_version()} ({platform.platform()})")
    for package in _PACKAGES:
        _line(package, _version_of(package))
    _line("operators", _operators())
    for title, about in _devices():
        _line(title, about)
    names = ", ".join(record.name for record in registry.available())
    _line("weights", names or "none on this machine")
    _line("user folder", str(home()))


def _line(title: str, text: str) -> None:
    click.echo(f"{title.ljust(24)}{text}")


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _operators() -> str:
    from napari_colorize import ops

    compiled = ops.backend() == "native"
    return "native (compiled)" if compiled else "twin (plain torch, slower, same results)"


def _devices() -> list[tuple[str, str]]:
    import torch

    devices = [("cpu", f"{torch.get_num_threads()} threads")]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            memory = properties.total_memory / 2**30
            devices.append((f"cuda:{index}", f"{properties.name}, {memory:.1f} GiB"))
    else:
        devices.append(("cuda", "not available"))
    return devices
