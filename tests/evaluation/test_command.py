"""The command line grades, compares and counts, and ends with a status that scripts can use."""

import json

import pytest
from click.testing import CliRunner
from observer import simulated_observer, sit

from napari_colorize.evaluation import baselines as baselines_
from napari_colorize.evaluation import methods, sheets
from napari_colorize.evaluation.command import evaluate, evaluate_compare, turing
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.turing.session import Session


@pytest.fixture(autouse=True)
def colorize_method(monkeypatch, colourer):
    """Put the test's colourer behind every method name; the front door has its own tests."""

    def made(method="colorful", *, name=None, **parameters):
        colourer.fade = parameters.get("vividness", colourer.fade)
        return GradedMethod(name or method, colourer, parameters)

    monkeypatch.setattr(methods, "colorize_method", made)


def run(command, *arguments, code=0):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if code == 0 and result.exception:
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_evaluate_writes_page_and_scores(folder, tmp_path):
    out = tmp_path / "report"
    said = run(evaluate, "--images", folder, "-o", out, "--no-judge", "--damaged", "-q")
    assert str(out / "report.html") in said
    assert "Note:" not in said  # every score saw the damage it claims to see
    scores = json.loads((out / "scores.json").read_text())
    assert list(scores["methods"])[:4] == ["colorful", "grey", "mean chroma", "random chroma"]
    assert "colorful · hue" in scores["methods"]


def test_compare_fails_when_something_got_worse(folder, tmp_path):
    for out, vividness in (("a", 0.8), ("b", 0.2)):
        change = f"vividness={vividness}"
        options = ("--no-judge", "--no-baselines", "-q", "--set", change)
        run(evaluate, "--images", folder, "-o", tmp_path / out, *options)
    said = run(evaluate_compare, tmp_path / "a", tmp_path / "b", code=1)
    assert "worse    colorful: RMSE ab" in said
    assert "better" not in said
    assert "worse" not in run(evaluate_compare, tmp_path / "a", tmp_path / "a")
    listed = json.loads(run(evaluate_compare, tmp_path / "a", tmp_path / "a", "--json"))
    assert {change["verdict"] for change in listed} == {"same"}


def test_labels_reach_the_judge_and_wrong_ones_are_told(folder, photographs, tmp_path):
    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"{name}\tn00000009\n" for name in photographs))
    with pytest.raises(ValueError, match="does not know the class n00000009"):
        run(evaluate, "--images", folder, "--labels", labels, "-o", tmp_path / "r", "-q")


def test_a_setting_without_a_value_is_told(folder, tmp_path):
    with pytest.raises(ValueError, match="KEY=VALUE"):
        run(evaluate, "--images", folder, "-o", tmp_path / "r", "--set", "vividness", "-q")


def test_turing_from_pictures_to_the_sheet(folder, tmp_path):
    pairs, files = tmp_path / "pairs", [tmp_path / "p1.json", tmp_path / "p2.json"]
    assert "6 pairs" in run(turing, "prepare", "--images", folder, "-o", pairs, "-q")
    for seed, path in enumerate(files):
        plan = ("--participant", path.stem, "--seed", seed, "--practice", 1, "-o", path)
        run(turing, "plan", pairs, *plan)
        sit(Session.load(path), simulated_observer(0.0, seed=0))
    sheet = tmp_path / "sheet.html"
    said = run(turing, "merge", *files, "--stimuli", pairs, "-o", sheet)
    assert "colorful: 0.0 % fooled (0 of 10;" in said
    assert sheet.exists()
    assert json.loads(sheet.with_suffix(".json").read_text())["participants"] == 2


def test_other_settings_are_graded_beside_and_sheets_written_by_the_same_command(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(sheets, "IN_COLOUR", ())
    monkeypatch.setattr(sheets, "GREY", ("coins",))
    monkeypatch.setattr(
        methods,
        "colorize_method",
        lambda **settings: GradedMethod(f"colorful {settings}", baselines_.grey, settings),
    )
    out = tmp_path / "report"
    options = ("--no-judge", "--no-baselines", "-q", "--sheet", 4)
    settings = ("--set", "radius=2", "--also", "vividness=1,radius=4", "--also", "vividness=0")
    said = run(evaluate, "--images", folder, "-o", out, *settings, *options)
    graded = json.loads((out / "scores.json").read_text())["methods"].values()
    assert [method["settings"] for method in graded] == [
        {"radius": 2},
        {"radius": 4, "vividness": 1},
        {"radius": 2, "vividness": 0},
    ]
    for name in ("sheet-1.png", "sheet-worst.png", "sheet-scikit-image.png"):
        assert str(out / name) in said
        assert (out / name).stat().st_size > 1000
