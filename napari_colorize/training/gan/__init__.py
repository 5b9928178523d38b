"""How generators learn: U-Net, conditional GAN and pix2pix through the one trainer.

- `recipe.py`: what their recipes hold beside what all recipes hold
- `start.py`: the generator they start from
- `training.py`: the Lightning module: losses, two optimisers, validation
- `palette.py`: what the colours of generated pictures have in common
- `watch.py`: what trouble that means, in words
"""
