"""A card says all that a record knows, what it does not know, and never to measure."""

import re

import pytest

from napari_colorize.checkpoints.card import WIDTH, card
from napari_colorize.evaluation.catalogue import BY_KEY

RECIPE = {
    "name": "quick",
    "epochs": 3,
    "learning_rate": 5e-5,
    "include": ["*-clothing.*", "*-food.*"],
    "tensorboard": False,
    "augmentation": {"fading": 0.1},
    "data_fingerprint": "abcdef0123456789",
    "started_from": {"name": "colorful", "sha256": "0123456789abcdef"},
    "sessions": [{"torch": "2.13", "git": "c0ffee"}],
}
SCORES = {
    "pictures": "500 photographs",
    "count": 500,
    "fingerprint": "fedcba9876543210",
    "judge": "a judge",
    "psnr": [23.123, 22.5, 23.75],
    "auc": [0.9, 0.89, 0.91],
    "frechet": [91.0, None, None],
    "other_settings": [{"changed": {"vividness": 1.0}, "scores": {"psnr": [21.5, 21.0, 22.0]}}],
    "compared_with": {"grey": {"psnr": [22.25, 21.9, 22.7], "auc": [0.88, 0.87, 0.89]}},
}


@pytest.fixture
def record(make_record):
    return make_record(
        name="house",
        data=[
            {"name": "gardens", "licence": "CC0-1.0", "url": "https://example.invalid"},
            {"name": "streets", "licence": "not stated by its source"},
        ],
        recipe=RECIPE,
        seed=7,
        hours=1.25,
        hardware="two cores",
        scores=SCORES,
        known_failures=["Snow turns yellow."],
        intended_use="Gardens.",
        licence="BSD-3-Clause",
    )


def section(text, title):
    return text.split(f"## {title}\n\n")[1].split("\n## ")[0]


def rows(table):
    lines = [line for line in table.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(cells[0][1:], row[1:], strict=True)) for row in cells[2:]}


def test_says_never_to_measure(record, make_record):
    for one in (record, make_record()):
        assert "**Never measure predicted colour.**" in card(one)


def test_names_use_failures_pictures_and_their_licences(record):
    text = card(record)
    assert section(text, "Intended use") == "Gardens.\n"
    assert "- Snow turns yellow." in section(text, "Known failures")
    told = rows(section(text, "Training pictures"))
    assert told["[gardens](https://example.invalid)"]["state of their licence"] == "CC0-1.0"
    assert told["streets"]["state of their licence"] == "not stated by its source"


def test_tells_how_it_was_trained(record):
    text = section(card(record), "Training")
    for said in ("Recipe: quick", "Seed: 7", "Hours: 1.2", "Hardware: two cores"):
        assert f"- {said}" in text
    assert "- Started from: colorful (SHA-256 0123456789ab…)" in text
    assert "- Made with: torch 2.13, git c0ffee" in text
    for said in ("epochs=3", "learning_rate=5e-05", "include=*-clothing.* *-food.*"):
        assert said in text.replace("\n", " ")
    assert "augmentation.fading=0.1" in text
    assert "tensorboard=false" in text


def test_scores_stand_with_their_intervals_beside_other_settings_and_baselines(record):
    text = section(card(record, BY_KEY), "Scores")
    assert "500 photographs; fingerprint fedcba987654; judge a judge" in text
    told = rows(text)
    assert told["PSNR, dB"] == {
        "at its defaults": "23.12 (22.50 … 23.75)",
        "at vividness 1": "21.50 (21.00 … 22.00)",
        "grey": "22.25 (21.90 … 22.70)",
    }
    assert told["AuC, %"]["at its defaults"] == "90.00 (89.00 … 91.00)"
    assert told["AuC, %"]["at vividness 1"] == "–"


def test_a_score_without_an_interval_or_a_title_is_shown_as_it_is(record):
    told = rows(section(card(record, BY_KEY), "Scores"))
    assert told["Fréchet distance (EfficientNet-lite2)"]["at its defaults"] == "91.000"
    assert rows(section(card(record), "Scores"))["auc"]["at its defaults"].startswith("0.9000 (")


def test_bars_in_a_title_stay_within_their_cell_and_no_unit_is_said_twice(make_record):
    scores = {key: [1.0, 0.5, 2.0] for key in ("colourfulness_error", "mae_lab", "delta_e_2000")}
    text = section(card(make_record(scores=scores), BY_KEY), "Scores")
    titles = [re.split(r" *(?<!\\)\| ?", line)[1] for line in text.splitlines() if "(0.5" in line]
    assert titles == [r"\|Δ colourfulness\|", "MAE Lab", "ΔE2000"]


def test_what_is_not_known_is_said(make_record):
    text = card(make_record(data=[]))
    assert "It has not been graded here." in section(text, "Scores")
    assert section(text, "Training pictures") == "Not stated.\n"
    assert "- Seed: not known\n- Hours: not known\n- Hardware: not known" in text
    assert "None are written down yet." in text


def test_headings_go_as_deep_as_asked(record):
    marks = re.findall(r"^(#+) ", card(record, level=2), re.MULTILINE)
    assert marks[0] == "##"
    assert set(marks[1:]) == {"###"}


def test_text_keeps_within_a_terminal_and_tables_line_up(record):
    lines = card(record, BY_KEY).splitlines()
    assert all(len(line) <= WIDTH for line in lines if not line.startswith("|"))
    table = [line for line in lines if line.startswith("| ")]
    ends = {tuple(m.start() for m in re.finditer(r"\|", line)) for line in table}
    assert len(ends) == 2  # pictures and scores
