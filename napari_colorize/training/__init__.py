"""Training: photographs in, checkpoint and record out.

- `pictures.py`: colour pictures from folders and tar archives, read in place
- `samples.py`: cropped and augmented training pairs, deterministic by seed
- `recipe.py`: everything that decides a training, as a frozen dataclass read from TOML
- `pretrained.py`: weights of a trunk, from an installed package
- `colorful.py`: the Lightning module of *Colorful Image Colorization*
- `run.py`: a whole training, from data to checkpoint
"""
