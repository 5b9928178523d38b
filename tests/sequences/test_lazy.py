"""Lazy stacks and pyramids: what is looked at is computed, as it would be with all the rest."""

import pickle
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from films import glide, noisy, scene

from napari_colorize import colorize_lazy, colorize_multiscale, colorize_stack
from napari_colorize.evaluation.colour import to_lab
from napari_colorize.pipeline.network import Prediction
from napari_colorize.sequences import lazy as lazy_module
from napari_colorize.sequences.lazy import MAX_PREDICTED_SIDE
from napari_colorize.sequences.planes import Stack
from napari_colorize.sequences.series import Series

da = pytest.importorskip("dask.array", reason="napari brings dask")

pytestmark = pytest.mark.usefixtures("moody_model")


def film(count=12):
    return noisy(glide(scene(1), count)[0], 4)


class Watched:
    """A dask stack, one chunk a plane, that knows which planes were computed."""

    def __init__(self, stack):
        self.computed = []

        def block(block_id):
            self.computed.append(block_id[: stack.ndim - 2])
            return stack[block_id[: stack.ndim - 2]][(None,) * (stack.ndim - 2)]

        single = tuple((1,) * side for side in stack.shape[:-2])
        self.array = da.map_blocks(
            block,
            chunks=(*single, *((side,) for side in stack.shape[-2:])),
            dtype=stack.dtype,
            meta=np.empty((0,) * stack.ndim, stack.dtype),
        )


def test_shapes_types_and_chunks_are_those_of_a_layer():
    lazy = colorize_lazy(film(), dtype="uint16")
    assert (lazy.rgb.shape, lazy.rgb.dtype) == ((12, 96, 96, 3), np.uint16)
    assert lazy.rgb.chunks == ((1,) * 12, (96,), (96,), (3,))
    assert (lazy.uncertainty.shape, lazy.uncertainty.dtype) == ((12, 96, 96), np.float32)
    assert (lazy.clipped.shape, lazy.clipped.dtype) == ((12, 96, 96), bool)


def test_all_of_it_is_what_the_stack_gives_at_once():
    frames = film()
    lazy, whole = colorize_lazy(frames), colorize_stack(frames)
    assert (lazy.rgb.compute() == whole.rgb).all()
    assert (lazy.uncertainty.compute() == whole.uncertainty).all()
    assert (lazy.clipped.compute() == whole.clipped).all()


@pytest.mark.parametrize("order", [(5, 0, 11), (11, 5, 0), (0, 11, 5)])
def test_any_plane_comes_out_the_same_in_any_order(order):
    frames = film()
    whole = colorize_stack(frames).rgb
    lazy = colorize_lazy(da.from_array(frames, chunks=(1, 96, 96)))
    for number in order:
        assert (lazy.rgb[number].compute() == whole[number]).all()


def test_only_planes_within_reach_are_read():
    watched = Watched(film(30))
    lazy = colorize_lazy(watched.array, consistency=0.25)
    watched.computed.clear()
    lazy.rgb[20].compute()
    assert set(watched.computed) == {(number,) for number in range(18, 23)}


def test_without_consistency_only_the_plane_itself_is_read():
    watched = Watched(film(30).astype(np.uint16))
    lazy = colorize_lazy(watched.array, consistency=0, window=(0, 255))
    watched.computed.clear()
    lazy.rgb[20].compute()
    assert set(watched.computed) == {(20,)}


def test_scrolling_predicts_one_plane_a_step(moody_model):
    lazy = colorize_lazy(film(30), consistency=0.25)
    lazy.rgb[10].compute()
    before = moody_model.calls
    lazy.rgb[11].compute()
    lazy.rgb[12].compute()
    lazy.rgb[10].compute()
    assert moody_model.calls == before + 2


def test_the_plane_that_is_wanted_first_is_there_at_once(moody_model):
    frames = film(20)
    lazy = colorize_lazy(frames, consistency=0, first=(7,))
    assert moody_model.calls == 1
    again = lazy.rgb[7].compute()
    assert moody_model.calls == 1
    assert (again == colorize_stack(frames, consistency=0).rgb[7]).all()


