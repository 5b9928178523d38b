"""The system of Levin et al. assembled by scipy.sparse in float64, and solved directly."""

from __future__ import annotations

import numpy as np
import pytest


def weights(luma: np.ndarray, walls: np.ndarray | None = None):
    """Return the matrix of the weights w_rs, rows summing to 1, pixel by pixel as in the paper."""
    sparse = pytest.importorskip("scipy.sparse")
    height, width = luma.shape
    passable = np.ones(luma.shape, bool) if walls is None else ~walls
    matrix = sparse.lil_matrix((luma.size, luma.size))
    for y in range(height):
        for x in range(width):
            if not passable[y, x]:
                continue
            near = [
                (v, u)
                for v in range(max(y - 1, 0), min(y + 2, height))
                for u in range(max(x - 1, 0), min(x + 2, width))
                if (v, u) != (y, x) and passable[v, u]
            ]
            if not near:
                continue
            values = np.array([luma[place] for place in near])
            spread = 0.6 * np.var(np.append(values, luma[y, x]))
            steps = (values - luma[y, x]) ** 2
            spread = max(spread, -steps.min() / np.log(0.01), 2e-6)
            row = np.exp(-steps / spread)
            for (v, u), weight in zip(near, row / row.sum(), strict=True):
                matrix[y * width + x, v * width + u] = weight
    return matrix.tocsr()


def solve(
    luma: np.ndarray,
    chroma: np.ndarray,
    mask: np.ndarray,
    walls: np.ndarray | None = None,
    prior: np.ndarray | None = None,
    certainty: np.ndarray | None = None,
) -> np.ndarray:
    """Return (H, W, C): the direct solution; walls keep what `chroma` has there."""
    sparse = pytest.importorskip("scipy.sparse")
    linalg = pytest.importorskip("scipy.sparse.linalg")
    held = mask if walls is None else mask | walls
    free = (~held).ravel().astype(float)
    pull = np.zeros(luma.size) if certainty is None else certainty.ravel() * free
    matrix = sparse.eye(luma.size) - sparse.diags(free) @ weights(luma, walls)
    matrix = matrix + sparse.diags(pull)
    right = np.where(held[..., None], chroma, 0).reshape(luma.size, -1)
    if prior is not None:
        right = right + pull[:, None] * prior.reshape(luma.size, -1)
    return linalg.splu(matrix.tocsc()).solve(right).reshape(chroma.shape)
