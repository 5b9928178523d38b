"""The classes of a classifier put into a few groups, from nothing but its own weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def group_classes(weights: NDArray[np.floating], groups: int) -> NDArray[np.int64]:
    """Group classes whose rows of the last layer point in similar directions.

    Ward's agglomerative clustering (JASA 1963) of the rows, without their mean and at length 1: no
    random number is drawn, so the same weights give the same groups everywhere.

    Parameters
    ----------
    weights
        (classes, features) of the classifier's last layer.
    groups
        Wanted number of groups, 1…classes.

    Returns
    -------
    (classes,) int64
        The group of each class; groups are numbered in the order in which classes first show them.
    """
    from scipy.cluster.hierarchy import fcluster, ward

    rows = np.asarray(weights, np.float64)
    if not 1 <= groups <= len(rows):
        raise ValueError(
            f"{len(rows)} classes can be put into 1 to {len(rows)} groups, not {groups}."
        )
    rows = rows - rows.mean(0)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    if len(rows) == 1:
        return np.zeros(1, np.int64)
    found = fcluster(ward(rows), groups, "maxclust")
    _, first, member = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[member].astype(np.int64)
