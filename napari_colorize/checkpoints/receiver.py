"""Stream one https address into one file, continuing where an earlier attempt stopped.

Not by pooch, which begins a download anew after it was cut, cannot be cancelled, and takes as many
bytes as a server cares to send.
"""

import contextlib
import http.client
import queue
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from napari_colorize._version import __version__
from napari_colorize.checkpoints.errors import DownloadCancelled, DownloadError, Remedy

Progress = Callable[[int, int | None], None]
"""``progress(bytes so far, bytes in all or None)``"""

CHUNK = 1 << 18
TIMEOUT_SECONDS = 30.0
_BEAT = 0.2
"""Seconds after which a download that brings nothing asks whether to go on."""

LARGEST = 512 << 20
"""Bytes after which a download of unknown size is given up."""

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def check_address(url: str) -> None:
    """Refuse anything but https; plain http is for a server on this very machine."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise DownloadError(f"{url!r} is not an address; one begins with https://.") from error
    local = parts.scheme == "http" and parts.hostname in _THIS_MACHINE
    if not parts.hostname or (parts.scheme != "https" and not local):
        raise DownloadError(f"Weights are downloaded from https:// addresses only, not {url!r}.")


class _OnlySafeRedirects(urllib.request.HTTPRedirectHandler):
    """Looks at each address before it is asked, not at the last one after it has answered."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        target = headers.get("location", headers.get("uri", ""))
        if urlsplit(target).scheme:
            check_address(target)
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


_OPENER = urllib.request.build_opener(_OnlySafeRedirects)


def _is_count(text: str) -> bool:
    """Tell whether a header is a number of bytes: digits, and not of another alphabet."""
    return text.isascii() and text.isdigit() and len(text) < 19


def _pull(response: HTTPResponse, came: "queue.Queue[bytes | Exception]") -> None:
    """Put what a server sends into a queue, in pieces of whatever size it comes in."""
    try:
        while piece := response.read1(CHUNK):
            came.put(piece)
        came.put(b"")
    except Exception as error:  # raised where the queue is read
        came.put(error)


def _let_go(response: HTTPResponse) -> None:
    """End a connection. Closing it would wait for the thread that waits for the server."""
    connection = getattr(getattr(response.fp, "raw", None), "_sock", None)
    if connection is None:
        response.close()
        return
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


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
            response = self._opened(have)
            try:
                self._receive(response, have if response.status == 206 else 0)
            finally:
                _let_go(response)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, OSError) as error:
            raise self._explained(error) from error

    def _opened(self, have: int) -> HTTPResponse:
        """Open the address, and ask whether to go on while the server does not answer."""
        answers: queue.Queue[HTTPResponse | Exception] = queue.Queue()

        def ask() -> None:
            try:
                answers.put(self._open(have))
            except Exception as error:  # raised where the queue is read
                answers.put(error)

        threading.Thread(target=ask, daemon=True).start()
        while True:
            try:
                answer = answers.get(timeout=_BEAT)
            except queue.Empty:
                self._stop_if_asked(have, None)
                continue
            if isinstance(answer, Exception):
                raise answer
            return answer

    def _open(self, have: int) -> HTTPResponse:
        headers = {"User-Agent": f"napari-colorize/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        request = urllib.request.Request(self.url, headers=headers)
        try:
            response = _OPENER.open(request, timeout=TIMEOUT_SECONDS)
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
        total = have + int(length) if length and _is_count(length) else None
        if max(total or 0, have) > self.largest:
            raise DownloadError(
                f"{self.url} offers {total or have:,} bytes, more than the {self.largest:,} that "
                "the record expects. It is not the right file."
            )
        done = have
        with self.part.open("ab" if have else "wb") as file:
            self.progress(done, total)
            for piece in self._pieces(response, total):
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

    def _pieces(self, response: HTTPResponse, total: int | None) -> Iterator[bytes]:
        """Yield what comes as it comes, and ask whether to go on while nothing does."""
        came: queue.Queue[bytes | Exception] = queue.Queue(maxsize=8)
        threading.Thread(target=_pull, args=(response, came), daemon=True).start()
        last = time.monotonic()
        while True:
            try:
                piece = came.get(timeout=_BEAT)
            except queue.Empty:
                self._stop_if_asked(self.part.stat().st_size, total)
                if time.monotonic() - last > TIMEOUT_SECONDS:
                    raise TimeoutError(f"nothing came for {TIMEOUT_SECONDS:.0f} s") from None
                continue
            if isinstance(piece, Exception):
                raise piece
            if not piece:
                return
            last = time.monotonic()
            yield piece

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
        if isinstance(error, urllib.error.HTTPError) and error.code in range(300, 400):
            return DownloadError(
                f"{self.url} leads from one address to the next without an end.",
                Remedy.OTHER_ADDRESS,
            )
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
