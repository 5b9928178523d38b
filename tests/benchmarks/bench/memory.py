"""Peak memory of one picture on its way, in a process of its own.

The process warms up on a small picture, so that libraries, weights and pools are there already;
then the kernel's high-water mark is reset and the picture passes. Counted is what rose above that:
the outputs, and everything held beside them.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import allocator

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_WARM_SIDE = 256


class Peak:
    """A meter of resident memory: bytes above the mark; of several readings the highest counts."""

    combine = staticmethod(max)

    def __init__(self) -> None:
        self.highest = 0

    def start(self) -> int:
        """Give freed memory back, reset the high-water mark; return the bytes in use."""
        self.highest = max(self.highest, _resident("VmHWM"))
        allocator.release()  # or a stage would seem to need nothing where another has freed much
        _CLEAR.write_text("5", "ascii")
        return _resident("VmRSS")

    def stop(self, mark: int) -> float:
        """Return the highest above the mark since."""
        peak = _resident("VmHWM")
        self.highest = max(self.highest, peak)
        return max(0, peak - mark)


def peak_of(path: str, height: int, width: int) -> dict[str, Any]:
    """Measure a path of `bench.paths` on a picture of this size, in a new process.

    Returns
    -------
    dict
        ``input``, ``output``: bytes of the picture and of all arrays returned; ``peak``: highest
        bytes above those before the call; ``extra``: peak less outputs, for each byte of the
        input; ``stages``: the highest of each stage above its own beginning.

    Raises
    ------
    RuntimeError
        The system has no high-water mark that can be reset (anything but Linux), or the process
        failed; its last line says how.
    """
    if not _CLEAR.exists():
        raise RuntimeError("Peak memory can be measured on Linux only.")
    here = str(Path(__file__).resolve().parents[1])
    environment = dict(os.environ, PYTHONPATH=_joined(here, os.environ.get("PYTHONPATH")))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.memory", path, str(height), str(width)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no output"]
        raise RuntimeError(f"The process ended with {done.returncode}: {lines[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def measured(path: str, height: int, width: int) -> dict[str, Any]:
    """Measure in this process; it should be a fresh one."""
    from bench import machine, paths
    from bench.stages import Clock, Ledger

    machine.use_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    run = paths.make(path)
    for _ in range(2):
        run(paths.picture(_WARM_SIDE, _WARM_SIDE * width // height), Ledger(Clock()))
    grey = paths.picture(height, width)
    gc.collect()
    meter = Peak()
    ledger = Ledger(meter)
    with allocator.outputs("fresh") if allocator.can_choose() else contextlib.nullcontext():
        before = meter.start()
        meter.highest = 0
        result = run(grey, ledger)
        meter.stop(before)
    output = bytes_of(result)
    peak = max(0, meter.highest - before)
    return {
        **{"input": grey.nbytes, "output": output, "peak": peak},
        "extra": max(0, peak - output) / grey.nbytes,
        "stages": ledger.used,
    }


def bytes_of(result: Any) -> int:
    """Return the bytes of a result's arrays: an array, or an object with arrays as fields."""
    if hasattr(result, "nbytes"):
        return result.nbytes
    return sum(value.nbytes for value in vars(result).values() if hasattr(value, "nbytes"))


def _resident(field: str) -> int:
    for line in _STATUS.read_text("ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}.")


def _joined(first: str, rest: str | None) -> str:
    return os.pathsep.join([first, rest]) if rest else first


def main() -> None:
    """Print what was measured as a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("path")
    parser.add_argument("height", type=int)
    parser.add_argument("width", type=int)
    asked = parser.parse_args()
    print(json.dumps(measured(asked.path, asked.height, asked.width)))


if __name__ == "__main__":
    main()
