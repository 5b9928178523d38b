"""The table of refinements against what they do: one entry a refinement, read by all."""

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
import torch

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.refine import full_size_rgb
from napari_colorize.refinements import NUMBERS, REFINEMENTS, users_of

OTHER = {"radius": 6, "sigma_space": 4.0, "sigma_range": 30.0}
"""Values of the numbers that differ from the defaults."""


@pytest.fixture(scope="module")
def refined():
    """``refined(refinement, **numbers)``: a coloured test picture."""
    draw = np.random.default_rng(5)
    plane = read_plane((draw.random((96, 80)) * 255).astype(np.uint8))
    seen = plane.lightness_at((32, 32))
    chroma = torch.from_numpy(draw.normal(0, 25, (1, 2, 24, 20)).astype(np.float32))

    def of(refinement, **numbers):
        parameters = ColorizeParameters(refinement=refinement, dtype="float32", **numbers)
        return full_size_rgb(plane, seen, chroma, parameters)[0]

    return of


@pytest.mark.parametrize("refinement", REFINEMENTS)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_refinement_depends_on_the_numbers_that_its_entry_names_and_on_no_other(
    refined, refinement, number
):
    moved = np.abs(refined(refinement) - refined(refinement, **{number: OTHER[number]})).max()
    assert (moved > 1e-3) == (number in REFINEMENTS[refinement].uses)


@pytest.mark.parametrize("refinement", REFINEMENTS)
def test_a_legend_gives_just_the_numbers_that_were_used(refinement):
    numbers = {"radius": 11, "sigma_space": 2.25, "sigma_range": 17.5}
    shown = {"radius": "11", "sigma_space": "2.25", "sigma_range": "17.5"}
    known = REFINEMENTS[refinement]
    said = known.described(numbers)
    assert {name for name, text in shown.items() if text in said} == set(known.uses)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_help_of_a_number_names_the_refinements_that_use_it(number):
    [option] = (option for option in fields(ColorizeParameters) if option.name == number)
    words = set(option.metadata["help"].replace(",", " ").replace(".", " ").split())
    assert words & set(REFINEMENTS) == set(users_of(number))


def test_the_choices_are_the_table_and_titles_are_told_apart():
    [option] = (option for option in fields(ColorizeParameters) if option.name == "refinement")
    assert option.metadata["choices"] == tuple(REFINEMENTS)
    assert option.default == next(iter(REFINEMENTS))
    assert len({known.title for known in REFINEMENTS.values()}) == len(REFINEMENTS)


def test_the_table_can_be_read_without_torch():
    code = "import napari_colorize.refinements, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
