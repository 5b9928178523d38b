"""The panel that teaches."""
