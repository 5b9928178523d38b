"""The form is the dataclass: same ranges, same help, and silence where nothing was touched."""

from types import SimpleNamespace

import pytest
from qtpy.QtWidgets import QLabel

from napari_colorize import ColorizeParameters
from napari_colorize.refinements import NUMBERS, REFINEMENTS
from napari_colorize.widgets.colorize.form import LOOKS, OPTIONS, PAPER_DEFAULTS, ParameterForm
from napari_colorize.widgets.shared import weights as _weights


def weights(name: str, **defaults: float) -> SimpleNamespace:
    return SimpleNamespace(name=name, method="colorful", defaults=defaults)


@pytest.fixture
def make_form(qtbot, monkeypatch):
    """Return a function that makes a form on a machine with certain weights."""

    def make(*installed) -> ParameterForm:
        stand_in = SimpleNamespace(available=lambda: installed)
        monkeypatch.setattr(_weights, "checkpoints", stand_in)
        form = ParameterForm()
        qtbot.addWidget(form.native)
        return form

    return make


def test_untouched_leaves_every_choice_to_the_checkpoint(make_form):
    form = make_form(weights("a", temperature=0.3, vividness=0.7))

    assert form.values() == ColorizeParameters()


def test_sliders_stand_where_the_weights_were_published(make_form):
    form = make_form(weights("a", temperature=0.3, vividness=0.7))

    assert form.temperature.slider.value() == pytest.approx(0.3)
    assert form.vividness.slider.value() == pytest.approx(0.7)
    assert not form.temperature.reset_button.isEnabled()


def test_without_weights_the_sliders_stand_at_the_papers_values(make_form):
    form = make_form()

    assert form.temperature.slider.value() == pytest.approx(PAPER_DEFAULTS["temperature"])
    assert form.checkpoint.current_choice == "None installed"


def test_other_weights_move_untouched_sliders_only(make_form):
    form = make_form(
        weights("a", temperature=0.3, vividness=0.7), weights("b", temperature=0.5, vividness=0.1)
    )
    form.temperature.slider.setValue(0.44)
    form.checkpoint.value = "b"

    assert form.values() == ColorizeParameters(checkpoint="b", temperature=0.44)
    assert form.vividness.slider.value() == pytest.approx(0.1)


def test_reset_gives_the_choice_back_to_the_checkpoint(make_form):
    form = make_form(weights("a", temperature=0.3, vividness=0.7))
    form.temperature.slider.setValue(0.9)
    assert form.values().temperature == pytest.approx(0.9)
    form.temperature.reset_button.click()

    assert form.values().temperature is None
    assert form.temperature.slider.value() == pytest.approx(0.3)


@pytest.mark.parametrize("name", ["radius", "sigma_space", "sigma_range"])
def test_numbers_have_range_help_and_default_of_the_dataclass(make_form, name):
    form = make_form()
    box, option = getattr(form, name), OPTIONS[name]

    assert (box.min, box.max) == (option.metadata["min"], option.metadata["max"])
    assert box.value == option.default
    assert box.native.toolTip() == option.metadata["help"]


@pytest.mark.parametrize("name", ["temperature", "vividness"])
def test_sliders_have_the_range_of_the_dataclass(make_form, name):
    form = make_form()
    slider, known = getattr(form, name).slider, OPTIONS[name].metadata

    assert (slider.minimum(), slider.maximum()) == (known["min"], known["max"])


@pytest.mark.parametrize("refinement", REFINEMENTS)
def test_a_refinement_greys_out_the_numbers_it_does_not_use_and_says_so(make_form, refinement):
    form = make_form()
    form.refinement.value = refinement
    known = REFINEMENTS[refinement]

    assert form.values().refinement == refinement
    for name in NUMBERS:
        box = form.get_widget(name)
        assert box.enabled == (name in known.uses)
        said = OPTIONS[name].metadata["help"]
        if name not in known.uses:
            said = f"{known.title}: this number has no effect."
        assert box.native.toolTip() == said


def test_plain_refinement_greys_out_what_it_does_not_use(make_form):
    form = make_form()
    form.refinement.value = "bilinear"

    assert not any(form.get_widget(name).enabled for name in NUMBERS)
    assert form.values().refinement == "bilinear"


