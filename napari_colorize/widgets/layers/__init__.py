"""napari's layers: reading, placing, opening and saving them."""
