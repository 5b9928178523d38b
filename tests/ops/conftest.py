"""Operators divide their work among threads, so their tests have two, whatever others have."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Let torch use two threads, as it does on the smallest machine, and put its number back."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(before, 2))
    yield
    torch.set_num_threads(before)