def test_the_form_is_a_container_of_magicgui_that_others_can_embed(make_form):
    from magicgui.widgets import Container

    form, heard = make_form(weights("a", temperature=0.3, vividness=0.7)), []
    outer = Container(widgets=[form])
    form.changed.connect(lambda changed: heard.append(changed.values()))
    form.radius.value = 5
    form.temperature.value = 0.9
    form.checkpoint.value = "a"
    form.temperature.value = None

    assert isinstance(form, Container)
    assert form.native.window() is outer.native.window()
    assert heard[0] == ColorizeParameters(radius=5)
    assert heard[1] == ColorizeParameters(radius=5, temperature=0.9)
    assert heard[-1] == ColorizeParameters(radius=5, checkpoint="a") == form.values()
    assert form.asdict()["radius"] == 5


def test_choices_that_are_offered_anew_keep_what_is_chosen(make_form):
    form = make_form(weights("a"), weights("b"))
    form.checkpoint.value = "b"
    form.refresh_checkpoints()
    assert form.checkpoint.value == "b"

    form.checkpoint.offer([("Default (c)", None), ("c", "c")])
    assert form.checkpoint.value is None
    assert form.checkpoint.current_choice == "Default (c)"


class TestWhatComesFirst:
    """Weights beside the method, three looks, how colour spreads; the numbers are folded away."""

    @pytest.fixture
    def form(self, make_form):
        form = make_form(weights("a", temperature=0.8, vividness=0.5))
        form.native.show()
        return form

    def test_has_no_number(self, form):
        labels = [label for label in form.native.findChildren(QLabel) if label.isVisible()]
        shown = [label.text() for label in sorted(labels, key=lambda label: label.y())]

        assert shown == ["Method", "Weights", "Colours", "Colour spread"]
        assert not form.numbers.isExpanded()
        assert not form.temperature.native.isVisible()
        form.numbers.expand(animate=False)
        assert form.temperature.native.isVisible()

    def test_is_balanced_as_the_weights_were_published(self, form):
        assert chosen(form) == ["balanced"]
        assert form.values() == ColorizeParameters()

    def test_offers_the_mean_of_what_is_likely_as_safe(self, form):
        form.looks.buttons["safe"].click()

        assert form.values() == ColorizeParameters(temperature=1.0, vividness=0.0)
        assert chosen(form) == ["safe"]
        form.looks.buttons["balanced"].click()
        assert form.values() == ColorizeParameters()

    def test_offers_boosted_rare_colours_as_vivid(self, form):
        heard = []
        form.changed.connect(lambda changed: heard.append(changed.values()))
        form.looks.buttons["vivid"].click()

        assert heard[-1] == form.values() == ColorizeParameters(vividness=1.0)

    def test_shows_no_look_where_numbers_are_others(self, form):
        form.temperature.slider.setValue(0.33)
        assert chosen(form) == []
        form.temperature.reset_button.click()
        assert chosen(form) == ["balanced"]
        form.temperature.slider.setValue(1.0)
        form.vividness.slider.setValue(0.0)
        assert chosen(form) == ["safe"]

    def test_keeps_the_look_when_other_weights_are_chosen(self, make_form):
        form = make_form(weights("a", temperature=0.8, vividness=0.5), weights("b", vividness=0.2))
        form.looks.buttons["vivid"].click()
        form.checkpoint.value = "b"

        assert chosen(form) == ["vivid"]
        assert form.values() == ColorizeParameters(checkpoint="b", vividness=1.0)

    def test_greys_out_a_look_that_would_be_the_balanced_one(self, make_form):
        form = make_form(weights("zhang", temperature=0.38, vividness=1.0))

        assert chosen(form) == ["balanced"]
        assert not form.looks.buttons["vivid"].isEnabled()
        assert "as vivid" in form.looks.buttons["vivid"].toolTip()

    def test_greys_out_looks_that_have_no_effect_and_says_so(self, form):
        form.looks.buttons["safe"].click()
        form.method.value = "deep"

        assert not form.looks.native.isEnabled()
        assert "predicts one colour" in form.looks.buttons["safe"].toolTip()
        assert form.values() == ColorizeParameters(method="deep")
        form.method.value = "colorful"
        assert chosen(form) == ["safe"]


def chosen(form: ParameterForm) -> list[str]:
    return [name for name in LOOKS if form.looks.buttons[name].isChecked()]
