"""Random stories of endpoints: they fail, throttle, are gone; people pause and resume; the daemon is killed.

A model that knows answers alone says when a request must not come. At the end all answer well, and all has arrived.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from longer import LONGER
from stored import announce, event
from stories import Story
from things import DAY, HOUR
from world import endpoint

from notifier.core.blame import Blame, blame
from notifier.core.model import Attempt, Command, Order, Outcome

pytestmark = [pytest.mark.uncounted, pytest.mark.timeout(600 * LONGER)]  # on a busy machine: its count is bounded
O = Outcome  # noqa: E741
MOODS = {
    "well": (O.DELIVERED, 204),
    "failing": (O.HTTP_5XX, 503),
    "hanging": (O.TIMEOUT_TOTAL, None),
    "refusing": (O.HTTP_4XX, 422),
    "busy": (O.HTTP_429, 429),
    "busy for a while": (O.HTTP_429, 429, ("retry_after", 700.0)),
    "down for a while": (O.HTTP_5XX, 503, ("retry_after", 50.0)),
    "gone": (O.HTTP_410, 410),
    "tired": (O.HTTP_5XX, 500, ("command", Command.DISABLE)),
    "aborting": (O.HTTP_4XX, 400, ("command", Command.ABORT)),
    "broken with us": (O.LOCAL, None),
}
LASTING = (0.0, 5.0, *[1200.0] * 200)
ENDPOINTS = (
    endpoint("app", schedule=LASTING),
    endpoint("crm", schedule=LASTING, max_in_flight=2),
    endpoint("raw", schedule=LASTING, order=Order.NONE),
    endpoint("ops", schedule=LASTING, events=("*",)),
)
NAMES = tuple(one.name for one in ENDPOINTS)
LANES = tuple(range(1, 9))
one_mood = st.sampled_from(sorted(MOODS)).map(lambda mood: [mood])
moods_in_turn = st.lists(st.sampled_from(sorted(MOODS)), min_size=2, max_size=6)
moods = st.one_of(one_mood, moods_in_turn)
SHUT_AT_LEAST = 24.0


@dataclass
class Model:
    """What a receiver has said, and so what must not happen to it."""

    moods: list[str] = field(default_factory=lambda: ["well"])
    quiet_until: float = 0.0
    refuses: bool = False
    """It said that it wants no more, or a person paused it."""
    failures: int = 0
    shut_until: float | None = None
    under_way: dict[int, tuple[int | None, bool]] = field(default_factory=dict)
    """By delivery: its lane, and whether it came after the endpoint was shut off."""
    told: dict[int | None, list[int]] = field(default_factory=dict)

    def comes(self, delivery, now: float) -> None:
        """A request: it may come."""
        assert now >= self.quiet_until, "it asked to be left alone"
        assert not self.refuses, "it was paused"
        assert delivery.id not in self.under_way
        if delivery.lane is not None:
            assert delivery.lane not in {lane for lane, _ in self.under_way.values()}, "two of a lane"
        if self.shut_until is not None:
            assert now >= self.shut_until, "it was shut off"
            assert not any(is_probe for _, is_probe in self.under_way.values()), "two probes"
        self.under_way[delivery.id] = delivery.lane, self.shut_until is not None

    def answers(self, delivery, now: float) -> Attempt:
        self.moods = [*self.moods[1:], self.moods[0]]
        outcome, status, *more = MOODS[self.moods[-1]]
        attempt = Attempt(now, 0.0, outcome, status, **dict(more))
        _, is_probe = self.under_way.pop(delivery.id)
        if outcome is O.DELIVERED:
            self.told.setdefault(delivery.lane, []).append(delivery.sequence)
            self.failures = 0
            if is_probe:
                self.shut_until = None
        elif blame(attempt) is Blame.ENDPOINT:
            self.failures += 1
            if is_probe or (self.failures >= 5 and self.shut_until is None):
                self.shut_until = now + SHUT_AT_LEAST
        if attempt.retry_after is not None:
            self.quiet_until = max(self.quiet_until, now + attempt.retry_after)
        self.refuses |= outcome is O.HTTP_410 or attempt.command is Command.DISABLE
        return attempt

    def starts_anew(self) -> None:
        """A person has resumed it."""
        self.quiet_until, self.refuses, self.failures, self.shut_until = 0.0, False, 0, None


class Faring(Story):
    def __init__(self):
        super().__init__(discover=False, endpoints=ENDPOINTS)
        self.models = {name: Model() for name in NAMES}
        self.sequence = Counter()

    async def post(self, delivery):
        model, now = self.models[delivery.endpoint], self.world.clock.now
        model.comes(delivery, now)
        await asyncio.sleep(0)  # all that was started together has come before anything is answered
        return model.answers(delivery, now)

    @initialize(each=st.tuples(*[moods] * len(NAMES)))
    def starts(self, each):
        for name, some in zip(NAMES, each, strict=True):
            self.models[name].moods = some
        self.world.post = self.post
        self.do(self.world.start())

    @rule(lanes=st.lists(st.sampled_from(LANES), min_size=4, max_size=12))
    def uploads_move(self, lanes):
        for lane in lanes:
            self.sequence[lane] += 1
            one = event(lane, self.sequence[lane], at=self.world.clock.now)
            self.do(announce(self.world.store, one, to=ENDPOINTS))
        self.do(self.world.settle())

    @rule(name=st.sampled_from(NAMES), some=moods)
    def an_endpoint_changes_its_mood(self, name, some):
        self.models[name].moods = some

    @rule(seconds=st.floats(0, 2 * HOUR))
    def time_passes(self, seconds):
        self.do(self.world.sends_until(self.world.clock.now + seconds))

    @rule(days=st.floats(0, 6))
    def the_machine_sleeps(self, days):
        self.world.clock.now += days * DAY
        self.do(self.world.settle())

    @rule(name=st.sampled_from(NAMES))
    def a_person_pauses(self, name):
        self.do(self.world.sender.pause(name))
        self.models[name].refuses = True

    @rule(name=st.sampled_from(NAMES))
    def a_person_resumes(self, name):
        self.do(self.world.sender.resume(name))
        self.models[name].starts_anew()

    @rule(days=st.floats(-400, 400))
    def the_clock_is_set(self, days):
        jump = days * DAY
        self.world.clock.now += jump
        for model in self.models.values():
            model.quiet_until += jump
            if model.shut_until is not None:
                model.shut_until += jump
        self.do(self.world.sender.believe_no_later(jump))

    @rule()
    def the_daemon_is_restarted(self):
        self.do(self.world.stop())
        self.do(self.world.start())

    @rule()
    def the_daemon_is_killed_while_it_sends(self):
        """Its requests have arrived, and it never learns what came of them."""

        async def killed():
            world, came = self.world, []

            async def post(delivery):
                model = self.models[delivery.endpoint]
                model.comes(delivery, world.clock.now)
                came.append((model, delivery))
                await asyncio.Event().wait()

            world.post = post
            await world.sender.send_due()
            await asyncio.sleep(0)
            for task in list(world.sender._tasks.values()):
                task.cancel()
            await world.store.close()
            for model, delivery in came:
                del model.under_way[delivery.id]
            world.post = self.post
            await world.start()

        self.do(killed())

    @invariant()
    def nothing_is_disordered(self):
        for model in self.models.values():
            for lane, sequences in model.told.items():
                assert lane is None or sequences == sorted(set(sequences))

    def all_is_well(self):
        self.do(self.all_arrives())

    async def all_arrives(self):
        """Everybody answers well and nobody is paused: what was announced arrives, but for what was aborted."""
        for name, model in self.models.items():
            model.moods = ["well"]
            await self.world.sender.resume(name)
            model.starts_anew()
        await self.all_is_sent()
        phases = "SELECT phase, cause, count(*) FROM deliveries GROUP BY 1, 2"
        found = {tuple(row)[:2]: row[2] for row in await self.world.store.database.rows(phases)}
        assert found.keys() <= {("delivered", None), ("dead", "aborted")}
        received = sum(len(sequences) for model in self.models.values() for sequences in model.told.values())
        assert received == found.get(("delivered", None), 0)
        assert self.world.sender.troubled == {}
        await self.what_is_told_alternates()

    async def what_is_told_alternates(self):
        sql = "SELECT type, sequence FROM events WHERE endpoint = ? ORDER BY position"
        for number in range(1, len(NAMES) + 1):
            told = [tuple(row) for row in await self.world.store.database.rows(sql, (number,))]
            assert [sequence for _, sequence in told] == list(range(1, len(told) + 1))
            itself = (
                "SELECT 1 FROM deliveries JOIN events ON position = event WHERE events.endpoint = deliveries.endpoint"
            )
            assert await self.world.store.database.rows(itself) == []


Faring.TestCase.settings = settings(
    max_examples=40 * LONGER,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestHealthStory = Faring.TestCase