@pytest.mark.parametrize("first", [(20,), (-1,), (1, 2), ()])
def test_a_first_plane_that_is_not_there_is_refused(first):
    with pytest.raises(ValueError, match="along each of the leading axes"):
        colorize_lazy(film(20), first=first)


def test_a_plane_s_three_results_cost_one_refinement(monkeypatch):
    lazy = colorize_lazy(film(3))
    before = Series.finished
    finished = []
    monkeypatch.setattr(
        Series, "finished", lambda self, *args: finished.append(1) or before(self, *args)
    )
    for result in (lazy.rgb, lazy.uncertainty, lazy.clipped, lazy.rgb):
        result[1].compute()
    assert len(finished) == 1


def test_who_asks_for_a_plane_that_is_being_made_waits_for_it(moody_model, monkeypatch):
    finished, make = [], Series.finished
    monkeypatch.setattr(
        Series, "finished", lambda self, *args: finished.append(args[0]) or make(self, *args)
    )
    calm, entered, gate = moody_model.graph, threading.Event(), threading.Event()
    gate.set()

    def held(*args):
        entered.set()
        assert gate.wait(20)
        return calm(*args)

    moody_model.graph = held
    lazy = colorize_lazy(film(30), consistency=0.25)
    before = moody_model.calls
    entered.clear()
    gate.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lazy.rgb[20].compute, scheduler="synchronous")
        assert entered.wait(20)
        second = pool.submit(lazy.rgb[20].compute, scheduler="synchronous")
        time.sleep(0.1)  # the second asks meanwhile
        gate.set()
        assert (first.result(20) == second.result(20)).all()
    assert moody_model.calls == before + 5
    assert finished.count(20) == 1


def test_a_plane_that_failed_is_tried_again(moody_model):
    calm, fails = moody_model.graph, [False, True, False, False]

    def moody(*args):
        if fails.pop(0):
            raise RuntimeError("not now")
        return calm(*args)

    moody_model.graph = moody
    lazy = colorize_lazy(film(30), consistency=0)
    with pytest.raises(RuntimeError, match="not now"):
        lazy.rgb[20].compute()
    again = lazy.rgb[20].compute()
    moody_model.graph = calm
    assert (again == colorize_stack(film(30), consistency=0).rgb[20]).all()


def test_finished_planes_are_kept_within_their_budget(monkeypatch):
    monkeypatch.setattr(lazy_module, "KEPT_BYTES", 1)
    frames = film(3)
    lazy, whole = colorize_lazy(frames), colorize_stack(frames)
    for number in (0, 1, 2, 0, 1):
        assert (lazy.rgb[number].compute() == whole.rgb[number]).all()


class Stub:
    """Colours planes at once; knows which of the arrays that predictions keep are still there."""

    used = SimpleNamespace(device="cpu")

    def __init__(self):
        self.shown = []

    def see(self, pixels):
        return pixels

    def shown_to_the_network(self, plane):
        seen = np.zeros((4, 4), np.float32)
        self.shown.append(weakref.ref(seen))
        return seen

    def predict(self, plane, seen):
        return Prediction(torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 4)), ()

    def finish(self, plane, seen, prediction, tick, said):
        return SimpleNamespace(rgb=plane, uncertainty=plane, clipped=plane)

    def kept(self):
        return sum(seen() is not None for seen in self.shown)


@pytest.mark.parametrize("axis", [None, 0], ids=["planes of their own", "one series"])
def test_leafing_through_a_long_stack_holds_its_memory(monkeypatch, axis):
    """Each single plane is a series of its own; one bounded cache serves them all."""
    monkeypatch.setattr(lazy_module, "KEPT_BYTES", 1)
    stack = Stack(np.zeros((2000, 4, 4), np.uint8), axis)
    stub = Stub()
    facts = SimpleNamespace(used=SimpleNamespace(consistency=0))
    colours = lazy_module.PlanesOnDemand(stack, facts, stub)
    kept = []
    for number in range(2000):
        colours.results(stack, (number,))
        if number % 100 == 99:
            kept.append(stub.kept())
    assert len(stub.shown) == 2000
    assert set(kept) == {lazy_module.KEPT_PLANES}


