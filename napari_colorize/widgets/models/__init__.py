"""The panel of weights."""
