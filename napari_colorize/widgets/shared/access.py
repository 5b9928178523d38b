"""Panels for everybody: readable in any theme, named for a screen reader, used by keys alone."""

import re
from collections.abc import Iterator
from typing import TypeVar

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFormLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QScrollArea,
    QSplitter,
    QWidget,
)

_Label = TypeVar("_Label", bound=QLabel)

LEAST_CONTRAST = 4.5
"""Of text to its ground, as WCAG 2.1 asks for (success criterion 1.4.3, level AA)."""

CAUTION, ACCENT = QColor(230, 145, 56), QColor(74, 144, 226)
"""Orange for what must not be overlooked, blue for what stands out."""

_WHOLE = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox)
"""What is one control, whatever Qt has made it of."""


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast of two opaque colours, 1…21 (WCAG 2.1, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: QColor) -> float:
    linear = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def readable(hue: QColor, widget: QWidget) -> QColor:
    """Return a colour, moved towards the theme's ink until it can be read on a widget's ground."""
    palette = widget.palette()
    ink, ground = palette.windowText().color(), palette.window().color()
    for tenths in range(11):
        share = tenths / 10
        mixed = QColor.fromRgbF(
            *(
                (1 - share) * own + share * inks
                for own, inks in zip(hue.getRgbF()[:3], ink.getRgbF()[:3], strict=True)
            )
        )
        if contrast(mixed, ground) >= LEAST_CONTRAST + 0.2:  # it is rounded to eight bits
            return mixed
    return ink


class ThemeColours(QObject):
    """Keeps a label's text in a colour that can be read in the present theme.

    Parameters
    ----------
    label : QLabel
        It owns this.
    hue : QColor
    """

    def __init__(self, label: QLabel, hue: QColor) -> None:
        super().__init__(label)
        self._label, self._hue, self._shown = label, hue, ""
        label.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the theme."""
        changes = (QEvent.Type.StyleChange, QEvent.Type.PaletteChange, QEvent.Type.Show)
        if event is not None and event.type() in changes:
            self._follow()
        return False

    def _follow(self) -> None:
        # The ground and the ink of whoever holds the label: its own ink is what is set here.
        holder = self._label.parentWidget() or self._label
        colour = readable(self._hue, holder).name()
        if colour != self._shown:
            self._shown = colour
            self._label.setStyleSheet(f"color: {colour};")


def coloured(label: _Label, hue: QColor = CAUTION) -> _Label:
    """Return the label, its text in a colour that can be read in any theme, now and later."""
    ThemeColours(label, hue)
    return label


def warning() -> QLabel:
    """Return a label for a sentence on what keeps a form from being used; hidden while empty."""
    label = coloured(QLabel())
    label.setWordWrap(True)
    label.setVisible(False)
    return label


def in_order(widget: QWidget) -> Iterator[QWidget]:
    """Yield what can be reached by keys, from top to bottom as it is laid out.

    What is hidden, as the rows of a folded section, or greyed out is passed over.
    """
    if widget.isHidden() or not widget.isEnabled():
        return
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        yield widget
    if not isinstance(widget, _WHOLE):
        for part in _parts(widget):
            yield from in_order(part)


def leave_by_tab(panel: QWidget, forwards: bool) -> bool:
    """Give the focus to the next stop of the window beyond a panel, if there is any."""
    focused = QApplication.focusWidget()
    seen = start = panel if focused is None else focused  # an empty list is false
    while True:
        following = seen.nextInFocusChain() if forwards else seen.previousInFocusChain()
        if following is None or following is start:
            return False
        seen = following
        takes = seen.focusPolicy() & Qt.FocusPolicy.TabFocus and seen.isEnabled()
        if takes and seen.isVisible() and not panel.isAncestorOf(seen):
            reasons = Qt.FocusReason
            seen.setFocus(reasons.TabFocusReason if forwards else reasons.BacktabFocusReason)
            return True


def _parts(widget: QWidget) -> Iterator[QWidget]:
    """Yield the widgets directly in another one, in the order of its layout."""
    layout = widget.layout()
    if isinstance(widget, QScrollArea):
        inner = widget.widget()
        yield from [inner] if inner is not None else []
    elif isinstance(widget, QSplitter):
        yield from (part for n in range(widget.count()) if (part := widget.widget(n)) is not None)
    elif layout is not None:
        yield from _laid_out(layout)


def _laid_out(layout: QLayout) -> Iterator[QWidget]:
    for item in _items(layout):
        if (widget := item.widget()) is not None:
            yield widget
        elif (inner := item.layout()) is not None:
            yield from _laid_out(inner)


def _items(layout: QLayout) -> Iterator:
    """Yield a layout's items; those of a form row by row, in whatever order they were added."""
    if isinstance(layout, QFormLayout):
        roles = QFormLayout.ItemRole
        for row in range(layout.rowCount()):
            for role in (roles.SpanningRole, roles.LabelRole, roles.FieldRole):
                item = layout.itemAt(row, role)
                if item is not None and (role == roles.SpanningRole or not _spans(layout, row)):
                    yield item
    else:
        yield from (item for n in range(layout.count()) if (item := layout.itemAt(n)) is not None)


def _spans(form: QFormLayout, row: int) -> bool:
    return form.itemAt(row, QFormLayout.ItemRole.SpanningRole) is not None


def name_of(control: QWidget) -> str:
    """Return what a screen reader calls a control; empty where it has no name.

    Signs alone, as ↺, name nothing.
    """
    text = control.text() if isinstance(control, QAbstractButton) else ""
    return control.accessibleName() or (text if re.search(r"\w{2}", text) else "")


def name_controls(panel: QWidget) -> None:
    """Give the controls of a panel that have no name that of the row they stand in."""
    for form in panel.findChildren(QFormLayout):
        title = ""
        for row in range(form.rowCount()):
            label = form.itemAt(row, QFormLayout.ItemRole.LabelRole)
            field = form.itemAt(row, QFormLayout.ItemRole.FieldRole)
            said = label.widget() if label is not None else None
            if isinstance(said, QLabel) and said.text():
                title = said.text()
            if field is not None and title and not _spans(form, row):
                for control in _controls_of(field):
                    _name(control, title)
    for bar in panel.findChildren(QProgressBar):
        _name(bar, "Progress")


def _controls_of(item) -> Iterator[QWidget]:  # type: ignore[no-untyped-def]  # QLayoutItem
    widgets = [item.widget()] if item.widget() is not None else list(_laid_out(item.layout()))
    for widget in widgets:
        yield from _all_controls(widget)


def _all_controls(widget: QWidget) -> Iterator[QWidget]:
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus or isinstance(widget, QAbstractButton):
        yield widget
    if not isinstance(widget, _WHOLE):
        for part in _parts(widget):
            yield from _all_controls(part)


def _name(control: QWidget, title: str) -> None:
    if not name_of(control):
        said = title
        if isinstance(control, QAbstractButton):
            said = f"{title}: {control.text() or 'choose'}"
        control.setAccessibleName(said)
