"""The panel *Guide*: a person paints, and the picture follows."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QDialog, QFileDialog
from superqt.utils import signals_blocked

from napari_colorize.guided.decisions import Decisions, Reference
from napari_colorize.guided.files import SESSION_SUFFIX, SUFFIX
from napari_colorize.guided.hints import Hints
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.widgets import commands  # noqa: F401  # registers its keys
from napari_colorize.widgets.colorize.job import Outcome, PlaneJob, build_layers, plan
from napari_colorize.widgets.guide import asks, dialogs
from napari_colorize.widgets.guide.brush import Live, Picture, Tools
from napari_colorize.widgets.guide.layout import GuideLayout, offer
from napari_colorize.widgets.guide.live import Frame
from napari_colorize.widgets.guide.session import Session
from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.shared import words
from napari_colorize.widgets.shared.panel import GUIDE, RunningPanel
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.task import Work, connect_while_alive

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

PANEL, FIRST_COLOUR = GUIDE, "#b03a2e"


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
        self.shown: Frame | None = None
        self.record: dict[str, Any] | None = None
        self._palette: Any = None
        self._planned: Any = None
        self._reference: Reference | None = None
        self.ui: GuideLayout = GuideLayout(self, self._viewer.layers)
        self.take_controls(self.ui)
        self.live = Live(self._wish, self)
        self._picture = Picture(self._viewer)
        self.tools = Tools(self, self._viewer)
        self._connect()
        self._offer_layers()
        self.rest("Choose an image and press Start.")

    @property
    def picture(self) -> Any:
        """The layer that follows the brush, while the viewer has it."""
        return self._picture.layer

    @property
    def solved(self) -> Any:
        """What the hints make of the picture on screen, once that is known."""
        return None if self.shown is None else self.shown.solved

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
            session = Session(self._viewer, source, self.ui.strokes.currentData())
        except ValueError as error:
            self.complain(str(error))
            return
        if not session.table:
            session.add(FIRST_COLOUR)
        self._follow(session)

    def add_colour(self, meaning: Any = None) -> None:
        """Add a colour, by the dialog where none is given, and paint with it."""
        if self.session is None:
            return
        if meaning is None:
            meaning = self._asked(FIRST_COLOUR)
        if meaning is not None:
            self._change(partial(self.session.add, meaning))

    def change_colour(self, label: int, meaning: Any) -> None:
        """Give a label another colour; what is painted with it follows."""
        if self.session is not None:
            self._change(partial(self.session.change, label, meaning))

    def choose_label(self, label: int) -> None:
        """Paint with a label of the list; points that are selected take it."""
        if self.session is not None:
            self.session.choose(label)
            self.poke()

    def save(self, path: Any = None) -> None:
        """Write the session, or the hints of the plane on screen; asks for a name."""
        session = self.session
        if session is None:
            return
        if path is None:
            kinds = f"Session (*{SESSION_SUFFIX});;Hints of this plane (*{SUFFIX})"
            name = f"{session.name}{SESSION_SUFFIX}"
            path, _ = QFileDialog.getSaveFileName(self, "Save", name, kinds)
        if not path:
            return
        if str(path).lower().endswith(".json"):
            self._begin(partial(dialogs.writing_hints, self._alive().hints(), Path(path)))
        else:
            self._begin(partial(dialogs.writing, session, Path(path), self.ui.settings()))

    def open(self, path: Any = None) -> None:
        """Open a session, or hints for the plane on screen; asks for the file."""
        if path is None:
            kinds = f"Sessions and hints (*{SESSION_SUFFIX} *.json)"
            path, _ = QFileDialog.getOpenFileName(self, "Open", "", kinds)
        if not path:
            return
        try:
            if str(path).lower().endswith(".npz"):
                session, settings = dialogs.opened(self._viewer, Path(path))
                self.ui.restore(settings)
                self._follow(session)
                said = f"{len(session.table)} colours"
            else:
                hints = Hints.from_file(path)
                self._alive().open(hints)
                said = hints.legend
                self._refresh()
        except (ValueError, TypeError, OSError) as error:
            self.complain(self.sentence_of(error))
            return
        self.ui.status.setText(f"Opened {Path(path).name}: {said}.")

    def apply_to_all(self) -> None:
        """Colour all planes, with the strokes of each carried to its neighbours."""

        def planned() -> Work:
            dims, parameters = self._viewer.dims, self._parameters()
            return asks.plan_stack(self._alive(), dims, parameters, self._guide())

        self._begin(planned)

    def use_for_folder(self, folder: Any = None) -> None:
        """Colour the pictures of a folder by the table; asks for it where none is given."""
        if folder is None:
            folder = QFileDialog.getExistingDirectory(self, "Pictures with labels beside them")

        def planned() -> Work:
            told, parameters = asks.told_of(self._guide()), self._parameters()
            said = self._alive().said()
            return partial(asks.colour_folder, Path(folder), said, told, parameters)

        if folder:
            self._begin(planned)

    def copy_python(self) -> None:
        """Put the call that repeats the last result on the clipboard."""
        if self.record is not None:
            self.ui.status.setText(words.copy_python(self.record))

    def plan(self) -> Work:
        """Return the work that was asked for; by default a result of the plane on screen."""
        planned, self._planned = self._planned, None
        return planned() if planned is not None else partial(asks.kept, self._wish(0))

    def show_result(self, result: Outcome | str) -> str:
        """Add the result to the viewer."""
        if isinstance(result, str):
            return result
        if not self.holds(result.job.layer()):
            return f"Layer '{result.job.name}' is gone; its result was dropped."
        for layer in build_layers(result.job, result):
            self._viewer.add_layer(layer)
        self.record = result.record
        self.ui.copy_python.setEnabled(True)
        if self.session is not None and self.session.alive:  # so that one can paint on
            self._viewer.layers.selection.active = self.session.labels
        hints = result.record["guide"].get("hints") or {}
        each = [hints] if "moved" in hints else list(hints.values())
        moved = asks.said_of_moved(sum(one["moved"] for one in each))
        return f"Added in {self.seconds:.1f} s. {moved}".strip()

    def leave(self) -> None:
        """End all work, and take the picture that follows out of the viewer."""
        self.live.cancel()
        super().leave()
        self._picture.remove()
        if self.tools.on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self.tools.on_press)

    def poke(self, event: Any = None) -> None:
        """Something was painted or changed: the picture is to follow."""
        if self.session is not None:
            self.live.poke()

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
        ui.swatches.chosen.connect(self.choose_label)
        ui.swatches.itemDoubleClicked.connect(self._on_double_click)
        for changed in (ui.elsewhere.currentIndexChanged, ui.behind.currentIndexChanged):
            changed.connect(self.poke)
        for moved in (ui.spread.valueChanged, ui.soft.valueChanged):
            moved.connect(self.poke)
        for box in (ui.within, ui.here, ui.there):
            box.currentIndexChanged.connect(partial(self._on_layer_box, box))
        ui.palette.currentIndexChanged.connect(self._on_palette)
        ui.reference.currentIndexChanged.connect(self._on_reference)
        ui.assign.clicked.connect(self._colour_labels)
        ui.folder.clicked.connect(lambda: self.use_for_folder())
        ui.every.clicked.connect(self.apply_to_all)
        ui.save.clicked.connect(lambda: self.save())
        ui.open.clicked.connect(lambda: self.open())
        ui.copy_python.clicked.connect(self.copy_python)
        ui.layer.layer_changed.connect(self._offer_layers)
        self.live.shown.connect(self._on_shown)
        self.live.failed.connect(self._on_live_failed)
        layers = self._viewer.layers.events
        for emitter in (layers.inserted, layers.removed):
            connect_while_alive(self, emitter, self._offer_layers)
        dims = self._viewer.dims.events
        for emitter in (dims.current_step, dims.order):
            connect_while_alive(self, emitter, self.poke)
        cursor = self._viewer.cursor.events.position
        connect_while_alive(self, cursor, self.tools.on_cursor)
        self._viewer.mouse_drag_callbacks.append(self.tools.on_press)

    def _follow(self, session: Session) -> None:
        self.session = session
        labels, points, source = session.labels, session.points, session.source
        assert source is not None
        connect_while_alive(self.live, labels.events.labels_update, self.live.stroke)
        strokes = (labels.events.paint, labels.events.data, labels.events.set_data)
        looks = (source.events.contrast_limits, source.events.gamma, source.events.data)
        for emitter in (*strokes, points.events.data, points.events.size, *looks):
            connect_while_alive(self, emitter, self.poke)
        self.tools.bind((labels, points, source))
        self.ui.show_session(True)
        shown = shown_axes(source, self._viewer.dims)
        self.ui.every.setVisible(count_planes(spatial_shape(source), shown) > 1)
        offer(self.ui.by, [("label number", ""), *((name, name) for name in session.columns)])
        self._refresh()
        self.rest("Paint on the picture; each colour of the list is a label.")

    def _offer_layers(self, event: Any = None) -> None:
        path = None if self._reference is None else self._reference.path
        self.ui.offer_layers(list(self._viewer.layers), self.picture, path)

    def _alive(self) -> Session:
        if self.session is None:
            raise ValueError("Press Start first.")
        if not self.session.alive:
            raise ValueError("The picture or its strokes were removed; press Start again.")
        self.session.elsewhere = str(self.ui.elsewhere.currentData())
        self.session.soft = self.ui.soft.value()
        self.session.within = self.ui.within.currentData()
        return self.session

    def _guide(self) -> Decisions:
        return asks.guide_of(
            self._alive(),
            self._reference,
            (self.ui.here.currentData(), self.ui.there.currentData()),
            palette=self._palette,
            spread=float(self.ui.spread.value()),
        )

    def _parameters(self) -> ColorizeParameters:
        method = str(self.ui.behind.currentData())
        return preferences().applied_to(ColorizeParameters(method=method))

    def _wish(self, serial: int) -> asks.Ask:
        """Say what is to be coloured now."""
        session = self._alive()
        source, guide = session.source, self._guide()
        assert source is not None
        job = plan(source, self._viewer.dims, self._parameters())
        assert isinstance(job, PlaneJob)
        said, key = session.said(job.plane), asks.key_of(job, guide)
        return asks.Ask(job=job, guide=guide, said=said, key=key, serial=serial)

    def _on_shown(self, frame: Frame) -> None:
        source = frame.ask.job.layer()
        if self.holds(source):
            self._picture.show(frame, source)
        if not frame.exact:
            return
        self.shown = frame
        if not self.task.busy:
            told = [
                f"{frame.held} pixels set by hand.",
                asks.said_of_moved(frame.moved),
                *frame.notes,
            ]
            self.ui.status.setText(" ".join(one for one in told if one))
        self.tools.suggest()

    def _on_live_failed(self, error: Exception) -> None:
        if not self.task.busy:
            self.ui.status.setText(self.sentence_of(error))

    def _refresh(self) -> None:
        """Show the table, and colour by it."""
        if self.session is not None:
            chosen = int(self.session.labels.selected_label)
            self.ui.swatches.show_table(self.session.table, chosen)
            self.poke()

    def _begin(self, planned: Any) -> None:
        """Begin other work than a result of the plane on screen."""
        self._planned = None if self.task.busy else planned
        self.run()

    def _change(self, change: Any) -> None:
        try:
            change()
        except (TypeError, ValueError) as error:
            self.complain(str(error))
        self._refresh()

    def _asked(self, colour: str) -> str | None:
        dialog = dialogs.GamutDialog(self.tools.lightness_under_cursor(), colour, self)
        return dialog.colour if dialog.exec() == QDialog.DialogCode.Accepted else None

    def _on_double_click(self, item: Any) -> None:
        label = self.ui.swatches.label
        if self.session is not None and label is not None:
            colour = self._asked(self.session.table[label])
            if colour is not None:
                self.change_colour(label, colour)

    def _remove(self) -> None:
        label = self.ui.swatches.label
        if self.session is not None and label is not None:
            table = {n: colour for n, colour in self.session.table.items() if n != label}
            self._change(partial(self.session.take_over, table))

    def _on_layer_box(self, box: Any, row: int) -> None:
        """Follow the layer that was chosen, too."""
        layer = box.currentData()
        if hasattr(layer, "events"):
            for emitter in (layer.events.data, layer.events.set_data):
                connect_while_alive(self, emitter, self.poke)
        self.poke()

    def _on_palette(self, row: int) -> None:
        self._palette = self._chosen(self.ui.palette, dialogs.chosen_palette)
        self.poke()

    def _on_reference(self, row: int) -> None:
        self._reference = self._chosen(self.ui.reference, dialogs.chosen_reference)
        if self._reference is not None and self._reference.path:
            self._offer_layers()  # the file is offered by its name
        self.poke()

    def _chosen(self, box: Any, choose: Any) -> Any:
        """Return what a box stands for; where that cannot be used, say why and choose none."""
        try:
            return choose(self, box.currentData())
        except (ValueError, TypeError, OSError) as error:
            with signals_blocked(box):
                box.setCurrentIndex(0)
            self.complain(self.sentence_of(error))
            return None

    def _colour_labels(self) -> None:
        """Give all labels colours by their number or a column, from a palette or a map."""
        if self.session is not None:
            by, (kind, name) = str(self.ui.by.currentData()), self.ui.map.currentData()
            self._change(partial(self.session.colour_by, by, kind, name))
