"""What the pages say is so: commands, options, defaults, extras and variables exist."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner
from pages import PAGES, ROOT, commands, named, shell_lines, words_of

from napari_colorize import ColorizeParameters
from napari_colorize.cli import app
from napari_colorize.cli.options import flag_of

PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b|…")
OFFLINE = {"fetch", "import"}
"""Commands whose examples need a download; their options are checked, they are not run."""


@pytest.mark.parametrize(("page", "words"), commands("napari-colorize"), ids=named)
def test_commands_and_their_options_exist(page, words):
    command, rest = app, list(words)
    while hasattr(command, "get_command") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        command = command.get_command(None, name)
        assert command is not None, f"there is no command {name!r}"
    known = {"-h", "--help"}
    for parameter in command.params:
        known.update((*parameter.opts, *parameter.secondary_opts))
    assert {word for word in rest if re.match(r"--?[a-z]", word)} <= known


RUNNABLE = [
    words
    for page, words in commands("napari-colorize")
    if page.name in ("README.md", "command-line.md")
    and not PLACEHOLDER.search(" ".join(words))
    and not OFFLINE & set(words)
]


@pytest.mark.parametrize("words", RUNNABLE, ids=" ".join)
def test_example_commands_succeed(words, workplace):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output


def test_there_are_examples_that_colour():
    assert len([words for words in RUNNABLE if words[0] == "colorize"]) >= 5


def test_promised_files_are_written(workplace):
    CliRunner().invoke(app, words_of("colorize photo.jpg -o coloured --uncertainty"))
    page = (ROOT / "docs/command-line.md").read_text("utf-8")
    written = sorted(path.name for path in Path("coloured").iterdir())
    assert written == sorted(set(re.findall(r"^\| `(photo_\S+)` \|", page, re.MULTILINE)))


@pytest.mark.parametrize(("page", "words"), commands("make"), ids=named)
def test_make_targets_exist(page, words):
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {word for word in words if "=" not in word} <= set(targets)


def table_of(page: str, first: str) -> dict[str, str]:
    """Return what the second column says, by the code words in the first that match a pattern."""
    rows = re.findall(r"^\| (.+?) \| (.*?) \|", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    return {word: second for cell, second in rows for word in re.findall(f"`({first})`", cell)}


def test_scripting_lists_every_parameter_with_its_default():
    names = {option.name: option for option in fields(ColorizeParameters)}
    said = {k: v for k, v in table_of("docs/scripting.md", "[a-z_]+").items() if k in names}
    assert said == {
        name: f"`{option.default!r}`".replace("'", '"') for name, option in names.items()
    }


def test_command_line_lists_every_option_with_its_default():
    said = table_of("docs/command-line.md", "--?[a-z-]+")
    command = app.get_command(None, "colorize")
    known = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
    assert {flag for flag in said if flag.startswith("-")} == (
        {flag for flag in known if flag.startswith("-")} | {"-h", "--help"}
    )
    for option in fields(ColorizeParameters):
        if option.default is not None:
            assert said[flag_of(option.name)] == f"`{option.default}`"


def test_install_lists_every_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    assert extras <= set(table_of("docs/install.md", "[a-z0-9]+"))
    for _, words in commands("pip"):
        for wanted in re.findall(r"\.\[([a-z0-9,]+)\]", " ".join(words)):
            assert set(wanted.split(",")) <= extras


def test_install_names_the_libraries_that_make_installs():
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    [listed] = re.findall(r"^QT_PACKAGES := (.+)$", makefile, re.MULTILINE)
    lines = [words_of(line) for line in shell_lines(ROOT / "docs/install.md")]
    assert ["sudo", "apt-get", "install", *listed.split()] in lines


def test_environment_variables_are_read_somewhere():
    sources = [ROOT / "setup.py", *ROOT.glob("napari_colorize/**/*.py")]
    code = "".join(path.read_text("utf-8") for path in sources)
    for page in PAGES:
        for variable in re.findall(r"NAPARI_COLORIZE_[A-Z_]+", page.read_text("utf-8")):
            assert f'"{variable}"' in code, f"{named(page)}: {variable}"
