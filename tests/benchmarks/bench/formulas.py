"""sRGB and Lab written once for any array module: the plain expression a CuPy user would write.

IEC 61966-2-1 for sRGB, CIE 15 for L*a*b*, D65 and the 2° observer. Arrays are (3, H, W) float32.
"""

from __future__ import annotations

from typing import Any

_XYZ_OF_RGB = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_RGB_OF_XYZ = (
    (3.240481, -1.537152, -0.498536),
    (-0.969255, 1.875990, 0.041556),
    (0.055647, -0.204041, 1.057311),
)
_WHITE = (0.95047, 1.0, 1.08883)


def lab_of_rgb(xp: Any, rgb: Any) -> Any:
    """Convert sRGB 0…1 to L*a*b*; `xp` is numpy or cupy."""
    linear = xp.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = (
        (row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]) / white
        for row, white in zip(_XYZ_OF_RGB, _WHITE, strict=True)
    )
    fx, fy, fz = (
        xp.where(v > 216 / 24389, xp.cbrt(v), v * (841 / 108) + 4 / 29) for v in (x, y, z)
    )
    return xp.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def rgb_of_lab(xp: Any, lab: Any) -> Any:
    """Convert L*a*b* to sRGB 0…1, clamped; `xp` is numpy or cupy."""
    fy = (lab[0] + 16) / 116
    responses = (fy + lab[1] / 500, fy, fy - lab[2] / 200)
    x, y, z = (
        white * xp.where(f > 6 / 29, f**3, (f - 4 / 29) * (108 / 841))
        for f, white in zip(responses, _WHITE, strict=True)
    )
    linear = xp.stack([row[0] * x + row[1] * y + row[2] * z for row in _RGB_OF_XYZ]).clip(0, 1)
    return xp.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
