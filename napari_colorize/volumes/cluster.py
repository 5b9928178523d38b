"""Units of a job on dask.distributed: sent by number, a few ahead of each thread."""

import os
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_colorize.results import Cancelled, Ticker
from napari_colorize.volumes.job import Job
from napari_colorize.volumes.ledger import refuse_failed
from napari_colorize.volumes.work import Worker, saved_job

AHEAD = 3
"""Units that wait at each thread while one is done."""


class Cluster:
    """A cluster for a job: one that was given, or processes of this machine.

    Parameters
    ----------
    client : dask.distributed.Client or None
    workers : int or None
        Processes of a local cluster, where there is no client; None: one a core.
    """

    def __init__(self, client: Any, workers: int | None) -> None:
        self._client, self._workers = client, workers
        self._own: Any = None

    def __enter__(self) -> "Cluster":
        """Start the local cluster, unless one was given."""
        try:
            from dask.distributed import Client, LocalCluster
        except ImportError:
            raise ImportError(
                "Workers need dask.distributed: pip install 'napari-colorize[zarr]'. Without it, "
                "this process alone does the work: workers=0."
            ) from None
        if self._client is None:
            self._own = LocalCluster(
                n_workers=self._workers or os.cpu_count() or 1,
                threads_per_worker=1,
                dashboard_address=":0",
                silence_logs=40,
            )
            self._client = Client(self._own)
        return self

    def __exit__(self, *error: object) -> None:
        """End what was started here."""
        if self._own is not None:
            self._client.close()
            self._own.close()

    @property
    def dashboard(self) -> str:
        """Address of the dashboard."""
        return str(self._client.dashboard_link)

    def do(
        self,
        kind: str,
        whole: Job,
        numbers: Sequence[Any],
        tick: Ticker,
        begin: float,
        end: float,
        what: str,
    ) -> None:
        """Have units done; those that fail do not keep others from being done.

        Parameters
        ----------
        kind : {"see", "unit"}
        whole : Job
        numbers : sequence
            What each task is told.
        tick : Ticker
        begin, end : float
            Share of all that is done before, and after.
        what : str
            What is counted, for people.
        """
        from dask.distributed import as_completed

        threads = max(1, sum(self._client.nthreads().values()))
        waiting = iter(numbers)
        coming = as_completed([], raise_errors=False)
        folder, target = str(whole.folder), whole.target

        def send() -> bool:
            for number in waiting:
                coming.add(self._client.submit(work_on, kind, folder, target, number, pure=False))
                return True
            return False

        sent = sum(send() for _ in range(threads * (1 + AHEAD)))
        done, total, failed, started = 0, len(numbers), [], time.monotonic()
        try:
            while done < sent:
                future = next(coming)
                done += 1
                if future.status == "error":
                    failed.append(str(future.exception()))
                sent += send()
                spent = time.monotonic() - started
                left = spent / done * (total - done)
                tick(
                    begin + (end - begin) * done / total,
                    f"{done} of {total} {what}, {left:.0f} s left",
                )
        except Cancelled:
            for future in list(coming.futures):
                future.cancel()
            raise
        refuse_failed(failed, total)


@lru_cache(maxsize=2)
def _worker(folder: str, target: str) -> tuple[Worker, dict[int, list[Any]]]:
    """Return what does the units of a job in this process; its weights are loaded once."""
    import torch

    torch.set_num_threads(1)
    whole = saved_job(Path(folder))
    assert whole is not None, "a job is begun before it is sent about"
    return Worker(whole), {}


def work_on(kind: str, folder: str, target: str, number: Any) -> None:
    """Do one unit in a worker's process, or see one plane; ``number`` says which."""
    worker, known = _worker(folder, target)
    if kind == "see":
        task, channel, place = number
        worker.see(task, channel, tuple(place))
        return
    level, at = number
    if level not in known:
        known[level] = list(worker.job.units(level))
    worker.do(known[level][at])
