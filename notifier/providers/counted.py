"""a session × what counts → the same session, each request counted by what was answered."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import ClientResponse
from yarl import URL

from notifier.core.model import StatusClass
from notifier.providers.base import Session


class Counted:
    """One source's share in a session that others use, too."""

    def __init__(self, session: Session, count: Callable[[StatusClass], None]) -> None:
        self._session = session
        self._count = count

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        data: Mapping[str, str] | None,
        allow_redirects: bool,
    ) -> AsyncIterator[ClientResponse]:
        """As aiohttp's; counted once it is over, also where there was no answer."""
        answered = StatusClass.NONE
        try:
            async with self._session.request(
                method, url, headers=headers, data=data, allow_redirects=allow_redirects
            ) as response:
                answered = StatusClass.of(response.status)
                yield response
        finally:
            self._count(answered)
