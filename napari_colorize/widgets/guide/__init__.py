"""The panel *Guide*: colour that a person decides, by strokes, points and regions."""
