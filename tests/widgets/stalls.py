"""Measure how long the main thread of napari is silent while four megapixels are coloured.

``xvfb-run -a python tests/widgets/stalls.py`` opens a real window, colours a 2048 × 2048 layer of
16 bits by the panel, as it ships, and prints the longest silences with what the main thread did.
With ``--slider`` it leafs through a lazy layer of 24 planes, 1024 × 1024, a plane every half
second, and then jumps.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, QTimer

BEAT_MS = 5
LOOK_AFTER = 0.03
SIDE = 2048
LAZY_PLANES, LAZY_SIDE = 24, 1024
SECONDS_A_PLANE = 0.5


@dataclass
class Silence:
    """A time without a beat: when it began, s after the first, its length, and the stacks seen.

    ``busy`` is the processor time of the main thread in it, whatever else the machine does.
    """

    at: float
    seconds: float
    busy: float
    stacks: list[str] = field(default_factory=list)


class Heart:
    """Beats in the main thread every few milliseconds and keeps the longest silences.

    A second thread looks at the main thread's stack once a silence has lasted 30 ms.
    """

    def __init__(self) -> None:
        self.beats = 0
        self.silences: list[Silence] = []
        self._main = threading.get_ident()
        self._stacks: list[str] = []
        self._ended = threading.Event()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)

    def __enter__(self) -> Heart:
        self._began = self._last = time.perf_counter()
        self._busy = time.thread_time()
        self._timer.start()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._beat()
        self._timer.stop()
        self._ended.set()

    @property
    def longest(self) -> float:
        """Seconds of the longest silence."""
        return max((silence.seconds for silence in self.silences), default=0.0)

    @property
    def busiest(self) -> float:
        """Processor seconds of the main thread in the busiest silence."""
        return max((silence.busy for silence in self.silences), default=0.0)

    def told(self, count: int = 5) -> str:
        """Return the longest silences and where the main thread was."""
        longest = sorted(self.silences, key=lambda silence: -silence.seconds)[:count]
        return "\n".join(
            f"  {1000 * s.seconds:.0f} ms, {s.at:.2f} s after the click, in {_usual(s.stacks)}"
            for s in longest
        )

    def _beat(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        self.beats += 1
        silence = Silence(
            self._last - self._began, now - self._last, busy - self._busy, self._stacks
        )
        self._busy = busy
        self._stacks = []
        self._last = now
        self.silences.append(silence)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_AFTER / 2):
            if time.perf_counter() - self._last > LOOK_AFTER:
                frame = sys._current_frames().get(self._main)
                if frame is not None:
                    self._stacks.append(" < ".join(_place(f) for f in _frames(frame)[:4]))


def _frames(frame: FrameType | None) -> list[FrameType]:
    found = []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def _place(frame: FrameType) -> str:
    code = frame.f_code
    return f"{Path(code.co_filename).stem}.{code.co_name}:{frame.f_lineno}"


def _usual(stacks: list[str]) -> str:
    return Counter(stacks).most_common(1)[0][0] if stacks else "Qt"


def wait(seconds: float) -> None:
    """Let Qt run."""
    from qtpy.QtWidgets import QApplication

    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        QApplication.processEvents()
        time.sleep(0.001)


def wait_for(panel: Any) -> None:
    """Let Qt run until the panel's job is over."""
    while panel.task.busy:
        wait(0.001)


def scene(planes: int, side: int) -> np.ndarray:
    """Return (planes, side, side) uint16: noisy waves that drift by two pixels a plane."""
    rows, columns = np.mgrid[:side, :side]
    random = np.random.default_rng(0)
    return np.stack(
        [
            2000
            + 1500 * np.sin((rows + 2 * number) / 40) * np.cos(columns / 60)
            + random.integers(0, 400, (side, side))
            for number in range(planes)
        ]
    ).astype(np.uint16)


def measure_runs() -> None:
    """Colour twice, as the first run imports torch and loads the weights, and tell of both."""
    import napari

    viewer = napari.Viewer()
    viewer.add_image(scene(1, SIDE)[0], name="cells")
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    wait(2)
    for number in ("first run", "second run"):
        with Heart() as heart:
            until_result: list[float] = []
            heard = viewer.layers.events.inserting.connect(
                lambda event, heart=heart, found=until_result: found.append(heart.longest)
            )
            began = time.perf_counter()
            panel.ui.run.click()
            wait_for(panel)
            seconds = time.perf_counter() - began
            wait(0.5)
        viewer.layers.events.inserting.disconnect(heard)
        print(
            f"{number}: {seconds:.2f} s, longest silence {1000 * until_result[0]:.0f} ms", end=", "
        )
        print(f"and while napari adds and draws {1000 * heart.longest:.0f} ms\n{heart.told()}")
    result = viewer.layers[-1].data
    with Heart() as heart:
        viewer.add_image(result.copy(), rgb=True)
        wait(0.5)
    print(
        f"napari alone, adding and drawing such a layer: {1000 * heart.longest:.0f} ms\n"
        f"{heart.told(2)}"
    )
    viewer.close()


