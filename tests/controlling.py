"""A daemon that answers at a control socket what it is told to, and remembers what it was asked."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import UnixStreamServer


class Daemon(UnixStreamServer):
    """`answers` has a document, or a status and a document, by method and path."""

    def __init__(self, path, answers):
        super().__init__(str(path), Handler)
        self.answers = answers
        self.asked = []
        """Method, target and body of every call."""


class Handler(BaseHTTPRequestHandler):
    """One call: what it is answered is all that the test has said."""

    def answer(self):
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, body))
        answer = self.server.answers[self.command, self.path.partition("?")[0]]
        answer = answer(body) if callable(answer) else answer
        status, document = answer if isinstance(answer, tuple) else (200, answer)
        content = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815  # http.server's names

    def version_string(self):
        """Who it is taken for."""
        return "notifier"

    def log_message(self, *_):
        """Nobody reads it."""


@contextmanager
def answering(path, answers):
    """A daemon at this socket."""
    with Daemon(path, answers) as daemon:
        thread = threading.Thread(target=daemon.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield daemon
        finally:
            daemon.shutdown()
            thread.join()
