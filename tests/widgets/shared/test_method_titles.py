"""Methods are called the same in all panels, and those that cannot run are marked."""

import re
from types import SimpleNamespace

import pytest

from napari_colorize.checkpoints import CheckpointError, Remedy
from napari_colorize.methods import (
    ARCHITECTURES,
    METHOD_TITLES,
    METHODS,
    NETWORK_TITLES,
    WITHOUT_EFFECT,
)
from napari_colorize.widgets.colorize.form import ParameterForm
from napari_colorize.widgets.shared import weights as _weights
from napari_colorize.widgets.shared.words import sentence_of
from napari_colorize.widgets.turing.form import SetUpForm


@pytest.fixture
def weights_of(monkeypatch):
    """Return a function that leaves weights of certain methods alone on this machine."""

    def leave(*methods: str) -> None:
        records = [SimpleNamespace(name=f"a-{m}", method=m, defaults={}) for m in methods]
        stand_in = SimpleNamespace(available=lambda: tuple(records))
        monkeypatch.setattr(_weights, "checkpoints", stand_in)

    return leave


@pytest.fixture(params=[ParameterForm, SetUpForm])
def form(request, qtbot, weights_of):
    """Return a form of each panel that asks for a method; pix2pix lacks weights."""
    weights_of("colorful", "deep")
    made = request.param()
    qtbot.addWidget(made.native)
    return made


def test_every_method_and_network_has_a_title():
    assert list(METHOD_TITLES) == list(METHODS)
    assert set(NETWORK_TITLES) == set(ARCHITECTURES)
    assert len(set(METHOD_TITLES.values())) == len(METHODS)
    assert len(set(NETWORK_TITLES.values())) == len(ARCHITECTURES)


@pytest.mark.parametrize("method", METHODS)
def test_a_title_names_the_first_author_of_the_paper_and_a_year(method):
    author, year = re.fullmatch(r".+ \((\w+) (\d{4})\)", METHOD_TITLES[method]).groups()

    assert f"({author}, " in METHODS[method]
    # Papers are cited by their proceedings, which may follow the preprint by a year.
    assert int(year) == int(METHODS[method][-5:-1])


def test_both_forms_use_the_titles_and_mark_what_lacks_weights(form):
    texts = [form.method.native.itemText(i) for i in range(len(METHODS))]

    assert texts[:2] == ["Colorful (Zhang 2016)", "Deep (Cheng 2015)"]
    assert texts[-1] == "pix2pix (Isola 2016), no weights"


def test_a_method_without_weights_is_a_problem_with_a_way_out(form):
    assert form.problem == ""
    assert form.hint.isHidden()

    form.method.value = "pix2pix"

    assert form.problem.startswith("There are no weights for pix2pix (Isola 2016)")
    assert "Plugins → Colorize → Models, Import file…" in form.problem
    assert not form.hint.isHidden()
    assert form.checkpoint.current_choice == "None installed"


def test_weights_that_arrive_take_the_mark_away(form, weights_of):
    form.method.value = "pix2pix"
    weights_of(*METHODS)

    form.refresh_checkpoints()

    assert form.problem == ""
    assert not any("no weights" in form.method.native.itemText(i) for i in range(len(form.method)))


def test_controls_of_the_turing_test_need_no_weights(qtbot, weights_of):
    weights_of()
    form = SetUpForm()
    qtbot.addWidget(form.native)
    assert form.problem

    form.method.native.setCurrentIndex(len(METHODS))

    assert form.problem == ""


def test_prepared_pairs_need_no_weights(qtbot, weights_of, tmp_path):
    weights_of()
    form = SetUpForm()
    qtbot.addWidget(form.native)
    (tmp_path / "pairs.json").write_text("{}")
    form._enable("pairs")

    assert form.problem == ""


@pytest.mark.parametrize("method", METHODS)
def test_sliders_can_be_moved_where_they_have_an_effect(qtbot, weights_of, method):
    weights_of(*METHODS)
    form = ParameterForm()
    qtbot.addWidget(form.native)
    form.temperature.slider.setValue(0.9)
    form.method.value = method

    for name in ("temperature", "vividness"):
        without = name in WITHOUT_EFFECT.get(method, ())
        slider = getattr(form, name)
        assert slider.enabled != without
        assert ("no effect" in slider.slider.toolTip()) == without
    without = "temperature" in WITHOUT_EFFECT.get(method, ())
    assert form.values().temperature == (None if without else pytest.approx(0.9))

    form.method.value = "colorful"
    assert form.values().temperature == pytest.approx(0.9)


class TestPanelWords:
    @pytest.mark.parametrize("models", [True, False])
    @pytest.mark.parametrize("remedy", Remedy)
    def test_name_controls_and_no_command(self, remedy, models):
        error = CheckpointError("The weights are not here.", remedy, name="big")
        said = sentence_of(error, "Colouring failed", in_models=models)

        assert said.startswith("The weights are not here. ")
        assert not any(part in said for part in ("`", "--", "napari-colorize", "{", "command"))
        assert not (models and "Plugins" in said)

    @pytest.mark.parametrize(
        ("remedy", "panel"),
        [
            (Remedy.IMPORT, "Import a file with Plugins → Colorize → Models, Import file…."),
            (Remedy.FETCH, "Fetch them with Plugins → Colorize → Models, Fetch."),
            (Remedy.VERIFY, "Verify them with Plugins → Colorize → Models, Verify."),
        ],
    )
    def test_name_the_control(self, remedy, panel):
        said = sentence_of(CheckpointError("No weights.", remedy, name="big"), "Failed")

        assert said == f"No weights. {panel}"

    def test_in_models_name_the_button_alone(self):
        error = CheckpointError("Gone.", Remedy.IMPORT_WITHOUT_INTERNET)
        said = sentence_of(error, "Failed", in_models=True)

        assert said.endswith("copy the file over and use Import file….")

    @pytest.mark.parametrize("method", ["pix2pix", "gan"])
    def test_fit_what_the_registry_says(self, method, monkeypatch):
        from napari_colorize.checkpoints import registry

        monkeypatch.setattr(registry, "available", lambda: ())
        with pytest.raises(CheckpointError) as caught:
            registry.default_for(method)
        said = sentence_of(caught.value, "Failed")

        assert "Plugins → Colorize → Models, Import file…" in said
        assert "napari-colorize models" not in said


def test_a_method_of_another_package_is_in_the_list(sepia_card, qtbot, weights_of):
    weights_of("colorful", "sepia")
    form = ParameterForm()
    qtbot.addWidget(form.native)
    texts = [form.method.native.itemText(i) for i in range(len(form.method))]
    assert "Sepia (Doe 2026)" in texts
