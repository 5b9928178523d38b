"""The numbers themselves: pure functions of a true and a coloured picture.

Pictures are ``(H, W, 3)`` uint8 sRGB; Lab pictures are ``(H, W, 3)`` float, CIE L*a*b* D65, from
:func:`napari_colorize.evaluation.colour.to_lab`. What each number rewards and how it can be
fooled stands in ``docs/evaluation.md``; how a number is gathered over many pictures stands in
:mod:`napari_colorize.evaluation.catalogue`.
"""

from __future__ import annotations

import numpy as np

from napari_colorize.evaluation.colour import as_rgb8

AUC_THRESHOLDS = 151
"""Thresholds 0, 1 … 150 in ab units (Zhang, Isola and Efros 2016, section 3.1)."""

_WINDOW = 11  # of SSIM, in pixels


def mean_squared_error(truth: np.ndarray, rgb: np.ndarray) -> float:
    """Return the mean squared difference over pixels and channels, in squared 8-bit codes.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    >>> grey = np.full((16, 16, 3), 132, np.uint8)
    >>> mean_squared_error(truth, grey)
    4410.666666666667
    """
    truth, rgb = _pair(truth, rgb)
    difference = truth.astype(np.float32) - rgb
    return float(np.mean(np.square(difference), dtype=np.float64))


