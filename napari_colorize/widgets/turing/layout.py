"""How the Turing panel looks: three pages, set-up, test and result, nothing of what they do."""

from collections.abc import Sequence

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.widgets.shared.access import ACCENT
from napari_colorize.widgets.shared.controls import RunControls, Scrolled, Sentence, grid, row
from napari_colorize.widgets.turing.form import SetUpForm
from napari_colorize.widgets.turing.tally import Fooled, Tally
from napari_colorize.widgets.turing.view import PairView

_ROW, _EDGE, _FOOT = 54, 16, 22


class FooledGauge(QWidget):
    """Paints one line for each method, readable in any theme."""

    def __init__(self) -> None:
        super().__init__()
        self._methods: tuple[Fooled, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_methods(self, methods: Sequence[Fooled]) -> None:
        """Show other shares."""
        self._methods = tuple(methods)
        self.setAccessibleName("; ".join(f"{one.method}: {one.sentence}" for one in methods))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """A row a method and the scale."""
        return QSize(320, _ROW * len(self._methods) + _FOOT)

    def minimumSizeHint(self) -> QSize:
        """As high as the rows."""
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the rows above their scale."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().windowText().color()
        faint = self.palette().windowText().color()
        faint.setAlphaF(0.35)
        bottom = _ROW * len(self._methods)
        painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
        painter.drawLine(int(self._at(0.5)), 0, int(self._at(0.5)), bottom)
        for at, one in enumerate(self._methods):
            self._paint_row(painter, at * _ROW, one, ink, faint)
        painter.setPen(ink)
        for share, text in ((0.0, "0 %"), (0.5, "50 %: cannot be told apart"), (1.0, "100 %")):
            self._paint_label(painter, self._at(share), bottom, text)

    def _at(self, share: float) -> float:
        return _EDGE + share * (self.width() - 2 * _EDGE)

    def _paint_row(
        self, painter: QPainter, top: int, one: Fooled, ink: QColor, faint: QColor
    ) -> None:
        painter.setPen(ink)
        text = QRectF(_EDGE, top, self.width() - 2 * _EDGE, 22)
        painter.drawText(
            text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, one.method
        )
        middle = top + 36
        painter.setPen(QPen(faint, 2))
        painter.drawLine(int(self._at(0)), middle, int(self._at(1)), middle)
        pen = QPen(ACCENT, 7)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(int(self._at(one.low)), middle, int(self._at(one.high)), middle)
        painter.setPen(QPen(ACCENT, 2))
        painter.setBrush(ink)
        painter.drawEllipse(QRectF(self._at(one.share) - 6, middle - 6, 12, 12))

    def _paint_label(self, painter: QPainter, x: float, top: int, text: str) -> None:
        width = painter.fontMetrics().horizontalAdvance(text) + 4
        left = min(max(x - width / 2, 0), self.width() - width)
        painter.drawText(QRectF(left, top, width, _FOOT), Qt.AlignmentFlag.AlignCenter, text)


INTRODUCTION = (
    "Can people tell the recoloured picture from the photograph? Both are shown side by side for a "
    "moment, and the participant points at the recoloured one. Half of them wrong would be perfect."
)


class TuringLayout(RunControls):
    """The widgets of a panel, laid out in it.

    Parameters
    ----------
    panel : QWidget
        An empty widget; it will own all others.
    """

    def __init__(self, panel: QWidget) -> None:
        super().__init__(
            "Start",
            "Make the pairs ready, then hand over to the participant.",
            "Stop; what is recoloured already is used the next time.",
        )
        self.form = SetUpForm()
        self.merge = QPushButton("Results of session files…")
        self.view = PairView()
        self.pause, self.quit = QPushButton("Begin"), QPushButton("Quit")
        self.where, self.done = _words(), _thin_bar()
        self.headline, self.gauge, self.shares = _words(), FooledGauge(), _words()
        self.files, self.trouble = Sentence(), Sentence()
        self.open_sheet = QPushButton("Open the sheet")
        self.merge_more = QPushButton("Merge files…")
        self.again = QPushButton("New session")
        self.pages = QStackedWidget(panel)
        self._set_up()
        for page in (self._set_up_page(), self._test_page(), self._result_page()):
            self.pages.addWidget(page)
        column = QVBoxLayout(panel)
        column.addWidget(self.pages)
        # napari adds empty space below a panel that does not expand by itself
        panel.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.show_rest("")

    def show_busy(self, share: float | None, text: str) -> None:
        """Show that something is being made ready, and how far."""
        self._enable(False)
        super().show_busy(share, text)

    def show_rest(self, text: str) -> None:
        """Show that nothing is under way, and a sentence on how it ended."""
        self._enable(True)
        super().show_rest(text)

    def _enable(self, enabled: bool) -> None:
        for widget in (self.form.native, self.merge, self.merge_more):
            widget.setEnabled(enabled)

    def show_set_up(self) -> None:
        """Show the first page."""
        self.pages.setCurrentIndex(0)

    def show_test(self) -> None:
        """Show the page for the participant, who can answer with the keys at once."""
        self.pages.setCurrentIndex(1)
        self.view.setFocus()

    def show_progress(self, answered: int, trials: int, text: str, *, resting: bool) -> None:
        """Show how far the participant is."""
        self.done.setRange(0, trials)
        self.done.setValue(answered)
        self.where.setText(text)
        self.pause.setText("Begin" if resting else "Pause")

    def show_result(self, tally: Tally, headline: str, note: str = "") -> None:
        """Show the last page."""
        people = (
            "1 participant" if tally.participants == 1 else f"{tally.participants} participants"
        )
        lines = [f"<b>{one.method}</b>: {one.sentence}" for one in tally.methods]
        files = [str(path) for path in tally.files]
        self.headline.setText(headline)
        self.gauge.show_methods(tally.methods)
        self.shares.setText("<br>".join([*lines, people]))
        self.files.setText("\n".join(["Session file:" if len(files) == 1 else "Files:", *files]))
        trouble = "\n".join(filter(None, [note, tally.why_no_sheet]))
        self.trouble.setText(trouble)
        self.trouble.setVisible(bool(trouble))
        self.open_sheet.setEnabled(tally.sheet is not None)
        self.pages.setCurrentIndex(2)

    def _set_up(self) -> None:
        self.merge.setToolTip("Count one or several participants' files together.")
        self.merge_more.setToolTip("Count several participants' files together.")
        self.quit.setToolTip("Every answer is in the session file; open it to go on another day.")
        self.open_sheet.setToolTip("The most and least convincing pictures, in the browser.")
        self.headline.setStyleSheet("font-size: 18pt;")

    def _set_up_page(self) -> QWidget:
        introduction = _words(INTRODUCTION)
        return _page(
            introduction,
            self.form.native,
            row(self.run, self.cancel),
            self.progress,
            self.status,
            None,
            row(self.merge),
        )

    def _test_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view, 1)
        column.addWidget(self.done)
        below = QHBoxLayout()
        below.addWidget(self.where, 1)
        below.addWidget(self.pause)
        below.addWidget(self.quit)
        column.addLayout(below)
        return page

    def _result_page(self) -> QWidget:
        return _page(
            self.headline,
            self.gauge,
            self.shares,
            self.files,
            self.trouble,
            grid(2, self.open_sheet, self.merge_more, self.again),
            None,
        )


def _page(*parts: QWidget | QLayout | None) -> QWidget:
    """Stack parts; ``None`` stands for what space is left. Scrolled where there is none."""
    page = Scrolled()
    column = QVBoxLayout(page.contents)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(12)
    for part in parts:
        if part is None:
            column.addStretch(1)
        elif isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    return page


def _thin_bar() -> QProgressBar:
    bar = QProgressBar()
    bar.setTextVisible(False)
    bar.setFixedHeight(8)
    return bar


def _words(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    return label
