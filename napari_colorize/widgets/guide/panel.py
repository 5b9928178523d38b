"""The panel *Guide*: a person paints, and the picture follows."""

import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QDialog, QFileDialog
from superqt.utils import QSignalDebouncer, signals_blocked

from napari_colorize.guided.decisions import Decisions
from napari_colorize.guided.files import SUFFIX
from napari_colorize.guided.hints import Hints
from napari_colorize.guided.palettes import palette_of
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.widgets import commands  # noqa: F401  # registers its keys
from napari_colorize.widgets.colorize.job import Job, Outcome, PlaneJob, build_layers, plan
from napari_colorize.widgets.colorize.run import run
from napari_colorize.widgets.guide.gamut import GamutDialog
from napari_colorize.widgets.guide.layout import NEW_STROKES, GuideLayout
from napari_colorize.widgets.guide.live import Predicted, Shown, followed
from napari_colorize.widgets.guide.session import Session
from napari_colorize.widgets.guide.tools import Tools
from napari_colorize.widgets.layers.choice import PREVIEW_KEY
from napari_colorize.widgets.layers.placement import placement_of
from napari_colorize.widgets.layers.planes import Plane, into_plane
from napari_colorize.widgets.shared.panel import GUIDE, RunningPanel
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.task import Task, Work, connect_while_alive

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

PANEL = GUIDE
PAUSE_MS = 60
"""A stroke is coloured when the brush has rested so long."""
FIRST_COLOUR = "#b03a2e"
NOTE = "Follows the brush in the panel Guide; Keep as layer gives a result with its record."


