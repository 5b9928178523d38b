"""What is left out because it tells nothing new, or would take too long.

Every size is measured with the most threads and in kept memory. One medium size and the largest
show what fresh memory costs, and ``torch.compile``, which compiles anew for every size; the medium
size shows fewer threads. What a call will take is foreseen from the size before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.clock import Effort, Missing

MEDIUM = 1024
COMPILER = "torch.compile"
UNROLLED = ("joint bilateral, r",)
"""How operators begin whose twin goes over a whole disk in Python: compiling takes minutes."""


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    Parameters
    ----------
    threads : int
    output : str
        See `bench.allocator`.
    compiled : bool
        Whether ``torch.compile`` may take part.
    """

    threads: int
    output: str
    compiled: bool


def settings(
    side: int, sides: Sequence[int], threads: Sequence[int], outputs: Sequence[str]
) -> Iterator[Setting]:
    """Yield the rows of a size, those of one number of threads after each other."""
    most, medium = max(threads), medium_of(sides)
    telling = side in (medium, max(sides))
    for output in outputs if telling else outputs[:1]:
        yield Setting(most, output, telling)
    if side == medium:
        for fewer in sorted(set(threads) - {most}, reverse=True):
            yield Setting(fewer, outputs[0], False)


def left_out(operator: str, skip: Sequence[str]) -> list[str]:
    """Return the columns that an operator is measured without: those asked for, and slow ones."""
    return [*skip, COMPILER] if operator.startswith(UNROLLED) else list(skip)


def medium_of(sides: Sequence[int]) -> int:
    """Return the size nearest to `MEDIUM`; of two, the smaller."""
    return min(sorted(sides), key=lambda side: abs(side - MEDIUM))


@dataclass
class Foresight:
    """Remembers what calls took, and refuses those that would take too long at the next size.

    Parameters
    ----------
    effort : Effort
        Its `patience` and `compiling` are the bounds.
    """

    effort: Effort
    _taken: dict[str, tuple[str, int, float, float]] = field(default_factory=dict)

    def learn(self, name: str, size: str, pixels: int, first: float, last: float) -> None:
        """Keep the seconds of the first and the last call of a contender at a size."""
        self._taken[name] = (size, pixels, first, last)

    def check(self, name: str, pixels: int) -> None:
        """Refuse a contender whose time, in proportion to the pixels, is beyond the patience.

        Raises
        ------
        Missing
        """
        if name not in self._taken:
            return
        size, before, first, last = self._taken[name]
        if (foreseen := last * pixels / before) > self.effort.patience:
            raise Missing(f"it would take about {foreseen:.0f} s, after {last:.1f} s for {size}")
        if first - last > self.effort.compiling:
            raise Missing(f"it would compile again, which took {first - last:.0f} s for {size}")
