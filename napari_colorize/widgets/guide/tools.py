"""Eyedropper, suggestions and keys of the panel *Guide*."""

from typing import TYPE_CHECKING, Any

from napari_colorize.widgets.guide.live import suggested

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget


class Tools:
    """What acts at the place under the cursor.

    Parameters
    ----------
    panel : GuidePanel
        Has ``session``, ``known``, ``solved``, ``picture``, ``viewer`` and ``ui``.
    """

    def __init__(self, panel: "QWidget") -> None:
        self._panel: Any = panel
        self._picking = False

    def start_picking(self) -> None:
        """Take the colour under the next click."""
        self._picking = True
        self._panel.ui.status.setText("Click on the colour in the picture.")

    def on_press(self, layer: Any, event: Any) -> None:
        """Pick, if that was asked for."""
        if not self._picking or self._panel.session is None:
            return
        self._picking = False
        event.handled = True
        for one in reversed(list(self._panel.viewer.layers)):
            if getattr(one, "rgb", False) and one.visible:
                colour = self._panel.session.colour_under(one, event.position)
                if colour is not None:
                    self._panel.add_colour(colour)
                    return
        self._panel.complain("There is no visible RGB layer under the click; nothing was picked.")

    def pixel_under_cursor(self) -> tuple[int, int] | None:
        """Return the row and column under the cursor, if it is over the picture."""
        session = self._panel.session
        source = session.source if session is not None else None
        if session is None or source is None or self._panel.known is None:
            return None
        plane = session.plane()
        place = source.world_to_data(self._panel.viewer.cursor.position[-source.ndim :])
        row, column = (round(float(place[axis])) for axis in plane.shown)
        height, width = self._panel.known[1].plane.luma.shape
        return (row, column) if 0 <= row < height and 0 <= column < width else None

    def lightness_under_cursor(self) -> float:
        """Return the L* under the cursor; 50 where there is none."""
        at = self.pixel_under_cursor()
        if at is None or self._panel.known is None:
            return 50.0
        return float(self._panel.known[1].plane.lightness(slice(at[0], at[0] + 1))[0, at[1]])

    def suggest(self) -> None:
        """Show the likeliest colours of the place under the cursor."""
        at = self.pixel_under_cursor()
        if at is None and self._panel.known is not None:
            height, width = self._panel.known[1].plane.luma.shape
            at = height // 2, width // 2
        if at is not None and self._panel.known is not None:
            self._panel.ui.show_suggestions(
                suggested(self._panel.known[1], *at, self._panel.solved)
            )

    def take_suggestion(self, button: Any, checked: bool = False) -> None:
        """Add a suggested colour."""
        colour = button.property("colour")
        if colour:
            self._panel.add_colour(colour)

    def next_suggestion(self, layer: Any = None) -> None:
        """Give the chosen label the next suggested colour."""
        self.suggest()
        colours = [button.property("colour") for button in self._panel.ui.suggested]
        colours = [colour for colour in colours if colour]
        label = self._panel.ui.swatches.label
        if colours and self._panel.session is not None and label is not None:
            now = self._panel.session.table.get(label)
            following = colours.index(now) + 1 if now in colours else 0
            self._panel.change_colour(label, colours[following % len(colours)])

    def hide_strokes(self, layer: Any = None) -> None:
        """Hide or show strokes and points."""
        if self._panel.session is not None:
            self._panel.session.labels.visible = not self._panel.session.labels.visible
            self._panel.session.points.visible = self._panel.session.labels.visible

    def before_and_after(self, layer: Any = None) -> None:
        """Hide or show the picture that follows."""
        picture = self._panel.picture
        if picture is not None:
            picture.visible = not picture.visible
