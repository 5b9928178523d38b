"""The running average: the closed form where weights move, nothing at all where they do not."""

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader

from napari_colorize.training.callbacks.keeping import RunningAverage

DECAY = 0.9


class Walk(lightning.LightningModule):
    """Weights that take known values, beside some that never change."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.walking = nn.Parameter(torch.zeros(3))
        self.still = nn.Parameter(torch.randn(500), requires_grad=False)
        self.register_buffer("counter", torch.tensor(0))

    def training_step(self, batch, index):
        return (self.walking * 0).sum()

    def on_train_batch_end(self, *_):
        self.walking.data += 1
        self.counter += 1

    def configure_optimizers(self):
        return torch.optim.SGD([self.walking], lr=0.1)


def test_average_of_a_training(tmp_path):
    module = Walk()
    still = module.still.detach().clone()
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        callbacks=[RunningAverage(DECAY)],
    )
    trainer.fit(module, DataLoader(torch.zeros(100, 1), batch_size=2))
    # Lightning hands the averages over at the end. The first one is the first value itself, and
    # each step is averaged before the walk goes on.
    steps = torch.arange(100.0)
    share = (1 - DECAY) * DECAY ** (99 - steps)
    share[0] = DECAY**99
    expected = (share * steps).sum()
    torch.testing.assert_close(module.walking.detach(), expected.expand(3))
    assert torch.equal(module.still, still)
    assert int(module.counter) == 99
