"""The page of cards is what the records say, and no shipped checkpoint's card has a gap."""

import runpy

import pytest
from pages import ROOT

from napari_colorize.checkpoints.card import NEVER_MEASURE
from napari_colorize.evaluation.catalogue import BY_KEY

MAKER = runpy.run_path(str(ROOT / "docs/make_cards.py"))
RECORDS = MAKER["packaged"]()
SHIPPED = [record for record in RECORDS if record.source == "shipped"]


def test_the_page_is_what_the_records_say():
    written = MAKER["PAGE"].read_text("utf-8")
    assert written == MAKER["page"](RECORDS), "run `python docs/make_cards.py`"


def test_every_packaged_record_has_a_card_with_the_warning():
    written = MAKER["PAGE"].read_text("utf-8")
    for record in RECORDS:
        assert f"\n## {record.name}\n" in written
    assert written.count(NEVER_MEASURE.split(".")[0]) == len(RECORDS)


@pytest.mark.parametrize("record", SHIPPED, ids=lambda record: record.name)
def test_a_shipped_checkpoint_says_all_that_its_card_needs(record):
    assert record.data
    assert record.recipe.get("name")
    assert record.seed is not None
    assert record.hours
    assert record.hardware
    assert record.known_failures
    assert record.intended_use
    assert record.licence
    graded = {key: value for key, value in record.scores.items() if key in BY_KEY}
    assert {"psnr", "rmse_ab", "auc_rebalanced", "colourfulness_ratio"} <= set(graded)
    for value, low, high in graded.values():
        assert low <= value <= high
