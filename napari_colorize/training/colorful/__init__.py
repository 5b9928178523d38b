"""How Colorful Image Colorization is trained."""
