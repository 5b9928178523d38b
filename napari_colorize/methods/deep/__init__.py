"""Deep Colorization (Cheng, Yang, Sheng, ICCV 2015, arXiv 1605.00075).

Every pixel is described by its surroundings at three levels, and one small network for each
cluster of reference pictures turns the description into chroma. Which cluster a picture belongs
to is decided from the whole picture.

- `patch.py`: low level: ``patch_descriptor(grey (N, 1, H, W) 0…1) → (N, 49, H, W)``
- `daisy.py`: middle level: `Daisy`: ``(N, 1, H, W) 0…1 → (N, 32, H, W)``
- `semantic.py`: high level: `SemanticNetwork`, ``(N, 1, H, W) L* → (N, S, h, w)`` scores ≥ 0 that
  sum to 1; `SemanticMap` brings them to the pixels along the edges of the grey picture
- `gist.py`: `Gist`, the whole picture: ``(N, 1, H, W) 0…1 → (N, 512)``
- `descriptor.py`: `DeepDescriptor`, the three joined:
  ``context(luma) → (gist (N, 512), histogram (N, S), fine scores (N, S, 128, 128))``;
  ``rows(luma, fine, first, last) → (N, D, last − first, W)``, D = 49 + 32 + S;
  ``dense(luma)`` for all rows
- `network.py`: `ClusterNetworks(clusters, inputs, hidden_layers=3)`, weights stacked over clusters:
  ``forward(x (K, D, P)) → uv (K, 2, P)``; buffers ``centre``, ``scale`` (D,) standardise the input;
  ``predict(x (D, P), index (T,)) → (T, 2, P)`` for a choice of clusters
- `yuv.py`: ``rgb_to_uv(rgb (..., 3, H, W) 0…1) → uv``, ``uv_to_ab(uv, luma)``: the published matrix
- `graph.py`: `DeepGraph`, and `deep_graph(clusters, semantic, blocks, …)` that builds it untrained;
  buffers that training fills: ``networks.*``, ``centres`` (K, 512) GIST, ``histograms`` (K, S),
  ``spread`` (): the disagreement that counts as an uncertainty of one half
- `grouping.py`: the classifier's 1000 classes grouped into S, reproducibly
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_colorize.methods.cards import Architecture, MethodCard, Paper

if TYPE_CHECKING:
    from torch import nn


def _deep(**options: Any) -> nn.Module:
    from napari_colorize.methods.deep.graph import deep_graph

    return deep_graph(**options)


CARDS = (
    MethodCard(
        name="deep",
        title="Deep",
        long_title="Deep Colorization",
        # ICCV 2015; the preprint came a year after it.
        paper=Paper(("Cheng", "Yang", "Sheng"), 2015, "1605.00075"),
        uncertainty="the disagreement of the networks of the three nearest clusters of pictures",
        architectures={"deep": Architecture("Deep (Cheng 2015)", _deep)},
        without_effect=("temperature", "vividness"),
        trainer="napari_colorize.training.deep:TRAINER",
    ),
)
"""Deep alone."""
