"""What the figures were measured on, and with how many threads."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

DISTRIBUTIONS = (
    *("torch", "numpy", "opencv-contrib-python-headless", "opencv-python-headless"),
    *("scikit-image", "scipy", "scikit-learn", "pyamg", "kornia", "cupy"),
)


def describe() -> dict[str, Any]:
    """Return machine, date, versions and how busy it was, JSON-able."""
    import torch

    from napari_colorize import __version__, ops

    described: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "memory_gib": _memory_gib(),
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "napari-colorize": __version__,
        "operators": ops.backend(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "versions": versions(),
    }
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        described["gpu"] = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
        described["cuda"] = torch.version.cuda
    return described


def versions() -> dict[str, str]:
    """Return the versions of what takes part, where it is installed."""
    found = {}
    for name in DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    if "opencv-contrib-python-headless" in found:  # it stands before the other on the path
        found.pop("opencv-python-headless", None)
    return found


def use_threads(count: int) -> None:
    """Let torch, OpenCV and the BLAS libraries use so many threads.

    Peers with an argument for it (SciPy, scikit-learn) read :func:`threads`. scikit-image uses one.
    """
    import cv2
    import torch

    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    with contextlib.suppress(ImportError):
        import threadpoolctl

        threadpoolctl.threadpool_limits(count)


def threads() -> int:
    """Return the number of threads in use."""
    import torch

    return torch.get_num_threads()


def available_bytes() -> float:
    """Return the memory that can still be used, or infinity where the system does not say."""
    return _meminfo("MemAvailable") or float("inf")


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> int | None:
    total = _meminfo("MemTotal")
    return round(total / 2**30) if total else None


def _meminfo(field: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text("utf-8").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return None
