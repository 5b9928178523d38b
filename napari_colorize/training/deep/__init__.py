"""Training of *Deep Colorization* (Cheng, Yang, Sheng 2015): pictures in, tree of networks out.

`run.train_deep` learns from files, `run.train_on_arrays` from pictures in memory. Their parts:

- `settings.py`: everything that decides a training
- `references.py`: files and arrays as pictures to learn from
- `semantic.py`: the pretrained classifier and its groups
- `sampled.py`: sampled pixels, described once and kept compactly
- `cache.py`: the same on the disk, for a training that was stopped
- `tree.py`: adaptive clustering, layer after layer
- `fitting.py`: least squares for the networks of all clusters at once
- `yuv.py`: the error that decides what is learnt
- `learning.py`: all of this in its order, to a filled graph
- `scoring.py`: pictures that were set aside, coloured and compared with grey and mean colour
- `figure.py`: the tree as a picture
- `record.py`, `run.py`: the checkpoint's record, and whole trainings
"""

from typing import Any

__all__ = ["DeepSettings", "train_deep", "train_on_arrays"]


def __getattr__(name: str) -> Any:
    if name == "DeepSettings":
        from napari_colorize.training.deep.settings import DeepSettings

        return DeepSettings
    if name in ("train_deep", "train_on_arrays"):
        from napari_colorize.training.deep import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
