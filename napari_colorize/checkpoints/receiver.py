"""Stream one https address into one file, continuing where an earlier attempt stopped.

Not by pooch, which begins a download anew after it was cut, cannot be cancelled, and takes as many
bytes as a server cares to send.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from napari_colorize._version import __version__
from napari_colorize.checkpoints.errors import DownloadCancelled, DownloadError, Remedy

Progress = Callable[[int, int | None], None]
"""``progress(bytes so far, bytes in all or None)``"""

CHUNK = 1 << 18
TIMEOUT_SECONDS = 30.0
LARGEST = 4 << 30
"""Bytes after which a download of unknown size is given up."""

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def check_address(url: str) -> None:
    """Refuse anything but https; plain http is for a server on this very machine."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _THIS_MACHINE
    if not parts.hostname or (parts.scheme != "https" and not local):
        raise DownloadError(f"Weights are downloaded from https:// addresses only, not {url!r}.")


class Receiver:
    """One address streamed into one ``.part`` file, appending where the server can continue."""

    def __init__(
        self,
        url: str,
        part: Path,
        size_bytes: int,
        progress: Progress | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self.url = url
        self.part = part
        self.largest = size_bytes or LARGEST
        self.size_bytes = size_bytes
        self.progress = progress or (lambda done, total: None)
        self.should_stop = should_stop or (lambda: False)

    def __call__(self) -> None:
        """Receive everything that is still missing."""
        have = self.part.stat().st_size if self.part.is_file() else 0
        if have and have == self.size_bytes:
            return
        if have > self.largest:
            have = 0
        try:
            with self._open(have) as response:
                self._receive(response, have if response.status == 206 else 0)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, OSError) as error:
            raise self._explained(error) from error

    def _open(self, have: int) -> HTTPResponse:
        headers = {"User-Agent": f"napari-colorize/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        request = urllib.request.Request(self.url, headers=headers)
        try:
            response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and have:  # nothing beyond what we have: start again
                self.part.unlink(missing_ok=True)
                return self._open(0)
            raise
        check_address(response.url)
        self._refuse_page(response)
        return response

    def _refuse_page(self, response: HTTPResponse) -> None:
        if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
            response.close()
            raise DownloadError(
                f"{self.url} answered with a web page instead of the weights. The link may have "
                "moved or ask for a log-in.",
                Remedy.IMPORT_FROM_BROWSER,
            )

    def _receive(self, response: HTTPResponse, have: int) -> None:
        length = response.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        if max(total or 0, have) > self.largest:
            raise DownloadError(
                f"{self.url} offers {total or have:,} bytes, more than the {self.largest:,} that "
                "the record expects. It is not the right file."
            )
        done = have
        with self.part.open("ab" if have else "wb") as file:
            self.progress(done, total)
            while piece := response.read(CHUNK):
                self._stop_if_asked(done, total)
                file.write(piece)
                done += len(piece)
                if done > self.largest:
                    raise DownloadError(
                        f"{self.url} sends more than the {self.largest:,} bytes that the record "
                        "expects. It is not the right file."
                    )
                self.progress(done, total)
        if total is not None and done < total:
            raise self._cut(done, total)

    def _stop_if_asked(self, done: int, total: int | None) -> None:
        if self.should_stop():
            raise DownloadCancelled(
                f"The download was stopped after {done:,} bytes; the next one continues there."
            )

    def _cut(self, done: int, total: int | None) -> DownloadError:
        of = f" of {total:,}" if total else ""
        return DownloadError(
            f"The connection to {urlsplit(self.url).hostname} was cut after {done:,}{of} bytes.",
            Remedy.CONTINUE,
        )

    def _explained(self, error: Exception) -> DownloadError:
        host = urlsplit(self.url).hostname
        if isinstance(error, urllib.error.HTTPError):
            return DownloadError(
                f"{self.url} cannot be downloaded: the server answered {error.code} "
                f"({error.reason}).",
                Remedy.OTHER_ADDRESS,
            )
        if isinstance(error, http.client.HTTPException | ConnectionResetError):
            size = self.part.stat().st_size if self.part.is_file() else 0
            return self._cut(size, None)
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        if isinstance(error, urllib.error.URLError | TimeoutError | ConnectionError):
            return DownloadError(
                f"{host} cannot be reached ({reason}).", Remedy.IMPORT_WITHOUT_INTERNET
            )
        return DownloadError(f"The download cannot be stored in {self.part.parent}: {reason}.")
