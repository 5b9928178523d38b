"""The methods, one folder a paper: card, network, target encoding, loss and graph.

Nothing here reads files: an architecture is built untrained, and `napari_colorize.checkpoints`
fills it with weights. A method is added by adding a folder whose ``__init__`` holds its card, or by
another package through `register` or an entry point (see `registry`).
"""

from napari_colorize.methods.cards import (
    ARCHITECTURES,
    CARDS,
    METHOD_TITLES,
    METHODS,
    NETWORK_TITLES,
    WITHOUT_EFFECT,
    Architecture,
    Builder,
    MethodCard,
    Paper,
    PublicLayout,
    method_of,
    register,
    register_all,
    unregister,
)

register_all()

__all__ = [
    "ARCHITECTURES",
    "CARDS",
    "METHODS",
    "METHOD_TITLES",
    "NETWORK_TITLES",
    "WITHOUT_EFFECT",
    "Architecture",
    "Builder",
    "MethodCard",
    "Paper",
    "PublicLayout",
    "method_of",
    "register",
    "unregister",
]
