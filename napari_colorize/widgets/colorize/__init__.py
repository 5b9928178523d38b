"""The panel that colours."""
