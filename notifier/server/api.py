"""The whole of the API, part by part."""

from notifier.server import backups, deliveries, endpoints, events, explain, reload, replays, sources, uploads
from notifier.server.control import Control
from notifier.server.routes import Route


def routes(control: Control) -> list[Route]:
    """For those whom the guard lets in."""
    parts = (events, deliveries, replays, endpoints, uploads, sources, backups, explain, reload)
    return [route for part in parts for route in part.routes(control)]
