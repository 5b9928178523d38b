"""The front door: any picture in, the same lightness out, with what is known about it."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

import napari_colorize
from napari_colorize import ColorizeParameters, api, checkpoints, colorize, methods

RNG = np.random.default_rng(2)
FULL_RANGE = {"uint8": 255, "uint16": 65535, "float32": 1}

pytestmark = pytest.mark.usefixtures("fake_model")

REAL_LOAD = checkpoints.load
"""Taken before the fixture puts a small network in its place."""


def grey_lightness(codes):
    return rgb2lab(np.repeat(codes[..., None], 3, axis=-1))[..., 0]


def assert_lightness_kept(rgb, expected):
    """Hold that rounding each channel by half a code explains every difference in L*.

    L* grows with every channel, so the wanted lightness must lie between that of the pixel with
    half a code less in each channel and that with half a code more.
    """
    top = FULL_RANGE[rgb.dtype.name]
    half = {"uint8": 0.501, "uint16": 1.5, "float32": 2e-5}[rgb.dtype.name]
    codes = rgb[..., :3].astype(np.float64)
    least = rgb2lab(np.clip(codes - half, 0, top) / top)[..., 0]
    most = rgb2lab(np.clip(codes + half, 0, top) / top)[..., 0]
    assert (least - 0.01 <= expected).all()
    assert (expected <= most + 0.01).all()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    dtype=st.sampled_from(["bool", "u1", "u2", "i2", "i4", "u8", "f2", "f4", "f8"]),
    out=st.sampled_from(list(FULL_RANGE)),
    refinement=st.sampled_from(["joint_bilateral", "bilinear"]),
    vividness=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_lightness_is_kept_whatever_comes_in(shape, dtype, out, refinement, vividness, seed):
    image = (np.random.default_rng(seed).random(shape) * 200).astype(dtype)
    result = colorize(image, dtype=out, refinement=refinement, vividness=vividness)
    low, high = result.record["input"]["window"]
    codes = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    assert result.rgb.shape == (*shape, 3)
    assert result.rgb.dtype == out
    assert_lightness_kept(result.rgb, grey_lightness(codes))


@pytest.mark.parametrize("out", list(FULL_RANGE))
def test_lightness_of_colour_pictures_is_kept(out):
    image = RNG.integers(0, 256, (30, 41, 3), dtype=np.uint8)
    result = colorize(image, dtype=out)
    assert_lightness_kept(result.rgb, rgb2lab(image)[..., 0])


def test_result_has_the_shapes_and_types_it_promises():
    result = colorize(RNG.integers(0, 256, (50, 70), dtype=np.uint8))
    assert (result.rgb.shape, result.rgb.dtype) == ((50, 70, 3), np.uint8)
    assert (result.uncertainty.shape, result.uncertainty.dtype) == ((50, 70), np.float32)
    assert (result.clipped.shape, result.clipped.dtype) == ((50, 70), bool)
    assert 0 <= result.uncertainty.min() <= result.uncertainty.max() <= 1


def test_colour_is_really_there():
    rgb = colorize(np.full((40, 40), 60, np.uint8)).rgb.astype(int)
    assert np.ptp(rgb, axis=-1).min() > 10


def test_alpha_is_kept():
    image = RNG.integers(0, 256, (9, 12, 4), dtype=np.uint8)
    assert (colorize(image).rgb[..., 3] == image[..., 3]).all()
    assert (colorize(image, dtype="uint16").rgb[..., 3] == image[..., 3] * 257.0).all()


def test_the_same_call_gives_the_same_pixels():
    image = RNG.normal(size=(60, 60))
    first, second = colorize(image), colorize(image)
    assert (first.rgb == second.rgb).all()
    assert (first.uncertainty == second.uncertainty).all()


def test_the_input_is_left_alone():
    image = RNG.normal(size=(20, 20))
    image[3, 3] = np.nan
    before = image.copy()
    image.flags.writeable = False
    colorize(image)
    assert np.array_equal(image, before, equal_nan=True)


def test_a_tensor_gives_what_its_array_gives():
    image = RNG.integers(0, 256, (21, 22), dtype=np.uint8)
    assert (colorize(torch.from_numpy(image)).rgb == colorize(image).rgb).all()


def test_an_explicit_window_is_the_automatic_one_by_another_way():
    image = RNG.integers(300, 4000, (25, 25)).astype(np.uint16)
    automatic = colorize(image)
    explicit = colorize(image, window=automatic.record["input"]["window"])
    assert (automatic.rgb == explicit.rgb).all()


class TestParameters:
    def test_an_object_and_keywords_say_the_same(self):
        image = RNG.integers(0, 256, (30, 30), dtype=np.uint8)
        parameters = ColorizeParameters(vividness=0.9, radius=1)
        by_object = colorize(image, parameters=parameters)
        by_keywords = colorize(image, "colorful", vividness=0.9, radius=1)
        assert (by_object.rgb == by_keywords.rgb).all()
        assert by_object.record["parameters"] == by_keywords.record["parameters"]

    def test_keywords_win_over_the_object(self):
        parameters = ColorizeParameters(dtype="uint16", radius=2)
        record = colorize(np.eye(9), parameters=parameters, radius=4).record
        assert (record["parameters"]["dtype"], record["parameters"]["radius"]) == ("uint16", 4)

    def test_the_checkpoint_fills_in_what_was_left_open(self, fake_model):
        record = colorize(np.eye(9), temperature=0.2).record
        used = record["parameters"]
        assert (used["temperature"], used["vividness"], used["network_size"]) == (0.2, 0.5, 64)
        assert (used["checkpoint"], used["device"]) == ("fake", fake_model.loaded[0][1])

    def test_the_network_is_told_temperature_vividness_and_lightness(self, fake_model):
        seen = {}

        def graph(luma, temperature, vividness):
            seen.update(luma=luma, temperature=temperature, vividness=vividness)
            return torch.zeros(1, 2, 24, 16), torch.zeros(1, 1, 24, 16)

        fake_model.graph = graph
        colorize(np.full((150, 100), 255, np.uint8), temperature=0.25, vividness=0.75)
        assert seen["luma"].shape == (1, 1, 96, 64)
        assert seen["luma"] == pytest.approx(100, abs=1e-2)
        assert (seen["temperature"].item(), seen["vividness"].item()) == (0.25, 0.75)
        assert seen["temperature"].shape == ()

    def test_named_weights_are_the_ones_that_are_loaded(self, fake_model):
        colorize(np.eye(9), checkpoint="mine")
        assert fake_model.loaded[0][0] == "mine"

    def test_weights_that_are_named_alone_bring_their_method(self, fake_model):
        fake_model.record.method = "deep"
        assert colorize(np.eye(9), checkpoint="mine").record["parameters"]["method"] == "deep"

    def test_a_method_that_is_named_must_be_that_of_the_weights(self, fake_model):
        fake_model.record.method = "deep"
        for said in ({"method": "colorful"}, {"parameters": ColorizeParameters()}):
            with pytest.raises(ValueError, match="belong to the method 'deep'"):
                colorize(np.eye(9), checkpoint="mine", **said)

    def test_misspelt_parameters_are_refused(self):
        with pytest.raises(TypeError, match="did you mean 'temperature'"):
            colorize(np.eye(9), temprature=1)

    def test_unknown_methods_are_refused(self):
        with pytest.raises(ValueError, match="choose one of colorful"):
            colorize(np.eye(9), "sepia")


class TestWhatGoesWrong:
    def test_weights_of_another_method_are_refused(self, fake_model):
        fake_model.record.method = "gan"
        with pytest.raises(ValueError, match="'fake' belong to the method 'gan'"):
            colorize(np.eye(9))

    @pytest.mark.parametrize(
        "error",
        [
            MemoryError(),
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
        ],
    )
    def test_memory_that_runs_out_is_an_error_and_never_a_grey_picture(self, fake_model, error):
        def graph(*_):
            raise error

        fake_model.graph = graph
        with pytest.raises(MemoryError, match=r"\(30, 20\); nothing was coloured.*network_size"):
            colorize(np.zeros((30, 20)))

    def test_other_errors_are_not_dressed_up(self, fake_model):
        def graph(*_):
            raise RuntimeError("shape mismatch")

        fake_model.graph = graph
        with pytest.raises(RuntimeError, match="shape mismatch"):
            colorize(np.eye(9))

    def test_a_network_that_gives_no_numbers_is_refused(self, fake_model):
        fake_model.graph = lambda *_: (
            torch.full((1, 2, 8, 8), float("nan")),
            torch.zeros(1, 1, 8, 8),
        )
        with pytest.raises(RuntimeError, match="not finite"):
            colorize(np.eye(9))

    @pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
    def test_a_cuda_device_that_is_not_there_is_refused_before_loading(self, fake_model):
        with pytest.raises(ValueError, match="use 'auto' or 'cpu'"):
            colorize(np.eye(9), device="cuda")
        assert fake_model.loaded == []

    def test_bad_pictures_and_sources_are_refused_before_loading(self, fake_model):
        with pytest.raises(ValueError, match="looks like a stack"):
            colorize(np.zeros((9, 9, 9)))
        with pytest.raises(TypeError, match="source is 3"):
            colorize(np.eye(9), source=3)
        assert fake_model.loaded == []


class TestProgress:
    def test_it_rises_from_0_to_1_and_names_its_stages(self):
        told = []
        colorize(np.eye(30), dtype="float32", progress=lambda *said: told.append(said))
        shares = [share for share, _ in told]
        assert shares == sorted(shares)
        assert (shares[0], shares[-1]) == (0.0, 1.0)
        assert all(stage for _, stage in told)

    @pytest.mark.parametrize("asked", [1, 3, 4])
    def test_it_stops_when_somebody_says_so(self, asked):
        answers = iter([False] * (asked - 1) + [True])
        with pytest.raises(api.Cancelled, match="there is no result"):
            colorize(np.eye(30), should_stop=lambda: next(answers))


def test_the_record_is_json_and_says_what_was_used():
    image = np.array([[0.0, np.nan, 3.0, 9.0]])
    result = colorize(image, window=(0, 6), source="layer A")
    record = json.loads(json.dumps(result.record, allow_nan=False))
    assert record == result.record
    assert record["software"]["version"] == napari_colorize.__version__
    assert record["software"]["backend"] in ("native", "twin")
    assert record["input"] == {
        "kind": "grey",
        "shape": [1, 4],
        "dtype": "float64",
        "window": [0, 6],
        "window_mode": "explicit",
        "nan_count": 1,
        "outside_window": 0.25,
        "one_shade": False,
    }
    assert record["output"]["clipped_share"] == pytest.approx(result.clipped.mean())
    assert record["output"]["mean_uncertainty"] == pytest.approx(result.uncertainty.mean())
    assert record["source"] == {"name": "layer A"}
    assert "not a measurement" in record["notice"]
    assert result.legend == record["legend"]


def test_a_real_network_from_a_real_weights_file_goes_the_same_way(monkeypatch, tmp_path):
    torch.manual_seed(0)
    graph = methods.ARCHITECTURES["colorful-compact"]()
    saved = checkpoints.save_checkpoint(
        graph.state_dict(),
        checkpoints.CheckpointRecord(
            name="untrained",
            method="colorful",
            architecture="colorful-compact",
            data=({"name": "no images", "licence": "CC0-1.0"},),
            defaults={"temperature": 0.38, "vividness": 0.5, "network_size": 64},
            created="2026-01-31",
        ),
        tmp_path,
    )
    monkeypatch.setattr(checkpoints, "load", REAL_LOAD)
    image = RNG.integers(0, 256, (90, 120), dtype=np.uint8)
    result = colorize(image, checkpoint=tmp_path / saved.file)
    assert_lightness_kept(result.rgb, grey_lightness(image / 255))
    assert result.record["checkpoint"] == {"name": "untrained", "sha256": saved.sha256}
    assert result.record["network"]["input_shape"] == [64, 96]
    room = {"image": image}
    exec(result.as_python(), room)
    assert (room["rgb"] == result.rgb).all()
