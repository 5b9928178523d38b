"""The Qt binding under the panels: what it must not do to the interpreter."""

import sys

import pytest

OFTEN = 200


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None cannot be lost from Python 3.12 on")
def test_it_returns_none_and_truth_without_losing_them(qapp):
    """PySide6 6.12.0 loses one reference a call, and the interpreter dies when none is left."""
    from qtpy.QtCore import QCoreApplication
    from qtpy.QtWidgets import QWidget

    widget = QWidget()

    def use() -> None:
        QCoreApplication.processEvents()
        widget.parent()
        widget.setParent(None)
        widget.isEnabled()
        widget.isHidden()

    use()
    before = [sys.getrefcount(value) for value in (None, True, False)]
    for _ in range(OFTEN):
        use()
    after = [sys.getrefcount(value) for value in (None, True, False)]

    lost = [one - other for one, other in zip(before, after, strict=True)]
    assert max(lost) < OFTEN / 4