def measure_slider() -> None:
    """Leaf through a lazy layer, with and without looking ahead and asynchronous rendering."""
    import dask.array as da
    import napari
    from napari.settings import get_settings

    stack = da.from_array(scene(LAZY_PLANES, LAZY_SIDE), chunks=(1, LAZY_SIDE, LAZY_SIDE))
    viewer = napari.Viewer()
    settings = get_settings()
    type(settings).save = lambda *_, **__: None  # whoever measures keeps what they have set
    source = viewer.add_image(stack, name="cells")
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    for background in (False, True):
        for ahead in (False, True):
            settings.experimental.async_ = False
            viewer.dims.set_current_step(0, 0)
            panel.choose(source)
            panel.ui.planes.setCurrentIndex(panel.ui.planes.findData(True))
            panel.run()
            wait_for(panel)
            (panel.ahead.resume if ahead else panel.ahead.pause)()
            settings.experimental.async_ = background
            wait(2)  # the neighbours, where we look ahead
            steps = []
            for plane in range(1, 9):
                with Heart() as heart:
                    viewer.dims.set_current_step(0, plane)
                    wait(SECONDS_A_PLANE)
                steps.append(heart.longest)
            with Heart() as heart:
                viewer.dims.set_current_step(0, LAZY_PLANES - 4)
                wait(2)
            print(
                f"asynchronous rendering {'on' if background else 'off'}, "
                f"looking ahead {'on' if ahead else 'off'}: a step "
                f"{1000 * np.median(steps):.0f} ms in the median, "
                f"{1000 * max(steps):.0f} ms at the most; a jump "
                f"{1000 * heart.longest:.0f} ms\n{heart.told(1)}",
                flush=True,
            )
            viewer.layers.remove(viewer.layers[-1])
    viewer.close()


def measure_guide(sides: tuple[int, ...] = (512, 1024, 2048)) -> None:
    """Paint three strokes on each size; tell latencies by stage, and the longest silences."""
    import napari

    for side in sides:
        viewer = napari.Viewer()
        viewer.add_image((scene(1, side)[0] >> 4).astype(np.uint8), name="cells")
        _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", "Guide")
        wait(1)
        panel.start()
        rest(panel)
        looks: list[Any] = []
        exact: list[Any] = []
        began = [time.perf_counter()]

        def note(frame: Any, looks: Any = looks, exact: Any = exact, began: Any = began) -> None:
            kept = exact if frame.exact else looks
            kept.append({"all": time.perf_counter() - began[0], **frame.seconds})

        panel.live.shown.connect(note)
        labels = panel.session.labels
        with Heart() as heart:
            for number in range(3):
                row = side * (number + 1) // 4
                with labels.block_history():
                    for step in range(6):
                        began[0] = time.perf_counter()
                        at = side // 4 + step * side // 12
                        labels._draw(1, (row, at), (row, at + side // 12))
                        wait_while(lambda live=panel.live: live.busy)
                    wait(0.1)
                began[0] = time.perf_counter()
                rest(panel)
        print(f"{side} × {side}: longest silence {1000 * heart.longest:.0f} ms\n{heart.told(3)}")
        for name, kept in (("look", looks), ("exact", exact)):
            print(f"  {name}: {_stages(kept)}", flush=True)
        viewer.close()


def _stages(kept: list[dict[str, float]]) -> str:
    """Return the median of each stage in milliseconds."""
    names = dict.fromkeys(name for one in kept for name in one)
    medians = {n: np.median([one[n] for one in kept if n in one]) for n in names}
    return ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in medians.items())


def wait_while(busy: Any) -> None:
    """Let Qt run as long as that is so."""
    wait(0.001)
    while busy():
        wait(0.001)


def rest(panel: Any) -> None:
    """Let Qt run until the panel Guide shows what is painted, exactly."""
    wait(0.15)  # its pause
    wait_while(lambda: panel.live.busy or panel.shown is None)


def main() -> None:
    """Measure runs, with ``--slider`` a slider over a lazy layer, with ``--guide`` strokes."""
    if "--guide" in sys.argv[1:]:
        measure_guide()
    elif "--slider" in sys.argv[1:]:
        measure_slider()
    else:
        measure_runs()


if __name__ == "__main__":
    main()
