"""What all panels have in common: their place in the window, their keys, and a task.

A panel says what is to be done, :meth:`RunningPanel.plan`, and what becomes of the result,
:meth:`RunningPanel.show_result`; everything between is here.
"""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QKeyEvent, QShowEvent
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from napari_colorize.widgets.shared.access import in_order, leave_by_tab, name_controls
from napari_colorize.widgets.shared.controls import TaskControls
from napari_colorize.widgets.shared.preferences import PLUGIN
from napari_colorize.widgets.shared.task import INFERENCE, Task, Work
from napari_colorize.widgets.shared.words import sentence_of

if TYPE_CHECKING:
    import napari.viewer

COLORIZE, MODELS, TRAIN = "Colorize", "Models", "Train on my images"
EVALUATE, TURING, GUIDE = "Evaluate", "Colorization Turing test", "Guide"
"""What the panels are called in ``napari.yaml``, which is how napari opens them."""


def dock_of(panel: QWidget) -> QDockWidget | None:
    """Return the dock that a panel is in."""
    widget: QWidget | None = panel
    while widget is not None and not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


def join_tabs(panel: QWidget, kind: type[QWidget]) -> None:
    """Make a panel's dock a tab of another dock on its side that holds a panel of that kind.

    Below each other, two of our panels leave each other half of the height, which is too little
    for both on a laptop.
    """
    dock = dock_of(panel)
    main = None if dock is None else dock.parentWidget()
    if dock is None or not isinstance(main, QMainWindow) or dock.isFloating():
        return
    for other in main.findChildren(QDockWidget):
        if (
            other is not dock
            and not other.isHidden()
            and not other.isFloating()
            and main.dockWidgetArea(other) == main.dockWidgetArea(dock)
            and other.findChild(kind) is not None
        ):
            main.tabifyDockWidget(other, dock)
            return


def open_panel(viewer: Any, name: str) -> Any:
    """Open a panel beside a viewer with a window, or bring the open one forward; return it."""
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    bring_forward(panel)
    return panel


def bring_forward(panel: QWidget) -> None:
    """Show a panel's dock, in front of the tabs beside it."""
    dock = dock_of(panel)
    if dock is not None:
        dock.show()
        dock.raise_()


Command = Callable[[Any], None]
"""Takes the viewer."""

KEYS: dict[str, Command] = {}
"""Key → command, as registered; documented in ``docs/napari.md``."""


def on_key(key: str) -> Callable[[Command], Command]:
    """Register a command for a key; every panel binds what is registered in its viewer."""

    def register(command: Command) -> Command:
        KEYS[key] = command
        return command

    return register


def bind_keys(viewer: Any) -> None:
    """Bind the keys in a viewer, but none that is bound there already.

    Parameters
    ----------
    viewer : napari.viewer.Viewer or napari.components.ViewerModel
        Bound once; a second call changes nothing.
    """
    from napari.utils.key_bindings import coerce_keybinding

    for key, command in KEYS.items():
        binding = coerce_keybinding(key)
        taken = binding in viewer.keymap or binding in type(viewer).class_keymap
        if not taken:
            viewer.bind_key(key, command)


log = logging.getLogger(__name__)


