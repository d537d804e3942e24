"""Callbacks: each is served for as long as something is on its way to it. There may be one for every upload."""

from itertools import islice

from notifier.core.callbacks import UNSIGNED, Calling, number_of, origin
from notifier.core.health import may_go
from notifier.core.model import Callback
from notifier.core.render import FORMATS
from notifier.served import Served
from notifier.store import Called, Room, Store

SOON = 0.1
"""Seconds until the next pass where more callbacks are due than there are places, or until the next question.

What is due for callbacks that are shut off or paused is looked through by each question, and may be very much.
"""


class Calls:
    """The callbacks among those that the sender serves."""

    def __init__(self, store: Store, calling: Calling, served: dict[str, Served]) -> None:
        self.all = Served(calling.template)
        """What they have in common: what has come of their deliveries, and whether anything can be signed for them."""
        self._store = store
        self._calling = calling
        self._served = served
        self._ask_at = 0.0
        """There was nothing to be sent of all that is due, nor is there before this moment, but for what is new."""
        self._crowd = 0
        """What was on its way to all of them when that was asked: where it is less, there are places again."""
        self._names: dict[str, None] = {}
        """Those that are served, in the order in which they came."""
        self._crowds: dict[str, set[int]] = {}
        """What is on its way to each origin: a host that hangs takes the places of one endpoint, by many URLs."""

    @property
    def names(self) -> list[str]:
        """Those that are served."""
        return list(self._names)

    def adopt(self, calling: Calling) -> None:
        """Send to them like this from now on; what is on its way ends as it began."""
        self._calling, self._ask_at = calling, 0.0
        self.all.become(calling.template)
        for name in self.names:
            before = self._served[name].endpoint
            callback = Callback(before.url, before.format, number_of(name) or 0)
            self._served[name].become(calling.endpoint(callback))
            self._served[name].is_permitted = calling.may_call(callback)

    async def take(self, now: float, places: int, most_kept: int) -> float | None:
        """Serve those that something is due for; answers the moment at which to ask again.

        Of the places at most so many are kept for the endpoints of the config that have none.
        """
        if not self._store.has_callbacks:
            return None
        configured = (one for name, one in self._served.items() if number_of(name) is None)
        idle = (True for one in configured if not one.in_flight and one.room(now) > 0)
        places -= sum(islice(idle, most_kept))
        if places <= 0:
            return None
        crowd = sum(len(crowd) for crowd in self._crowds.values())
        if crowd >= self._crowd and now < self._ask_at <= now + SOON:
            return self._ask_at
        self._crowd = crowd
        most = self._calling.template.max_in_flight
        full = [where for where, crowd in self._crowds.items() if len(crowd) >= most]
        formats = (UNSIGNED,) if self.all.is_unsigned else FORMATS
        found, later, is_overdue = await self._store.called(
            now, Room(places, most, self.all.held_after(now), formats, self.names, full)
        )
        for one in found:
            self._serve(one)
        self._ask_at = now + SOON if is_overdue and not found else 0.0
        return now + SOON if len(found) == places else later

    async def of(self, name: str) -> Served:
        """An endpoint of the config, or a callback, which is served from here on; raises `UnknownNameError`."""
        if name in self._served or number_of(name) is None:
            return self._served[name]
        return self._serve(await self._store.callback(name))

    def unpermitted(self) -> list[str]:
        """Those that are served, may be called no more, and do not pause for that, or for longer."""
        some = ((name, self._served[name]) for name in self.names)
        return [name for name, one in some if not one.is_permitted and may_go(one.health) is not None]

    async def permitted_again(self) -> list[str]:
        """Those that pause because the config permitted them no more, and does now."""
        return [one.name for one in await self._store.callbacks_unpermitted() if self._calling.may_call(one)]

    def let_go(self, now: float) -> None:
        """Forget those that are not in use: the store knows how they fare."""
        for name in self.names:
            if not self._served[name].is_used(now):
                del self._served[name]
                del self._names[name]
        left = [self._served[name] for name in self._names]
        self._crowds = {origin(one.endpoint.url): one.crowd for one in left}

    def _serve(self, called: Called) -> Served:
        endpoint = self._calling.endpoint(called.callback)
        crowd = self._crowds.setdefault(origin(endpoint.url), set())
        made = Served(endpoint, called.health, tat=called.tat, crowd=crowd, tally=self.all.tally)
        made.is_unsigned = self.all.is_unsigned and bool(endpoint.secrets)
        made.is_permitted = self._calling.may_call(called.callback)
        self._names[endpoint.name] = None
        return self._served.setdefault(endpoint.name, made)
