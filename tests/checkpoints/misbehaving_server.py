"""A web server on this machine that can misbehave in the ways that servers do."""

import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer):
    """Serve every GET with `answer`; give the address, and the list of requests' headers."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(dict(self.headers))
            answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def whole(content: bytes, kind: str = "application/octet-stream") -> Answer:
    """Answer with all of `content`, whatever was asked."""

    def answer(request):
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def continuing(content: bytes, cut_first_at: int | None = None) -> Answer:
    """Answer ranges; the first answer breaks off after `cut_first_at` bytes."""
    cuts = [cut_first_at] if cut_first_at is not None else []

    def answer(request):
        asked = request.headers.get("Range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            request.send_error(416)
            return
        part = content[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(part)))
        request.end_headers()
        request.wfile.write(part[: cuts.pop()] if cuts else part)

    return answer
