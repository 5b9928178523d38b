"""Colour that a person decides: scribbles, hints and reference pictures.

`levin` spreads marked colours up to edges, `welsh` and `matching` take colours from a reference.
"""
