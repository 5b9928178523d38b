from ._version import __version__
from .api import colorize
from .guided.hints import Hints
from .parameters import ColorizeParameters
from .results import Colorized, ColorizedStack
from .sequences.channels import colorize_channels
from .sequences.lazy import colorize_lazy, colorize_multiscale
from .sequences.parameters import StackParameters
from .sequences.stack import colorize_stack
from .sequences.stream import colorize_planes
from .volumes.run import colorize_zarr

__all__ = [
    "ColorizeParameters",
    "Colorized",
    "ColorizedStack",
    "Hints",
    "StackParameters",
    "__version__",
    "colorize",
    "colorize_channels",
    "colorize_lazy",
    "colorize_multiscale",
    "colorize_planes",
    "colorize_stack",
    "colorize_zarr",
]
