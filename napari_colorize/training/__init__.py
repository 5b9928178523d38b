"""Training: photographs in, checkpoint and record out.

`train` is the one call for a run in a folder; `teach` makes weights of layers, arrays or files in
one go, can be watched, and puts them where `colorize` finds them. The core serves every method:

- `front.py`: both calls
- `trainers.py`: what a method brings to be trained; its card says where that is
- `recipe.py`, `recipe_files.py`: all that decides a training, as a frozen dataclass, and TOML
- `samples.py`: cropped and augmented pairs, deterministic by seed, and the order they are seen in
- `survey.py`: a look at the data before, which refuses what cannot be learnt from
- `start.py`: the weights that a training starts from
- `run.py`: a whole training of a network; `run_folder.py`: its ``run.json`` and its checkpoint
- `tiles.py`, `network.py`: pictures in memory, cut into tiles; networks taught in one go
- `callbacks/`: what a run keeps, reports and shows; seeing it from outside, and ending it
- `colorful/`, `deep/`, `gan/`: what one method, or family, has of its own
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
