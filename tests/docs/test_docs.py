"""What the pages say is so: their Python runs, their links lead somewhere."""

import re
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pages import PAGES, ROOT, blocks_of, named, prose_of, words_of

from napari_colorize.cli import app


def run_python(page: Path) -> dict:
    """Run a page's blocks in order, in one namespace; tracebacks show the page's own lines."""
    namespace = {"__name__": "__main__"}
    for block in blocks_of(page, "python"):
        exec(compile("\n" * block.line + block.text, str(page), "exec"), namespace)
    return namespace


@pytest.mark.parametrize("page", ["README.md", "docs/scripting.md"])
def test_python_with_napari_runs(page, workplace, windows):
    namespace = run_python(ROOT / page)

    assert namespace["result"].record["checkpoint"]["name"] == "colorful"
    assert windows
    for viewer, _ in windows:
        assert "predicted colour" in viewer.layers[-1].name
        np.testing.assert_array_equal(viewer.layers[-1].scale, viewer.layers[0].scale)


def test_python_of_the_guided_page_runs(tmp_path, monkeypatch):
    """With the shipped weights: a palette needs what only a whole distribution method has."""
    monkeypatch.chdir(tmp_path)
    namespace = run_python(ROOT / "docs/guided.md")

    assert "colours of 7 points set by hand" in namespace["result"].legend
    assert not np.array_equal(namespace["limited"].rgb, namespace["safe"].rgb)


@pytest.mark.parametrize("page", ["docs/install.md", "docs/performance.md", "docs/stacks.md"])
def test_python_runs(page, workplace):
    assert len(run_python(ROOT / page)) > 1


@pytest.mark.slow
def test_python_of_the_training_page_makes_weights_that_colour(workplace):
    pytest.importorskip("lightning", reason="needs the extra napari-colorize[train]")
    random = np.random.default_rng(0)
    Path("photographs").mkdir()
    for number in range(40):
        colours = random.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        cv2.imwrite(f"photographs/{number}.png", cv2.resize(colours, (50, 40)))
    with tarfile.open("more.tar", "w") as archive:
        archive.add("photographs/0.png", "another.png")
    run_python(ROOT / "docs/training.md")

    done = CliRunner().invoke(app, words_of("colorize photo.jpg -o out --checkpoint mine"))
    assert done.exit_code == 0, done.output
    # What the page promises to find in the folder of a run.
    assert {"run.json", "metrics.csv", "graph.pt"} <= {p.name for p in Path("runs/mine").iterdir()}


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a forge makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_and_pictures_lead_somewhere(page):
    missing = []
    sentences = re.sub(r"`[^`]*`", "", prose_of(page))
    for link in re.findall(r"\]\(([^)\s]+)\)", sentences):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            missing.append(link)
    assert not missing


def test_the_citation_names_this_version():
    from napari_colorize import __version__

    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {__version__}\n" in citation