def psnr(truth: np.ndarray, rgb: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in RGB.

    ``10 log10(255² / MSE)`` over all pixels and channels.

    Returns
    -------
    float
        dB; infinite for equal pictures.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    >>> grey = np.full((16, 16, 3), 132, np.uint8)
    >>> round(psnr(truth, grey), 2)
    11.69
    """
    error = mean_squared_error(truth, rgb)
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def rmse_rgb(truth: np.ndarray, rgb: np.ndarray) -> float:
    """Return the root mean squared difference in RGB, in 8-bit codes 0…255.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    >>> grey = np.full((16, 16, 3), 132, np.uint8)
    >>> round(rmse_rgb(truth, grey), 2)
    66.41
    """
    return float(np.sqrt(mean_squared_error(truth, rgb)))


def ssim(truth: np.ndarray, rgb: np.ndarray) -> float:
    """Return the structural similarity of two RGB pictures.

    Wang, Bovik, Sheikh and Simoncelli (2004), equation 13: Gaussian window σ = 1.5 over 11 × 11
    pixels, K = (0.01, 0.03), the mean over the windows that lie inside the picture and over the
    three channels. The value is scikit-image's (``gaussian_weights``, population covariance), which
    the tests hold; OpenCV's filter makes it some ten times faster.

    Returns
    -------
    float
        −1…1, 1 for equal pictures; NaN where a side is shorter than the window.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    >>> grey = np.full((16, 16, 3), 132, np.uint8)
    >>> round(ssim(truth, truth), 3)
    1.0
    """
    import cv2

    truth, rgb = _pair(truth, rgb)
    if min(truth.shape[:2]) < _WINDOW:
        return float("nan")
    inside = slice(_WINDOW // 2, -(_WINDOW // 2))

    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(plane, (_WINDOW, _WINDOW), 1.5)[inside, inside]

    x, y = truth.astype(np.float32), rgb.astype(np.float32)
    mean_x, mean_y = mean(x), mean(y)
    variances = mean(x * x + y * y) - mean_x**2 - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * (2 * covariance + c2) / (variances + c2), dtype=np.float64))


def colourfulness(rgb: np.ndarray) -> float:
    """Return how colourful a picture looks.

    Hasler and Süsstrunk (2003), equation 11: with rg = R − G and yb = (R + G)/2 − B in 8-bit codes,
    ``hypot(std rg, std yb) + 0.3 hypot(mean rg, mean yb)``.

    Returns
    -------
    float
        0 for grey; about 15 slightly, 45 fairly, 80 and more highly colourful (their table 2).

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    >>> grey = np.full((16, 16, 3), 132, np.uint8)
    >>> round(colourfulness(truth), 1), colourfulness(grey)
    (43.3, 0.0)
    """
    red, green, blue = np.moveaxis(as_rgb8(rgb).astype(np.float32), -1, 0)
    opponent = np.stack([red - green, (red + green) / 2 - blue]).reshape(2, -1)
    spread = np.hypot(*opponent.std(axis=1, dtype=np.float64))
    shift = np.hypot(*opponent.mean(axis=1, dtype=np.float64))
    return float(spread + 0.3 * shift)


def delta_e_2000(truth_lab: np.ndarray, lab: np.ndarray) -> float:
    """Return the mean CIEDE2000 colour difference (kL = kC = kH = 1), by scikit-image.

    Returns
    -------
    float
        0 for equal pictures; about 1 is just noticeable between two large patches.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((2, 2, 3), (60.0, 30.0, 40.0))
    >>> coloured = np.full((2, 2, 3), (60.0, 27.0, 36.0))
    >>> round(delta_e_2000(truth, coloured), 2)
    1.59
    """
    from skimage.color import deltaE_ciede2000

    truth_lab, lab = _lab_pair(truth_lab, lab)
    return float(np.mean(deltaE_ciede2000(truth_lab, lab), dtype=np.float64))


def mae_lab(truth_lab: np.ndarray, lab: np.ndarray) -> float:
    """Return the mean absolute error over L, a and b in their natural ranges.

    Nazeri, Ng and Ebrahimi (2018), section 4: averaged over pixels and the three channels.

    Returns
    -------
    float
        Lab units.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((2, 2, 3), (60.0, 30.0, 40.0))
    >>> coloured = np.full((2, 2, 3), (60.0, 27.0, 36.0))
    >>> round(mae_lab(truth, coloured), 2)
    2.33
    """
    truth_lab, lab = _lab_pair(truth_lab, lab)
    return float(np.mean(np.abs(truth_lab - lab), dtype=np.float64))


def accuracy(truth_lab: np.ndarray, lab: np.ndarray, *, epsilon: float = 2.0) -> float:
    """Return the share of pixels that are right within ε.

    Nazeri, Ng and Ebrahimi (2018) and their released code: L, a and b are rounded to whole units,
    and a pixel is right iff |ΔL| ≤ ε and |Δa|, |Δb| ≤ 2.2 ε (the ranges of a and b, −110…110, are
    2.2 times that of L).

    Parameters
    ----------
    truth_lab, lab : numpy.ndarray
        ``(H, W, 3)`` Lab.
    epsilon : float
        Tolerance in L units, 0 or more; the paper uses 2.

    Returns
    -------
    float
        0…1.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((2, 2, 3), (60.0, 30.0, 40.0))
    >>> coloured = np.full((2, 2, 3), (60.0, 27.0, 36.0))
    >>> accuracy(truth, coloured), accuracy(truth, coloured, epsilon=5)
    (1.0, 1.0)
    """
    if not epsilon >= 0:
        raise ValueError(f"epsilon is {epsilon}; give 0 or more, in units of L*.")
    truth_lab, lab = _lab_pair(truth_lab, lab)
    difference = np.abs(np.rint(truth_lab) - np.rint(lab))
    limits = np.array([1.0, 2.2, 2.2]) * epsilon + 1e-4  # 2.2 · 5 is 11, whatever float says
    return float(np.mean((difference <= limits).all(axis=-1)))


def ab_error(truth_lab: np.ndarray, lab: np.ndarray) -> np.ndarray:
    """Return each pixel's distance on the ab plane, in Lab units: ``(H, W)`` float32.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.full((2, 2, 3), (60.0, 30.0, 40.0))
    >>> coloured = np.full((2, 2, 3), (60.0, 27.0, 36.0))
    >>> ab_error(truth, coloured).tolist()
    [[5.0, 5.0], [5.0, 5.0]]
    """
    truth_lab, lab = _lab_pair(truth_lab, lab)
    difference = np.asarray(truth_lab[..., 1:] - lab[..., 1:], dtype=np.float32)
    return np.hypot(difference[..., 0], difference[..., 1])


def rmse_ab(error: np.ndarray) -> float:
    """Return the root mean squared error per ab component, in Lab units.

    Parameters
    ----------
    error : numpy.ndarray
        Distances from :func:`ab_error`; the result is ``sqrt(mean(error²) / 2)``.

    Examples
    --------
    >>> import numpy as np
    >>> rmse_ab(np.full((4, 4), 5.0))
    3.5355339059327378
    """
    return float(np.sqrt(np.mean(np.square(error), dtype=np.float64) / 2))


def auc(error: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the area under the curve "share of pixels whose ab error is at most t".

    Zhang, Isola and Efros (2016), section 3.1: t runs over 0, 1 … 150 and the area is normalised,
    that is, the mean over the 151 thresholds. With weights it is their class-rebalanced variant.

    Parameters
    ----------
    error : numpy.ndarray
        ab distances from :func:`ab_error`, any shape.
    weights : numpy.ndarray, optional
        One non-negative weight a pixel, of the same shape.

    Returns
    -------
    float
        0…1; NaN where all weights are zero.

    Examples
    --------
    >>> import numpy as np
    >>> auc(np.zeros((4, 4))), round(auc(np.full((4, 4), 75.0)), 3)
    (1.0, 0.503)
    """
    error = np.asarray(error)
    if error.size == 0:
        raise ValueError("There is no pixel to grade; give at least one error.")
    share = auc_share(error)
    if weights is None:
        return float(np.mean(share, dtype=np.float64))
    weights = np.asarray(weights)
    if weights.shape != error.shape:
        raise ValueError(f"weights have shape {weights.shape}, errors {error.shape}; make equal.")
    total = np.sum(weights, dtype=np.float64)
    return float(np.sum(share * weights, dtype=np.float64) / total) if total > 0 else float("nan")


def auc_share(error: np.ndarray) -> np.ndarray:
    """Return, for each pixel, the share of the thresholds 0…150 that its ab error passes.

    The mean of this is :func:`auc`, since the order of the two sums does not matter.

    Examples
    --------
    >>> import numpy as np
    >>> share = auc_share(np.array([0.0, 150.0]))
    >>> share.round(3).tolist()
    [1.0, 0.007]
    """
    first_passed = np.minimum(np.ceil(error), AUC_THRESHOLDS)
    return (AUC_THRESHOLDS - first_passed) / AUC_THRESHOLDS


def _pair(truth: np.ndarray, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, rgb = as_rgb8(truth, "the true picture"), as_rgb8(rgb, "the coloured picture")
    _same_shape(truth, rgb)
    return truth, rgb


def _lab_pair(truth_lab: np.ndarray, lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth_lab, lab = np.asarray(truth_lab), np.asarray(lab)
    _same_shape(truth_lab, lab)
    if truth_lab.shape[-1:] != (3,) or truth_lab.size == 0:
        raise ValueError(f"Lab pictures of shape {truth_lab.shape}; the last axis must be L, a, b.")
    return truth_lab, lab


def _same_shape(truth: np.ndarray, other: np.ndarray) -> None:
    if truth.shape != other.shape:
        raise ValueError(
            f"The true picture has shape {truth.shape}, the coloured one {other.shape}; a method "
            "must return the size it was given."
        )
