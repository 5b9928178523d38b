"""The page opens offline and holds what scores.json holds."""

import json
import re
from html.parser import HTMLParser

import pytest

from napari_colorize.evaluation.baselines import baselines
from napari_colorize.evaluation.catalogue import BY_KEY
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.report import cell, read_scores, write_report, write_scores
from napari_colorize.evaluation.runner import Grading, grade
from napari_colorize.evaluation.summary import summarise


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href", "data") and v]


@pytest.fixture
def made(colourer, tar, tmp_path):
    grading = Grading([GradedMethod("<known> & loved", colourer), *baselines()], [tar])
    graded = grade(grading, tmp_path)
    scores = summarise(grading, graded)
    write_scores(tmp_path, scores)
    return tmp_path, scores, write_report(tmp_path, scores, graded.ledgers)


def test_the_page_fetches_nothing(made):
    page = made[2].read_text(encoding="utf-8")
    parser = Links()
    parser.feed(page)
    assert parser.links
    assert all(link.startswith(("data:image/jpeg;base64,", "#")) for link in parser.links)
    assert not re.search(r"@import|url\((?!#)", page)


def test_the_table_holds_every_method_and_score(made):
    _, scores, path = made
    page = path.read_text(encoding="utf-8")
    table = page[page.index('<table id="scores">') : page.index("</table>")]
    assert "&lt;known&gt; &amp; loved" in table
    assert "<known>" not in page
    for method in scores["methods"].values():
        for key, estimate in method["scores"].items():
            shown = cell(estimate, BY_KEY[key])
            assert shown["value"] in table
            assert shown["interval"] in table


def test_drawings_and_contact_sheets_are_there(made):
    page = made[2].read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    for title in ("Best", "Median", "Worst"):
        assert f"<h2>{title} for" in page


def test_the_same_scores_make_the_same_page(made, colourer, tar):
    folder, scores, path = made
    first = path.read_bytes()
    grading = Grading([GradedMethod("<known> & loved", colourer), *baselines()], [tar])
    write_report(folder, scores, grade(grading, folder).ledgers)
    assert path.read_bytes() == first


def test_scores_are_read_back_as_they_were_written(made):
    folder, scores, _ = made
    assert read_scores(folder) == json.loads(json.dumps(scores))
    assert str(folder) not in (folder / "scores.json").read_text(encoding="utf-8")


def test_something_else_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="make a report"):
        read_scores(tmp_path)
    (tmp_path / "scores.json").write_text('{"format": "other"}')
    with pytest.raises(ValueError, match=r"no scores\.json that this version reads"):
        read_scores(tmp_path)


def test_a_share_is_shown_in_percent_and_nothing_as_a_dash():
    assert cell({"value": 0.5, "low": 0.25, "high": 0.75}, BY_KEY["auc"]) == {
        "value": "50.00",
        "interval": "25.00 … 75.00",
    }
    assert cell(None, BY_KEY["auc"])["value"] == "–"
