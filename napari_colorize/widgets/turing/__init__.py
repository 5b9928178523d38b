"""The panel that asks which picture is real."""
