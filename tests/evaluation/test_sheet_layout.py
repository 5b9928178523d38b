"""Pictures stand on a sheet under their headings, whole, and no larger than they are."""

import numpy as np
import pytest

from napari_colorize.evaluation.sheets import SheetRow, draw_sheet, pages, shrunk

RED, GREEN, BLUE = (200, 20, 20), (20, 200, 20), (20, 20, 200)


def flat(colour, height=30, width=40):
    return np.full((height, width, 3), colour, np.uint8)


def places_of(sheet, colour):
    """Return (top, bottom, left, right) of everything that has a colour."""
    rows, columns = np.nonzero((np.asarray(sheet) == colour).all(2))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_versions_of_a_picture_stand_beside_each_other_in_the_order_of_the_headings():
    row = SheetRow("a", [flat(RED), flat(GREEN), flat(BLUE)])
    sheet = draw_sheet([row], ["grey", "ours", "truth"], tile=50)
    red, green, blue = (places_of(sheet, colour) for colour in (RED, GREEN, BLUE))
    assert red[:2] == green[:2] == blue[:2]
    assert red[3] <= green[2] < green[3] <= blue[2]


def test_a_large_picture_is_shrunk_with_its_aspect_and_a_small_one_stays():
    assert shrunk(flat(RED, 300, 600), 60).shape == (30, 60, 3)
    assert shrunk(flat(RED, 30, 40), 60).shape == (30, 40, 3)
    assert shrunk(np.zeros((90, 30), np.uint8), 60).shape == (60, 20)
    top, bottom, left, right = places_of(
        draw_sheet([SheetRow("a", [flat(RED, 300, 600)])], ["x"], tile=60), RED
    )
    assert (bottom - top, right - left) == (30, 60)


def test_a_missing_version_leaves_its_place_empty():
    sheet = draw_sheet([SheetRow("a", [flat(RED), None])], ["grey", "truth"], tile=50)
    assert sheet.width > 2 * 50
    assert places_of(sheet, RED)[3] < 60


def test_short_rows_share_a_line_and_long_ones_do_not():
    rows = [SheetRow(str(number), [flat(RED)] * 3) for number in range(6)]
    wide = draw_sheet(rows, ["grey", "ours", "truth"], tile=50)
    long = draw_sheet(
        [SheetRow("a", [flat(RED)] * 8) for _ in range(6)], [str(n) for n in range(8)], tile=50
    )
    assert wide.width > wide.height
    assert long.height > wide.height


def test_grey_and_colour_pictures_may_be_mixed():
    grey = np.full((30, 40), 90, np.uint8)
    sheet = draw_sheet([SheetRow("a", [grey, flat(RED)])], ["grey", "ours"], tile=50)
    assert places_of(sheet, (90, 90, 90))[1] == places_of(sheet, RED)[1]


def test_long_names_are_shortened_to_their_place():
    row = SheetRow("caption " * 50, [flat(RED)])
    short = draw_sheet([SheetRow("a", row.versions)], ["x"], tile=100)
    assert draw_sheet([row], ["heading " * 50], tile=100).size == short.size


def test_rows_are_shared_out_evenly_over_few_sheets():
    rows = [SheetRow(str(number), []) for number in range(50)]
    assert [len(page) for page in pages(rows, 24)] == [16, 17, 17]
    assert [row for page in pages(rows, 24) for row in page] == rows


def test_what_does_not_fit_the_headings_is_refused():
    with pytest.raises(ValueError, match="2 versions"):
        draw_sheet([SheetRow("a", [flat(RED)])], ["grey", "truth"])
    with pytest.raises(ValueError, match="no picture"):
        draw_sheet([], ["grey"])