def test_a_series_that_was_dropped_comes_out_the_same(monkeypatch):
    monkeypatch.setattr(lazy_module, "KEPT_PLANES", 1)
    stack = np.stack([film(4), film(4)[::-1]])
    lazy, whole = colorize_lazy(stack, axis=1), colorize_stack(stack, axis=1)
    for series, number in [(0, 0), (1, 3), (0, 1), (1, 0), (0, 0)]:
        assert (lazy.rgb[series, number].compute() == whole.rgb[series, number]).all()


def test_other_axes_are_stacks_of_their_own():
    frames = film(4)
    stack = np.stack([frames, frames[::-1]])
    lazy = colorize_lazy(stack, axis=1)
    assert (lazy.rgb[1, 2].compute() == colorize_stack(stack, axis=1).rgb[1, 2]).all()


def test_colour_stacks_with_alpha_pass():
    stack = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 4), dtype=np.uint8)
    assert (colorize_lazy(stack, rgb=True).rgb == colorize_stack(stack, rgb=True).rgb).all()


def test_threads_agree():
    frames = film()
    lazy = colorize_lazy(frames)
    many = lazy.rgb.compute(scheduler="threads", num_workers=4)
    assert (many == colorize_stack(frames).rgb).all()


def test_it_travels_to_other_processes():
    frames = film(4)
    lazy = colorize_lazy(frames)
    again = pickle.loads(pickle.dumps(lazy.rgb))
    assert (again[2].compute() == lazy.rgb[2].compute()).all()


def test_the_record_says_that_nobody_computed_its_totals():
    record = colorize_lazy(film(), axis=0).record
    assert record["stack"]["lazy"] is True
    assert record["stack"]["planes"] == 12
    assert record["output"]["clipped_share"] is None
    assert record["output"]["shape"] == [12, 96, 96, 3]


class TestPyramids:
    def test_levels_have_the_same_colours(self):
        frames = np.kron(film(5), np.ones((1, 2, 2), np.uint8))
        levels = [frames, frames[:, ::2, ::2]]
        pyramid = colorize_multiscale(levels, axis=0)
        assert [level.shape for level in pyramid.rgb] == [(5, 192, 192, 3), (5, 96, 96, 3)]
        fine, coarse = (to_lab(level[2].compute())[..., 1:] for level in pyramid.rgb)
        means = fine.reshape(96, 2, 96, 2, 2).mean(axis=(1, 3))
        assert np.abs(means - coarse).mean() < 0.5

    def test_the_finest_level_is_read_only_where_it_is_shown(self):
        side = MAX_PREDICTED_SIDE + 2
        fine = Watched(np.zeros((4, side, side), np.uint8))
        pyramid = colorize_multiscale([fine.array, np.zeros((4, 128, 128), np.uint8)], axis=0)
        assert pyramid.rgb[1][2].compute().shape == (128, 128, 3)
        assert fine.computed == []
        pyramid.rgb[0][2].compute()
        assert fine.computed == [(2,)]

    def test_coarse_levels_may_have_fewer_planes(self):
        frames = film(6)
        pyramid = colorize_multiscale([frames, frames[1::2, ::2, ::2]], axis=0)
        assert pyramid.rgb[1].shape == (3, 48, 48, 3)
        assert pyramid.rgb[1].compute().shape == (3, 48, 48, 3)

    def test_their_python_makes_them_again(self):
        frames = film(4)
        pyramid = colorize_multiscale([frames, frames[:, ::2, ::2]], axis=0, consistency=0.5)
        assert "pyramid of 2 levels" in pyramid.as_python()
        namespace = {"image": [frames, frames[:, ::2, ::2]]}
        exec(pyramid.as_python(), namespace)
        for again, level in zip(namespace["rgb"], pyramid.rgb, strict=True):
            assert (again.compute() == level.compute()).all()

    def test_a_pyramid_of_one_picture(self):
        picture = scene(1)
        pyramid = colorize_multiscale([picture, picture[::2, ::2]])
        assert [level.compute().shape for level in pyramid.rgb] == [(160, 160, 3), (80, 80, 3)]

    @pytest.mark.parametrize("levels", [[], [np.zeros((4, 4)), np.zeros((2, 2, 2))]])
    def test_what_is_no_pyramid_is_refused(self, levels):
        with pytest.raises(ValueError, match="pyramid"):
            colorize_multiscale(levels)
