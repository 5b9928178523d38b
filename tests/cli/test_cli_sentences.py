"""What goes wrong is told in one sentence; click's own errors pass."""

import click
import pytest

from napari_colorize.cli.sentences import DEBUG_VARIABLE, sentence, told_as_sentences

TORCHSCRIPT = """The following operation failed in the TorchScript interpreter.
Traceback of TorchScript (most recent call last):
RuntimeError: sizes do not match.
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("The window is upside down."), "The window is upside down."),
        (MemoryError("Memory ran out."), "Memory ran out."),
        (OSError(28, "No space left on device", "/x/y.tif"), "/x/y.tif: No space left on device."),
        (FileNotFoundError("There is no file a.png."), "There is no file a.png."),
    ],
)
def test_messages_for_users_pass(error, said):
    assert sentence(error) == said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("x"), "Unexpected KeyError: 'x'. This is a bug"),
        (ValueError(), "Unexpected ValueError. This is a bug"),
        (RuntimeError(TORCHSCRIPT), "Unexpected RuntimeError: sizes do not match. This is a bug"),
    ],
)
def test_others_are_told_as_bugs_in_one_line(error, said):
    assert sentence(error).startswith(said)
    assert "\n" not in sentence(error)


def test_clicks_own_errors_pass_unchanged():
    with pytest.raises(click.UsageError, match="as it was"), told_as_sentences():
        raise click.UsageError("as it was")


def test_an_interrupt_passes():
    with pytest.raises(KeyboardInterrupt), told_as_sentences():
        raise KeyboardInterrupt


def test_tracebacks_can_be_asked_for(monkeypatch):
    monkeypatch.setenv(DEBUG_VARIABLE, "1")
    with pytest.raises(KeyError), told_as_sentences():
        raise KeyError("x")
