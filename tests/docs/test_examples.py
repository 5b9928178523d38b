"""Examples in docstrings run, with small weights, and print what they say."""

import ast
import doctest
from importlib import import_module

import pytest
from pages import ROOT

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def examples() -> list[doctest.DocTest]:
    """Return the examples of the package, found in its text: no module is imported for it."""
    parser, found = doctest.DocTestParser(), []
    for path in sorted((ROOT / "napari_colorize").rglob("*.py")):
        if "widgets" in path.parts:
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
            if text and ">>>" in text:
                name = f"{module}:{getattr(node, 'name', '')}"
                line = getattr(node, "lineno", 0)
                found.append(parser.get_doctest(text, {}, name, str(path), line))
    return found


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_examples_print_what_they_say(example, workplace):
    module = import_module(example.name.partition(":")[0])
    example.globs = {**vars(module), "__name__": "__main__"}
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert not failed, "".join(said)
    assert tried, "every line is skipped"
