"""Whole stacks: one window, colour that holds, and each plane the same whichever way it comes."""

import json

import numpy as np
import pytest
from films import glide, noisy, scene

import napari_colorize
from napari_colorize import (
    ColorizeParameters,
    StackParameters,
    api,
    colorize,
    colorize_planes,
    colorize_stack,
)
from napari_colorize.evaluation.colour import to_lab
from napari_colorize.evaluation.flicker import flicker

RNG = np.random.default_rng(3)

pytestmark = pytest.mark.usefixtures("moody_model")


def film(count=7, sigma=4):
    frames, corners = glide(scene(1), count)
    return noisy(frames, sigma), corners


class TestConsistency:
    def test_flicker_of_a_pan_falls_more_than_threefold(self):
        frames, corners = film(12)
        alone = flicker(colorize_stack(frames, consistency=0).rgb, corners)
        held = flicker(colorize_stack(frames).rgb, corners)
        assert alone > 3
        assert held < alone / 3

    def test_more_of_it_flickers_less(self):
        frames, corners = film(12)
        found = [
            flicker(colorize_stack(frames, consistency=c).rgb, corners) for c in (0, 0.25, 0.5, 1)
        ]
        assert found == sorted(found, reverse=True)

    def test_none_of_it_is_each_plane_for_itself(self):
        frames, _ = film(4)
        alone = np.stack([colorize(frame).rgb for frame in frames])
        assert (colorize_stack(frames, consistency=0).rgb == alone).all()
        assert (colorize_stack(frames, axis=None).rgb == alone).all()

    def test_nothing_bleeds_across_a_cut(self):
        first, _ = film(4)
        second = noisy(glide(scene(9), 4)[0], 4, seed=1)
        both = colorize_stack(np.concatenate([first, second]), consistency=1)
        assert (both.rgb[:4] == colorize_stack(first, consistency=1).rgb).all()
        assert (both.rgb[4:] == colorize_stack(second, consistency=1).rgb).all()
        assert both.record["stack"]["cuts"] == [[4]]

    def test_what_appears_keeps_its_own_colour(self):
        """A bright square that is there in one plane alone."""
        still = np.stack([scene(2)[:96, :96] // 2] * 5)
        with_square = still.copy()
        with_square[2, 32:64, 32:64] = 250
        held = to_lab(colorize_stack(with_square, consistency=1).rgb[2])
        own = to_lab(colorize(with_square[2]).rgb)
        assert np.abs(held - own)[40:56, 40:56].max() < 1.5

    def test_lightness_is_untouched(self):
        frames, _ = film(4)
        held = colorize_stack(frames, consistency=1, dtype="float32").rgb
        alone = colorize_stack(frames, consistency=0, dtype="float32").rgb
        codes = (np.concatenate([held, alone]) * 255).round().astype(np.uint8)
        lightness = np.stack([to_lab(frame)[..., 0] for frame in codes])
        assert np.abs(lightness[:4] - lightness[4:]).max() < 0.5

    def test_uncertainty_is_held_too(self):
        frames = noisy(np.stack([scene(3)[:64, :64]] * 6), 20)
        spread = [
            colorize_stack(frames, consistency=c).uncertainty.std(axis=0).mean() for c in (0, 1)
        ]
        assert spread[1] < spread[0] / 2


class TestWhatGoesIn:
    def test_one_window_serves_all_planes(self):
        stack = (RNG.random((4, 40, 40)) * [[[100]], [[1000]], [[2000]], [[4000]]]).astype(
            np.uint16
        )
        result = colorize_stack(stack, consistency=0)
        low, high = result.record["parameters"]["window"]
        assert low == np.percentile(stack, 0.1, method="lower")
        assert high == np.percentile(stack, 99.9, method="higher")
        assert (result.rgb[1] == colorize(stack[1], window=(low, high)).rgb).all()

    @pytest.mark.parametrize("axis", [0, 1, -4, -3])
    def test_any_leading_axis_may_be_the_one(self, axis):
        frames, _ = film(4)
        stack = np.stack([frames, frames[::-1]])
        if axis in (0, -4):
            stack = stack.swapaxes(0, 1)
        result = colorize_stack(stack, axis=axis).rgb
        if axis in (0, -4):
            result = result.swapaxes(0, 1)
        assert (result[0] == colorize_stack(frames).rgb).all()
        assert (result[1] == colorize_stack(frames[::-1]).rgb).all()

    @pytest.mark.parametrize("channels", [3, 4])
    def test_colour_stacks_keep_lightness_and_alpha(self, channels):
        stack = RNG.integers(0, 256, (3, 40, 50, channels), dtype=np.uint8)
        result = colorize_stack(stack, rgb=True, consistency=0)
        assert (result.rgb == np.stack([colorize(plane).rgb for plane in stack])).all()

    def test_lists_and_generators_are_stacks(self):
        frames, _ = film(4)
        whole = colorize_stack(frames).rgb
        assert (colorize_stack(list(frames)).rgb == whole).all()
        assert (colorize_stack(frame for frame in frames).rgb == whole).all()

    def test_zarr_like_arrays_are_read_plane_by_plane_and_once(self):
        frames, _ = film(9)
        wide = frames.astype(np.uint16) * 9
        read = []

        class Slow:
            shape = wide.shape

            def __getitem__(self, index):
                read.append(index)
                return wide[index]

        result = colorize_stack(Slow(), window=(0, 2295))
        assert read == [(n,) for n in range(9)]
        assert (result.rgb == colorize_stack(wide, window=(0, 2295)).rgb).all()

    def test_the_stack_is_left_alone(self):
        frames, _ = film(3)
        before = frames.copy()
        frames.flags.writeable = False
        colorize_stack(frames)
        assert (frames == before).all()

    def test_planes_of_one_pixel_and_single_planes_pass(self):
        assert colorize_stack(np.zeros((3, 1, 1), np.uint8)).rgb.shape == (3, 1, 1, 3)
        assert colorize_stack(np.zeros((1, 5, 7), np.uint8)).rgb.shape == (1, 5, 7, 3)
        assert colorize_stack(np.zeros((5, 7), np.uint8), axis=None).rgb.shape == (5, 7, 3)

    def test_parameters_of_a_picture_do_for_a_stack(self):
        parameters = ColorizeParameters(vividness=0.9)
        used = colorize_stack(np.zeros((2, 9, 9)), parameters=parameters).record["parameters"]
        assert (used["vividness"], used["consistency"]) == (0.9, StackParameters().consistency)

    def test_weights_that_are_named_alone_bring_their_method(self, moody_model):
        moody_model.record.method = "deep"
        record = colorize_stack(np.zeros((2, 9, 9)), checkpoint="mine").record
        assert record["parameters"]["method"] == "deep"

    def test_wrong_parameters_are_refused(self):
        with pytest.raises(TypeError, match="did you mean 'consistency'"):
            colorize_stack(np.zeros((2, 9, 9)), consistancy=1)
        with pytest.raises(ValueError, match="consistency is 2"):
            colorize_stack(np.zeros((2, 9, 9)), consistency=2)
        with pytest.raises(TypeError, match="no parameter 'consistency'"):
            colorize(np.zeros((9, 9)), consistency=1)


class TestWhatComesOut:
    def test_shapes_and_types(self):
        result = colorize_stack(film(2)[0], dtype="uint16")
        assert (result.rgb.shape, result.rgb.dtype) == ((2, 96, 96, 3), np.uint16)
        assert (result.uncertainty.shape, result.uncertainty.dtype) == ((2, 96, 96), np.float32)
        assert (result.clipped.shape, result.clipped.dtype) == ((2, 96, 96), bool)

    def test_maps_may_be_left_out(self):
        result = colorize_stack(film(2)[0], maps=False)
        assert result.uncertainty is None
        assert result.clipped is None

    def test_results_go_where_they_are_wanted(self, tmp_path):
        frames, _ = film(3)
        out = np.memmap(tmp_path / "rgb", np.uint8, "w+", shape=(3, 96, 96, 3))
        result = colorize_stack(frames, out=out)
        assert result.rgb is out
        assert (out == colorize_stack(frames).rgb).all()

    def test_a_place_that_does_not_fit_is_refused_before_the_work(self, moody_model):
        with pytest.raises(ValueError, match=r"needs \(3, 96, 96, 3\) and uint8"):
            colorize_stack(film(3)[0], out=np.empty((3, 96, 96), np.uint8))
        assert moody_model.calls == 0

    def test_the_record_says_how_planes_hang_together(self):
        frames, _ = film(3)
        result = colorize_stack(frames.astype(np.float32), consistency=0.25, source="embryo")
        record = json.loads(json.dumps(result.record))
        assert record["stack"] == {
            "axis": 0,
            "rgb": False,
            "planes": 3,
            "consistency": 0.25,
            "reach": 2,
            "cuts": [],
            "lazy": False,
        }
        assert record["input"]["shape"] == [3, 96, 96]
        assert record["input"]["window_mode"] == "automatic"
        assert record["output"]["shape"] == [3, 96, 96, 3]
        clipped = result.clipped.mean()
        assert record["output"]["clipped_share"] == pytest.approx(clipped)
        assert record["output"]["mean_uncertainty"] == pytest.approx(
            result.uncertainty.mean(), rel=1e-4
        )
        assert "all 3 planes" in result.legend
        assert "consistency 0.25, up to 2 planes to either side" in result.legend

    def test_its_python_makes_it_again(self):
        frames, _ = film(3)
        stack = np.stack([frames, frames]).swapaxes(0, 1).astype(np.int16)
        stack[2, 0] += 40
        result = colorize_stack(stack, axis=1, consistency=0.5, radius=2)
        namespace = {"image": stack}
        exec(result.as_python(), namespace)
        assert (namespace["rgb"] == result.rgb).all()

    def test_a_single_pictures_python_never_speaks_of_consistency(self):
        picture = scene(1)
        result = colorize(picture, parameters=StackParameters())
        namespace = {"image": picture}
        exec(result.as_python(), namespace)
        assert (namespace["rgb"] == result.rgb).all()

    def test_nan_is_counted_over_all_planes(self):
        stack = RNG.random((3, 20, 20))
        stack[1, 2, 3] = stack[2, 4, 5] = np.nan
        assert colorize_stack(stack).record["input"]["nan_count"] == 2


class TestOneAfterAnother:
    @pytest.mark.parametrize("consistency", [0, 0.375, 1])
    def test_planes_come_out_as_from_the_whole_stack(self, consistency):
        frames, _ = film(5)
        whole = colorize_stack(frames, consistency=consistency)
        for planes in (frames, list(frames), (frame for frame in frames)):
            results = list(colorize_planes(planes, consistency=consistency))
            assert (np.stack([r.rgb for r in results]) == whole.rgb).all()
            assert (np.stack([r.uncertainty for r in results]) == whole.uncertainty).all()
            assert [r.record["stack"]["plane"] for r in results] == [0, 1, 2, 3, 4]

    def test_the_python_of_a_plane_makes_that_plane(self):
        frames, _ = film(3)
        result = list(colorize_planes(frames, radius=2))[1]
        namespace = {"image": frames}
        exec(result.as_python(), namespace)
        assert (namespace["rgb"] == result.rgb).all()

    def test_no_more_planes_are_read_than_needed(self):
        pulled = []

        def planes():
            for number, frame in enumerate(film(9)[0]):
                pulled.append(number)
                yield frame

        results = colorize_planes(planes(), consistency=0.25)
        assert pulled == []
        next(results)
        assert pulled == [0, 1, 2]

    def test_each_plane_is_predicted_once(self, moody_model):
        list(colorize_planes(iter(film(9)[0]), consistency=1))
        assert moody_model.calls == 9

    def test_sizes_may_change_on_the_way(self):
        pictures = [scene(1, side) for side in (64, 64, 80, 80)]
        results = list(colorize_planes(pictures))
        assert [r.rgb.shape[0] for r in results] == [64, 64, 80, 80]
        assert (results[3].rgb == colorize_stack(pictures[2:]).rgb[1]).all()

    def test_no_planes_give_no_results(self):
        assert list(colorize_planes([])) == []
        assert list(colorize_planes(iter([]))) == []

    def test_a_generator_of_wide_planes_needs_a_window(self):
        planes = [RNG.integers(0, 4096, (20, 20)).astype(np.uint16) for _ in range(3)]
        with pytest.raises(ValueError, match="come out of a generator"):
            next(colorize_planes(iter(planes)))
        low, high = colorize_stack(planes).record["parameters"]["window"]
        given = colorize_planes(iter(planes), window=(low, high))
        again = colorize_planes(planes)
        for one, two in zip(given, again, strict=True):
            assert (one.rgb == two.rgb).all()

    def test_files_take_them_page_by_page(self, tmp_path):
        frames, _ = film(3)
        path = tmp_path / "film.tif"
        napari_colorize.files.write(path, colorize_planes(frames), pages=3)
        pages = napari_colorize.files.read(path)
        whole = colorize_stack(frames).rgb
        assert all((page.pixels == plane).all() for page, plane in zip(pages, whole, strict=True))


class TestProgress:
    def test_shares_rise_to_one_and_name_the_plane(self):
        told = []
        colorize_stack(film(5)[0], progress=lambda share, stage: told.append((share, stage)))
        shares = [share for share, _ in told]
        assert shares[0] == 0
        assert shares[-1] == 1
        assert shares == sorted(shares)
        stages = {stage for _, stage in told}
        assert {"plane 1 of 5: predicting colour", "plane 3 of 5: refining"} <= stages

    def test_it_stops_soon_after_it_is_told_to(self, moody_model):
        asked = []

        def stop():
            asked.append(moody_model.calls)
            return moody_model.calls >= 3

        with pytest.raises(api.Cancelled):
            colorize_stack(film(9)[0], should_stop=stop)
        assert moody_model.calls == 3
