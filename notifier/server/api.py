"""The whole of the API, part by part."""

from notifier.server import endpoints
from notifier.server.control import Control
from notifier.server.routes import Route


def routes(control: Control) -> list[Route]:
    """For those whom the guard lets in."""
    return endpoints.routes(control)
