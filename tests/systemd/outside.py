"""The world outside the service: a provider that lists what is in a file, and a receiver at each path.

GET /jobs answers with the file `jobs.json`. A POST to /NAME is printed, so that the journal tells when it came, and
answered with the status in the file `NAME`, else with 204; where that is a named pipe, once a status was written there.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import AF_INET6

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(200, (FOLDER / "jobs.json").read_bytes())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.strip("/")
        sys.stdout.write(f"asked {name} {body['type']} {body['data'].get('upload', {}).get('id', '')}\n")
        sys.stdout.flush()
        status = FOLDER / name
        self._answer(int(status.read_text()) if status.exists() else 204)

    def _answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """What is worth a line is printed above."""


class Server(ThreadingHTTPServer):
    address_family = AF_INET6


Server(("::", PORT), Handler).serve_forever()
