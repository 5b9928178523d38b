"""The panel that scores."""