class RunningPanel(QWidget):
    """A panel that does one thing at a time in the background, and ends it with its dock.

    A subclass makes its widgets as :attr:`ui`, hands them to :meth:`take_controls`, and defines
    :meth:`plan` and :meth:`show_result`. It may define :meth:`offer`, :meth:`began` and
    :meth:`ended`, and the class's sentences. Where another of our panels is open on the same side
    already, it becomes a tab beside that one.

    Parameters
    ----------
    viewer : napari.viewer.Viewer or napari.components.ViewerModel, optional
        Injected by napari; a model without a window does as well.
    thread : str
        Where the work is done; see :func:`napari_colorize.widgets.shared.task.submit`.
    """

    UNDER_WAY = "Something is under way; wait for it or cancel it first."
    CANCELLED = "Cancelled; nothing was added."
    FAILED = "The run failed"
    """Introduces an error that is no sentence."""
    EXTRA = ""
    """The extra packages that this panel needs, as pip takes them."""

    ui: Any

    def __init__(
        self, viewer: "napari.viewer.Viewer | None" = None, *, thread: str = INFERENCE
    ) -> None:
        super().__init__()
        # napari hands plugins a proxy; weak references and identity need the real layers.
        self._viewer: Any = getattr(viewer, "__wrapped__", viewer)
        self._began_at = 0.0
        self._why_stopped = ""
        self._placed = False
        self._focus_before: QWidget | None = None
        self._shown = QTimer(self)  # napari is not done with the dock when it shows the panel
        self._shown.setSingleShot(True)
        self._shown.timeout.connect(self._settle)
        self.task = Task(self, thread)
        self.task.progressed.connect(self.show_progress)
        self.task.returned.connect(self._on_returned)
        self.task.failed.connect(self._on_failed)
        self.task.stopped.connect(self._on_stopped)
        if viewer is not None:
            bind_keys(self._viewer)

    # -- what a panel defines -------------------------------------------------------------------

    def plan(self) -> Work:
        """Return the work that the panel's fields ask for; reads nothing that takes time.

        Raises
        ------
        ValueError, TypeError
            The fields cannot be used; the sentence is shown.
        """
        raise NotImplementedError

    def show_result(self, result: Any) -> str:
        """Take a result of the work to where it belongs, and return what to say of it."""
        raise NotImplementedError

    def offer(self) -> None:
        """Let those controls be used that can be used now."""

    def show_progress(self, share: float | None, text: str) -> None:
        """Show how far the work is."""
        self.ui.show_busy(share, text)

    def began(self) -> None:
        """Work has just been started."""

    def ended(self) -> None:
        """Work has returned, failed or been cancelled, and the panel says so already."""

    # -- what a person or a command does ------------------------------------------------------

    def run(self) -> None:
        """Start what the panel says. Problems are shown, not raised."""
        from napari.utils.notifications import show_info

        if self.task.busy:
            show_info(self.UNDER_WAY)
            return
        try:
            work = self.plan()
        except (ValueError, TypeError) as error:
            self.complain(self.sentence_of(error))
            return
        self.begin(work)

    def begin(self, work: Work, cancelled: str = "") -> None:
        """Start work; ``cancelled`` is what *Cancel* then says, :attr:`CANCELLED` by default."""
        self._began_at, self._why_stopped = time.perf_counter(), cancelled or self.CANCELLED
        focused = QApplication.focusWidget()
        inside = focused is not None and self.isAncestorOf(focused)
        self._focus_before = focused if inside else None
        self.ui.show_busy(None, "Starting…")
        if self._focus_before is not None:
            self.ui.cancel.setFocus()
        self.task.start(work)
        self.began()

    def cancel(self) -> None:
        """Stop the work under way; what it has done so far is dropped."""
        self.task.cancel()

    def stop_because(self, why: str) -> None:
        """Stop the work under way and say why."""
        self._why_stopped = why
        self.task.cancel()

    def leave(self) -> None:
        """End what is under way when the dock is closed."""
        self.cancel()

    # -- what happens ---------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """How long ago the work was started."""
        return time.perf_counter() - self._began_at

    def take_controls(self, ui: TaskControls) -> None:
        """Connect the buttons that start and cancel."""
        self.ui = ui
        ui.cancel.clicked.connect(self.cancel)
        run = getattr(ui, "run", None)
        if run is not None:
            run.clicked.connect(self.run)
        name_controls(self)

    def holds(self, layer: Any) -> bool:
        """Whether the viewer still has a layer; ``None``, a layer that is gone, it has not."""
        return any(one is layer for one in self._viewer.layers)

    def sentence_of(self, error: Exception) -> str:
        """Return what to show of an error."""
        return sentence_of(error, self.FAILED, self.EXTRA)

    def rest(self, text: str) -> None:
        """Show that nothing is under way, and a sentence on how it ended."""
        left_on_cancel = self.ui.cancel.hasFocus()
        self.ui.show_rest(text)
        self.offer()
        if left_on_cancel:
            self._focus_back()

    def _focus_back(self) -> None:
        """Put the focus where it was when the work was started."""
        stops, before = list(in_order(self)), self._focus_before
        for stop in (before, getattr(self.ui, "run", None), *stops[:1]):
            if stop is not None and stop in stops:
                stop.setFocus()
                return

    def complain(self, sentence: str) -> None:
        """Show a problem once: in the panel, or as a notification where nobody sees it there."""
        from napari.utils.notifications import show_error

        self.rest(sentence)
        if not self.ui.status.isVisible():  # the panel is closed, or shows another page
            show_error(sentence)

    def _on_returned(self, result: Any) -> None:
        try:
            text = self.show_result(result)
        except Exception as error:  # outside of napari.run an error in a slot ends the process
            log.exception("a result cannot be shown")
            self._on_failed(error)
            return
        if not self.task.busy:  # else the result led to further work
            self.rest(text)
            self.ended()

    def _on_failed(self, error: Exception) -> None:
        self.complain(self.sentence_of(error))
        self.ended()

    def _on_stopped(self) -> None:
        self.rest(self._why_stopped)
        self.ended()

    def event(self, event: QEvent | None) -> bool:
        """Notice that the panel has lost its dock: napari takes a closed panel out of it."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self.leave()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # Qt's name
        """Cancel by Esc, wherever in the panel the focus is."""
        if event is not None and event.key() == Qt.Key.Key_Escape and self.task.busy:
            self.cancel()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:  # Qt's name
        """Go by Tab from top to bottom as the panel is laid out now, and then out of it."""
        now = QApplication.focusWidget()
        stops = list(in_order(self))
        here = [n for n, stop in enumerate(stops) if stop is now or stop.isAncestorOf(now)]
        there = here[-1] + (1 if forwards else -1) if here else 0
        if now is None or not self.isAncestorOf(now) or not 0 <= there < len(stops):
            return leave_by_tab(self, forwards) or super().focusNextPrevChild(forwards)
        reasons = Qt.FocusReason
        stops[there].setFocus(reasons.TabFocusReason if forwards else reasons.BacktabFocusReason)
        return True

    def showEvent(self, event: QShowEvent | None) -> None:  # Qt's name
        """Find the panel's place among the others; it comes forward whenever it is opened."""
        super().showEvent(event)
        if event is not None and not event.spontaneous():
            self._shown.start(0)

    def _settle(self) -> None:
        if not self._placed:  # later it stays where a person has put it
            self._placed = True
            join_tabs(self, RunningPanel)
        bring_forward(self)