class GuidePanel(RunningPanel):
    """Lets a person decide colours by strokes, points and regions, and follows them.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer or napari.components.ViewerModel
        Injected by napari; a model without a window does as well.
    """

    UNDER_WAY = "A result is being made; wait for it or cancel it first."
    FAILED = "Colouring failed"

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__(napari_viewer)
        preferences()  # napari reads their file once, which takes a tenth of a second
        self.session: Session | None = None
        self.shown: Shown | None = None
        self._known: tuple[Any, Predicted] | None = None
        self.solved: Any = None
        self._picture: weakref.ref | None = None
        self._job: Job | None = None
        self._palette: Any = None
        self.ui: GuideLayout = GuideLayout(self, self._viewer.layers)
        self.take_controls(self.ui)
        self.live = Task(self)
        self.tools = Tools(self)
        self._pause = QSignalDebouncer(parent=self)
        self._pause.setTimeout(PAUSE_MS)
        self._connect()
        self._offer_strokes()
        self.rest("Choose an image and press Start.")

    # -- what a person or a command does ------------------------------------------------------

    def choose(self, layer: "Image") -> None:
        """Choose the picture to guide."""
        self.ui.layer.choose(getattr(layer, "__wrapped__", layer))

    def start(self) -> None:
        """Make the layers for strokes and points, and begin to follow them."""
        source = self.ui.layer.layer
        if source is None:
            self.complain("There is no image to colour; open one first.")
            return
        try:
            self.session = Session(self._viewer, source, self.ui.strokes.currentData())
        except ValueError as error:
            self.complain(str(error))
            return
        self._follow(self.session)
        if not self.session.table:
            self.session.add(FIRST_COLOUR)
        self.ui.show_session(True)
        self._show_table()
        self.rest("Paint on the picture; each colour of the list is a label.")
        self.poke()

    def add_colour(self, meaning: Any = None) -> None:
        """Add a colour, by the dialog where none is given, and paint with it."""
        if self.session is None:
            return
        if meaning is None:
            dialog = GamutDialog(self.tools.lightness_under_cursor(), FIRST_COLOUR, self)
            if dialog.exec() != QDialog.DialogCode.Accepted:
                return
            meaning = dialog.colour
        try:
            self.session.add(meaning)
        except (TypeError, ValueError) as error:
            self.complain(str(error))
            return
        self._show_table()
        self.poke()

    def change_colour(self, label: int, meaning: Any) -> None:
        """Give a label another colour; what is painted with it follows."""
        if self.session is not None:
            self.session.change(label, meaning)
            self._show_table()
            self.poke()

    def save_hints(self, path: Any = None) -> None:
        """Write the hints of the plane on screen as a file; asks for a name where none is given."""
        if self.session is None:
            return
        if path is None:
            path, _ = QFileDialog.getSaveFileName(self, "Save hints", f"hints{SUFFIX}", "*.json")
        if path:
            self._say_or_complain(lambda: f"Saved {self.session.save(Path(path)).name}.")

    def open_hints(self, path: Any = None) -> None:
        """Read hints from a file into the layers; asks for it where none is given."""
        if self.session is None:
            return
        if path is None:
            path, _ = QFileDialog.getOpenFileName(self, "Open hints", "", "*.json")
        if path:
            self._say_or_complain(partial(self._opened, path))
            self._show_table()
            self.poke()

    def plan(self) -> Work:
        """Return the run that makes a result of what is on screen."""
        session = self._alive()
        guide = self._guide()
        told = {
            "hints": guide.hints,
            "palette": guide.palette,
            "spread": guide.spread,
        }
        source = session.source
        assert source is not None
        self._job = plan(source, self._viewer.dims, self._parameters())
        return partial(run, self._job, told=told)

    def show_result(self, result: Outcome) -> str:
        """Add the result to the viewer."""
        if not self.holds(result.job.layer()):
            return f"Layer '{result.job.name}' is gone; its result was dropped."
        for layer in build_layers(result.job, result):
            self._viewer.add_layer(layer)
        hints = result.record["guide"].get("hints") or {}
        moved = hints.get("moved") or 0
        some = f" {moved} pixels were moved to colours that exist there." if moved else ""
        return f"Added in {self.seconds:.1f} s.{some}"

    def leave(self) -> None:
        """End all work, and take the picture that follows out of the viewer."""
        self._pause.cancel()
        self.live.cancel()
        super().leave()
        layer = self.picture
        if layer is not None:
            self._viewer.layers.remove(layer)

    def poke(self, event: Any = None) -> None:
        """Something was painted or changed: the picture is to follow."""
        if self.session is not None:
            self._pause.throttle()

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        ui = self.ui
        ui.start.clicked.connect(self.start)
        ui.colour.clicked.connect(lambda: self.add_colour())
        ui.pick.clicked.connect(self.tools.start_picking)
        for word, button in ui.meanings.items():
            button.clicked.connect(partial(self.add_colour, word))
        for offered in ui.suggested:
            offered.clicked.connect(partial(self.tools.take_suggestion, offered))
        ui.remove.clicked.connect(self._remove)
        ui.swatches.chosen.connect(self._on_chosen)
        ui.swatches.itemDoubleClicked.connect(self._on_double_click)
        ui.elsewhere.currentIndexChanged.connect(self._on_elsewhere)
        ui.spread.valueChanged.connect(self.poke)
        ui.palette.currentIndexChanged.connect(self._on_palette)
        ui.assign.clicked.connect(self._assign_palette)
        ui.save.clicked.connect(lambda: self.save_hints())
        ui.open.clicked.connect(lambda: self.open_hints())
        ui.layer.layer_changed.connect(self._offer_strokes)
        self._pause.triggered.connect(self._begin)
        self.live.returned.connect(self._on_shown)
        self.live.failed.connect(self._on_live_failed)
        layers = self._viewer.layers.events
        for emitter in (layers.inserted, layers.removed):
            connect_while_alive(self, emitter, self._offer_strokes)
        connect_while_alive(self, self._viewer.dims.events.current_step, self.poke)

    def _follow(self, session: Session) -> None:
        connect_while_alive(self, session.labels.events.labels_update, self.poke)
        connect_while_alive(self, session.labels.events.data, self.poke)
        connect_while_alive(self, session.points.events.data, self.poke)
        source = session.source
        assert source is not None
        for name in ("contrast_limits", "gamma", "data"):
            connect_while_alive(self, getattr(source.events, name), self.poke)
        for layer in (session.labels, session.points):
            layer.bind_key("H", self.tools.hide_strokes, overwrite=True)
            layer.bind_key("B", self.tools.before_and_after, overwrite=True)
            layer.bind_key("S", self.tools.next_suggestion, overwrite=True)
            layer.mouse_drag_callbacks.append(self.tools.on_press)

    def _offer_strokes(self, event: Any = None) -> None:
        """Offer the Labels layers that fit the picture as regions."""
        from napari.layers import Labels

        source, before = self.ui.layer.layer, self.ui.strokes.currentText()
        self.ui.strokes.clear()
        self.ui.strokes.addItem(NEW_STROKES, None)
        for layer in self._viewer.layers:
            fits = source is not None and isinstance(layer, Labels) and layer.ndim == source.ndim
            if fits and not layer.multiscale:
                self.ui.strokes.addItem(layer.name, layer)
        self.ui.strokes.setCurrentIndex(max(0, self.ui.strokes.findText(before)))

    def _alive(self) -> Session:
        if self.session is None:
            raise ValueError("Press Start first.")
        if not self.session.alive:
            raise ValueError("The picture or its strokes were removed; press Start again.")
        return self.session

    def _guide(self) -> Decisions:
        session = self._alive()
        session.elsewhere = str(self.ui.elsewhere.currentData())
        return Decisions(
            hints=session.hints(), palette=self._palette, spread=float(self.ui.spread.value())
        )

    def _parameters(self) -> ColorizeParameters:
        return preferences().applied_to(ColorizeParameters())

    def _begin(self) -> None:
        """Colour what is on screen, in the place of what is under way."""
        try:
            session = self._alive()
            source, plane, guide = session.source, session.plane(), self._guide()
            assert source is not None
            job = plan(source, self._viewer.dims, self._parameters())
            assert isinstance(job, PlaneJob)
        except (ValueError, TypeError) as error:
            self.ui.status.setText(str(error))
            return
        key = (id(source.data), plane, job.parameters, self._palette)
        known = self._known[1] if self._known is not None and self._known[0] == key else None
        self.live.replace(partial(followed, job, guide, key, known))

    def _on_shown(self, result: tuple[Any, Predicted, Shown, Any, Job]) -> None:
        key, known, shown_, solved, job = result
        self._known, self.shown, self.solved = (key, known), shown_, solved
        source = job.layer()
        if self.holds(source):
            self._show_picture(job, shown_.rgb, source)
        moved = f" {shown_.moved} moved to colours that exist there." if shown_.moved else ""
        if not self.task.busy:
            self.ui.status.setText(f"{shown_.held} pixels set by hand.{moved}")
        self.tools.suggest()

    def _on_live_failed(self, error: Exception) -> None:
        if not self.task.busy:
            self.ui.status.setText(self.sentence_of(error))

    def _show_picture(self, job: Job, rgb: np.ndarray, source: Any) -> None:
        from napari.layers import Image

        plane = Plane(job.plane.shown, tuple((axis, 0) for axis, _ in job.plane.at))
        whole = np.empty((*job.shape, rgb.shape[-1]), rgb.dtype)
        into_plane(whole, plane, rgb)
        layer, place = self.picture, placement_of(source, job.plane.offset)
        if layer is not None and layer.data.shape == whole.shape:
            layer.translate = place["translate"]
            layer.data = whole
            return
        if layer is not None:
            self._viewer.layers.remove(layer)
        layer = Image(
            whole,
            rgb=True,
            name=f"{source.name} (guided, predicted colour)",
            metadata={PREVIEW_KEY: NOTE},
            **place,
        )
        self._picture = weakref.ref(layer)
        active = self._viewer.layers.selection.active
        self._viewer.layers.insert(self._viewer.layers.index(source) + 1, layer)
        self._viewer.layers.selection.active = active

    @property
    def viewer(self) -> Any:
        """The viewer."""
        return self._viewer

    @property
    def known(self) -> tuple[Any, Predicted] | None:
        """The prediction of the picture on screen, once there is one."""
        return self._known

    @property
    def picture(self) -> Any:
        """The layer that follows the brush, while the viewer has it."""
        layer = self._picture() if self._picture is not None else None
        return layer if self.holds(layer) else None

    def _show_table(self) -> None:
        if self.session is not None:
            chosen = int(self.session.labels.selected_label)
            self.ui.swatches.show_table(self.session.table, chosen)

    def _on_chosen(self, label: int) -> None:
        if self.session is not None:
            self.session.choose(label)

    def _on_double_click(self, item: Any) -> None:
        label = self.ui.swatches.label
        if self.session is None or label is None:
            return
        dialog = GamutDialog(self.tools.lightness_under_cursor(), self.session.table[label], self)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.change_colour(label, dialog.colour)

    def _remove(self) -> None:
        label = self.ui.swatches.label
        if self.session is not None and label is not None:
            table = {n: colour for n, colour in self.session.table.items() if n != label}
            self.session.take_over(table)
            self._show_table()
            self.poke()

    def _on_elsewhere(self, row: int) -> None:
        self.poke()

    def _on_palette(self, row: int) -> None:
        chosen = self.ui.palette.currentData()
        if chosen == "file":
            chosen, _ = QFileDialog.getOpenFileName(self, "Palette", "", "*.gpl *.ase")
        try:
            self._palette = palette_of(chosen or None)
        except (ValueError, OSError) as error:
            self.complain(str(error))
            with signals_blocked(self.ui.palette):
                self.ui.palette.setCurrentIndex(0)
            self._palette = None
        self.poke()

    def _assign_palette(self) -> None:
        if self.session is None:
            return
        if self._palette is None:
            self.complain("Choose a palette first; its colours then go to the labels in turn.")
            return
        colours = self._palette.colours
        labels = sorted(self.session.table)
        self.session.take_over({n: colours[i % len(colours)] for i, n in enumerate(labels)})
        self._show_table()
        self.poke()

    def _opened(self, path: Any) -> str:
        assert self.session is not None
        hints = Hints.from_file(path)
        self.session.open(hints)
        return f"Opened {Path(path).name}: {hints.legend}."

    def _say_or_complain(self, work: Any) -> None:
        try:
            self.ui.status.setText(work())
        except (ValueError, TypeError, OSError) as error:
            self.complain(self.sentence_of(error))
