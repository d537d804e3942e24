"""What the calls of the API ask and act upon."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from notifier.core.callbacks import number_of
from notifier.core.model import Endpoint
from notifier.poller import Poller
from notifier.registrations import Registrations
from notifier.reloads import Reloads
from notifier.replays import Replays
from notifier.sender import Sender
from notifier.served import Served
from notifier.server.problems import Problem
from notifier.store import DeliveryRow, EventRow, Store, Tried, UnknownNameError


@dataclass(frozen=True, slots=True)
class Control:
    """The parts of the running daemon that people can look at and turn."""

    store: Store
    sender: Sender
    replays: Replays
    registrations: Registrations
    poller: Poller
    clock: Callable[[], float]
    reloads: Reloads

    async def event(self, id_: str) -> tuple[EventRow, bytes, list[DeliveryRow]]:
        """An event with its body and its deliveries; raises `UnknownNameError`."""
        if (found := await self.store.event(id_)) is None:
            raise UnknownNameError(f"no event {id_!r} is kept: it never was one, or its time is over")
        return found

    async def delivery(self, id_: int) -> tuple[DeliveryRow, list[Tried]]:
        """A delivery with its attempts; raises `UnknownNameError`."""
        if (found := await self.store.delivery(id_)) is None:
            raise UnknownNameError(f"no delivery {id_} is kept: it never was one, or its time is over")
        return found

    async def served(self, name: str) -> Served | None:
        """An endpoint as it is now, or a callback; None where the config names it no more."""
        if name not in self.sender.served and number_of(name) is None:
            return None
        return await self.sender.one(name)

    async def endpoint(self, name: str) -> Endpoint:
        """An endpoint of the config, or a callback; raises `UnknownNameError`.

        Also `Problem`, where the config names it no more, or permits no more that it is called.
        """
        is_callback = self.store.number(name) < 0
        if not is_callback and name not in self.sender.served:
            words = f"the config names {name!r} no more: put it back there, or drop what is owed to it"
            raise Problem(HTTPStatus.CONFLICT, words)
        served = await self.sender.one(name)
        if not served.is_permitted:
            words = f"the config lets {name!r} be called no more: see notify_urls and notify_secrets of [server]"
            raise Problem(HTTPStatus.CONFLICT, words)
        return served.endpoint
