"""The order of the pictures: all of them once, entered anywhere, shared out among processes."""

from hypothesis import given
from hypothesis import strategies as st

from napari_colorize.training.samples import EpochSampler


@given(
    count=st.integers(1, 200),
    batch=st.integers(2, 16),
    epoch=st.integers(0, 5),
    world=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_every_picture_at_most_once_and_as_many_in_every_process(count, batch, epoch, world, seed):
    shares = [
        list(EpochSampler(count, batch, seed, rank=r, world_size=world, epoch=epoch))
        for r in range(world)
    ]
    assert {len(share) for share in shares} == {count // (batch * world) * batch}
    indices = [index for share in shares for _, index in share]
    assert len(set(indices)) == len(indices)
    assert set(indices) <= set(range(count))
    assert {e for share in shares for e, _ in share} <= {epoch}


@given(entered=st.integers(0, 10))
def test_an_epoch_entered_late_is_the_rest_of_it(entered):
    whole = list(EpochSampler(100, 10, 3, epoch=2))
    late = EpochSampler(100, 10, 3, epoch=2, first_batch=entered)
    assert list(late) == whole[10 * entered :]
    assert len(late) == 100  # the length of the epoch, by which progress is counted


def test_the_next_epoch_is_whole_and_in_another_order():
    sampler = EpochSampler(100, 10, 3, epoch=2, first_batch=7)
    sampler.set_epoch(2)
    assert len(list(sampler)) == 30
    sampler.set_epoch(3)
    following = list(sampler)
    assert following == list(EpochSampler(100, 10, 3, epoch=3))
    assert [i for _, i in following] != [i for _, i in EpochSampler(100, 10, 3, epoch=2)]
