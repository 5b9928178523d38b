"""Training: photographs in, checkpoint and record out.

`train` is the one call. Its parts, from the pictures to the checkpoint:

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
"""

from typing import Any

__all__ = ["train"]


def __getattr__(name: str) -> Any:
    if name == "train":
        from napari_colorize.training.front import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
