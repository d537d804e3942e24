"""all routes → docs/openapi.json; run by `tests/tables.py`, which writes it anew."""

import json
from pathlib import Path

from notifier.server import api, health, metrics, openapi, status_page, stream
from notifier.server.encoding import facade
from notifier.server.routes import Route

DOCUMENT = Path(__file__).parent.parent / "docs" / "openapi.json"


class Nothing:
    """Stands where a route has its parts, to be described and not asked."""

    def __getattr__(self, _):
        return self

    def __call__(self, *_, **__):
        return self


def routes() -> list[Route]:
    """As the daemon has them that has everything."""
    part = Nothing()
    parts = (health, metrics, api, stream, facade)
    described = [*(route for one in parts for route in one.routes(part)), *status_page.routes()]
    return [*described, *openapi.routes(described)]


def described() -> str:
    """The document, a member to a line."""
    return json.dumps(openapi.document(routes()), indent=1, ensure_ascii=False) + "\n"
