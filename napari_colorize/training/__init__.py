"""Training: photographs in, checkpoint and record out.

`train` is the one call for a run in a folder; `teach` makes weights of layers, arrays or files in
one go, can be watched, and puts them where `colorize` finds them. The core serves every method:

- `trainers.py`: what a method brings to be trained; its card says where that is
- `recipe.py`, `recipe_files.py`: all that decides a training, as a frozen dataclass, and TOML
- `samples.py`: cropped and augmented training pairs, deterministic by seed
- `survey.py`: a look at the data before, which refuses what cannot be learnt from
- `data.py`: the order of the pictures, entered at any batch
- `start.py`: the weights that a training starts from
- `description.py`: what decides a run, in ``run.json``
- `run.py`, `trainer.py`, `publish.py`: a whole training of a network, and its checkpoint
- `arrays.py`, `tiles.py`, `network.py`, `teaching.py`: pictures in memory, cut into tiles; `teach`
- `callbacks/`: what a run keeps, logs, tells and shows; seeing it from outside, and ending it
- `colorful/`, `deep/`, `gan/`: what one method, or family, has of its own
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
