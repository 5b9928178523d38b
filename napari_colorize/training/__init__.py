"""Training: photographs in, checkpoint and record out.

`train` is the one call for a run in a folder; `teach` makes weights of layers, arrays or files in
one go, can be watched, and puts them where `colorize` finds them. Their parts, from the pictures
to the checkpoint:

- `recipe.py`: everything that decides a training, as a frozen dataclass read from TOML
- `pictures.py`: colour pictures from folders and tar archives, read in place (`files/decoding.py`)
- `samples.py`: cropped and augmented training pairs, deterministic by seed
- `survey.py`: a look at the data before, which refuses what cannot be learnt from
- `sampler.py`, `data.py`: the order of the pictures, entered at any batch
- `start.py`, `pretrained.py`: the weights that a training starts from
- `colorful.py`: the Lightning module of *Colorful Image Colorization*
- `keeping.py`, `logs.py`, `progress.py`, `sheet.py`: what a run keeps, logs, tells and shows
- `description.py`: what decides a run, in ``run.json``
- `run.py`, `publish.py`: a whole training, and its checkpoint
- `watching.py`, `onlooker.py`: seeing a training from outside, and ending it
- `tiles.py`, `naming.py`, `teaching.py`: slides cut into tiles, names that are free, and `teach`
"""

from typing import Any

__all__ = ["Taught", "Watch", "teach", "train"]

_PLACES = {
    "train": "front",
    "teach": "teaching",
    "Taught": "teaching",
    "Watch": "callbacks.watching",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
