"""A forked child, as multiprocessing makes them on Linux, answers after its parent has worked."""

import multiprocessing
import os

import numpy as np
import pytest
import torch

from napari_colorize import colorize


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.usefixtures("fake_model")
def test_a_forked_child_works_on_one_thread():
    before, child = torch.get_num_threads(), None
    torch.set_num_threads(2)
    try:
        image = np.add.outer(np.arange(300), np.arange(400)).astype(np.uint16)
        colorize(image)
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)

        def work():
            sender.send((colorize(image).rgb.shape, torch.get_num_threads()))

        child = context.Process(target=work)
        child.start()
        answered = receiver.poll(120)
        assert answered, "the child waits for threads that it does not have"
        assert receiver.recv() == ((300, 400, 3), 1)
        child.join(30)
    finally:
        if child is not None:
            child.kill()
        torch.set_num_threads(before)
