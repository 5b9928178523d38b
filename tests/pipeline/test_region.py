"""Where a picture is to have colour: regions that are given, and borders that are found."""

import cv2
import numpy as np
import pytest
import torch

from napari_colorize import colorize, colorize_stack, ops
from napari_colorize.pipeline.region import inside_border
from napari_colorize.records.as_python import as_python


@pytest.fixture
def print_() -> np.ndarray:
    """Return an 90 × 120 photograph in a white border of 9, 7, 11 and 5 pixels, with noise."""
    random = np.random.default_rng(4)
    rows, columns = np.mgrid[:90, :120]
    picture = 90 + 60 * np.sin(rows / 9) * np.cos(columns / 7) + random.normal(0, 4, rows.shape)
    picture[:9] = picture[-7:] = picture[:, :11] = picture[:, -5:] = 240
    picture += random.normal(0, 2, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def lightness(picture: np.ndarray) -> np.ndarray:
    lab = cv2.cvtColor(np.dstack([picture] * 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab[..., 0]


class TestBorders:
    def test_of_a_print_are_found_on_all_sides(self, print_):
        expected = np.zeros(print_.shape, bool)
        expected[9:-7, 11:-5] = True

        np.testing.assert_array_equal(inside_border(lightness(print_)), expected)

    def test_of_several_lines_are_taken_off_line_by_line(self, print_):
        framed = cv2.copyMakeBorder(print_, 6, 6, 6, 6, cv2.BORDER_CONSTANT, value=10)
        expected = np.zeros(framed.shape, bool)
        expected[15:-13, 17:-11] = True

        np.testing.assert_array_equal(inside_border(lightness(framed)), expected)

    def test_a_slight_turn_of_the_scan_and_a_stain_do_not_hide_them(self, print_):
        turned = cv2.warpAffine(
            print_, cv2.getRotationMatrix2D((60, 45), 0.4, 1), (120, 90), borderValue=240
        )
        turned[3:5, 30:36] = 120
        inside = inside_border(lightness(turned))

        assert not inside[:7].any()
        assert not inside[:, :9].any()
        assert inside[12:-10, 14:-8].all()

    def test_a_scratch_and_a_line_do_not_hide_them(self):
        random = np.random.default_rng(2)
        framed = np.pad(random.uniform(5, 95, (80, 100)), 2, constant_values=8)
        framed = np.pad(framed, ((9, 14), (11, 6)), constant_values=92)
        framed += random.normal(0, 1, framed.shape)
        framed[3, 10:14] = 20
        expected = np.zeros(framed.shape, bool)
        expected[11:91, 13:113] = True

        np.testing.assert_array_equal(inside_border(framed), expected)

    def test_a_uniform_sky_is_none(self, print_):
        picture = print_[9:-7, 11:-5].copy()
        picture[:20] = 230

        assert inside_border(lightness(picture)).all()

    @pytest.mark.parametrize("shape", [(1, 1), (3, 200), (7, 7)])
    def test_of_tiny_and_uniform_pictures_are_none(self, shape):
        assert inside_border(np.full(shape, 50.0, np.float32)).all()


class TestRegions:
    def test_inside_are_pixels_of_the_whole_outside_grey_ones(self, fake_model, print_):
        mask = np.zeros(print_.shape, np.uint8)
        cv2.circle(mask, (60, 45), 20, 1, -1)
        whole, part = colorize(print_), colorize(print_, region=mask)
        inside = mask.astype(bool)

        np.testing.assert_array_equal(part.rgb[inside], whole.rgb[inside])
        np.testing.assert_array_equal(part.rgb[~inside], np.dstack([print_] * 3)[~inside])
        assert (whole.rgb[~inside] != np.dstack([print_] * 3)[~inside]).any()
        assert not part.clipped[~inside].any()
        assert not part.uncertainty[~inside].any()

    @pytest.mark.parametrize("dtype", ["uint16", "float32"])
    def test_keep_lightness_in_every_type_of_result(self, fake_model, print_, dtype):
        mask = np.zeros(print_.shape, bool)
        mask[20:40] = True
        rgb = colorize(print_, region=mask, dtype=dtype).rgb
        values = rgb.astype(np.float32) / (65535 if dtype == "uint16" else 1)
        lab = ops.rgb_to_lab(torch.from_numpy(values)).numpy()

        np.testing.assert_allclose(lab[..., 0], lightness(print_), atol=0.3)
        np.testing.assert_allclose(lab[~mask][:, 1:], 0, atol=0.05)

    def test_are_in_record_legend_and_code(self, fake_model, print_):
        found = colorize(print_, region="inside border")
        given = colorize(print_, region=np.eye(90, 120, dtype=bool))

        assert found.record["region"]["share"] == pytest.approx(74 * 104 / (90 * 120))
        assert "only inside the border of the print, 71%" in found.legend
        assert "region='inside border'" in found.as_python()
        assert "inside a region set by hand, 1%" in given.legend
        assert given.record["region"]["sha256"] in as_python(given.record)

    def test_keep_alpha(self, fake_model, print_):
        rgba = np.dstack([print_] * 3 + [np.full_like(print_, 60)])
        result = colorize(rgba, region=np.eye(90, 120, dtype=bool))

        assert (result.rgb[..., 3] == 60).all()

    @pytest.mark.parametrize(
        ("region", "said"),
        [
            (np.ones((3, 3), bool), "shape"),
            (np.zeros((90, 120), bool), "empty"),
            (np.ones((90, 120)), "float64"),
            ("border", "inside border"),
        ],
    )
    def test_that_cannot_be_used_are_refused(self, fake_model, print_, region, said):
        with pytest.raises(ValueError, match=said):
            colorize(print_, region=region)

    def test_of_stacks_are_for_all_planes_or_each_its_own(self, fake_model, print_):
        stack = np.stack([print_, print_[::-1]])
        own = np.zeros(stack.shape, bool)
        own[0, :30] = own[1, :, 50:] = True
        each = colorize_stack(stack, region=own, axis=None)
        alike = colorize_stack(stack, region=own[0], axis=None)
        grey = np.stack([stack] * 3, axis=-1)

        np.testing.assert_array_equal(each.rgb[~own], grey[~own])
        np.testing.assert_array_equal(alike.rgb[:, 30:], grey[:, 30:])
        assert (each.rgb[own] != grey[own]).any()
        assert each.record["region"]["share"] == pytest.approx(own.mean())
        assert "region set by hand" in alike.legend
