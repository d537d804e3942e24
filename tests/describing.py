"""all routes → docs/openapi.json, models → config.schema.json; run by `tests/tables.py`, which writes them anew."""

import json
from pathlib import Path

from click.testing import CliRunner

from notifier.cli.schema import schema
from notifier.server import api, health, metrics, openapi, status_page, stream
from notifier.server.encoding import facade
from notifier.server.routes import Route

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "openapi.json"
SCHEMA = ROOT / "config.schema.json"


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


def schema_of_the_config() -> str:
    """As the program prints it."""
    return CliRunner().invoke(schema, ["config"], catch_exceptions=False).output
