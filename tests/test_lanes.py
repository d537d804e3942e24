"""Lanes, whatever happens to them: announcements, attempts, replays, drops and kills, in any order.

A lane has one head, its first; nothing overtakes; and what was asked to be owed again has been, once all is sent.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from longer import LONGER
from stored import ENDPOINTS, announce, deliveries, due, event, result, retried

from notifier.core.model import Attempt, Outcome, Phase
from notifier.core.replay import Selection
from notifier.store import Store

NOW = 1_800_000_000.0
NAMES = tuple(one.name for one in ENDPOINTS)
TYPES = ("upload.queued", "upload.completed", "upload.updated", "upload.stalled")
ENDS = (Phase.DELIVERED, Phase.DELIVERED, Phase.WAITING, Phase.DEAD)
MOST_STEPS = 1000
PHASES = ((Phase.DEAD,), (Phase.DELIVERED, Phase.SUPERSEDED), (Phase.DROPPED,), None)


class Lanes(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="notifier-lanes-"))
        self.sequence = {}
        self.in_flight = {}
        self.now = NOW
        self.moved = {}
        """When each delivery last came to an end, or was tried, or was given up."""
        self.last = {}
        """What was sent last of each lane, in the end."""
        self.wished = []
        """What was to be owed again, and since when."""

    def do(self, scene):
        return self.loop.run_until_complete(scene)

    @initialize()
    def opens(self):
        self.do(self.open())

    async def open(self):
        self.store = await Store.open(self.folder / "notifier.db")
        await self.store.enrol({"posts": "fake"}, NAMES)

    @rule(lane=st.integers(1, 2), type_=st.sampled_from(TYPES))
    def something_is_announced(self, lane, type_):
        self.now += 1
        self.sequence[lane] = self.sequence.get(lane, 0) + 1
        self.do(announce(self.store, event(lane, self.sequence[lane], type_, at=self.now), to=ENDPOINTS))
        self.note("phase = 'superseded' AND settled_at = ?")

    @rule(name=st.sampled_from(NAMES), most=st.integers(1, 4))
    def attempts_begin(self, name, most):
        """As the sender does it: nothing of a lane of which something is on its way."""
        for one in self.do(due(self.store, name, self.now + 1e6))[:most]:
            lanes = {(other.endpoint, other.lane) for other in self.in_flight.values() if other.lane is not None}
            if one.id not in self.in_flight and (name, one.lane) not in lanes:
                self.in_flight[one.id] = one

    @rule(ends=st.lists(st.sampled_from(ENDS), min_size=1, max_size=4))
    def attempts_end(self, ends):
        self.now += 1
        results = []
        for one, phase in zip(list(self.in_flight.values()), ends, strict=False):
            came = retried(one) if phase is Phase.WAITING else result(one, phase)
            good = phase is Phase.DELIVERED
            attempt = Attempt(self.now, 0.0, Outcome.DELIVERED if good else Outcome.HTTP_5XX)
            results.append(type(came)(one, attempt, came.next))
            del self.in_flight[one.id]
            self.moved[one.id] = self.now
        self.do(self.store.record(results))

    @rule(name=st.sampled_from(NAMES), phases=st.sampled_from(PHASES))
    def something_is_to_be_owed_again(self, name, phases):
        self.now += 1
        selection = Selection(endpoint=name) if phases is None else Selection(endpoint=name, phases=phases)
        words = ", ".join(f"'{phase}'" for phase in selection.phases)
        number = NAMES.index(name) + 1
        where = f"endpoint = {number} AND phase IN ({words})"
        self.wished += [(id_, self.now) for (id_,) in self.do(deliveries(self.store, "id", where))]
        self.do(self.store.ask(selection, 10.0, self.now))
        self.now += 1

    @rule(most=st.integers(1, 5))
    def replays_go_on(self, most):
        for replay in self.do(self.store.unfinished()):
            self.do(self.store.owe_again(replay.id, most, self.now))

    @rule(name=st.sampled_from(NAMES), most=st.integers(1, 3))
    def something_is_dropped(self, name, most):
        self.now += 1
        self.do(self.store.drop_owed(name, (Phase.WAITING, Phase.DEAD), "ann", self.now, most))
        self.note("phase = 'dropped' AND settled_at = ?")

    @rule()
    def the_daemon_is_killed(self):
        """What is on its way is forgotten."""
        self.in_flight.clear()
        self.do(self.store.close())
        self.do(self.open())

    def note(self, where):
        for (id_,) in self.do(deliveries(self.store, "id", where.replace("?", str(self.now)))):
            self.moved[id_] = self.now

    @invariant()
    def a_lane_has_one_head_and_it_is_its_first(self):
        if hasattr(self, "store"):
            rows = self.do(deliveries(self.store, "endpoint, lane, sequence, head", "phase = 'waiting'"))
            lanes = {}
            for endpoint, lane, sequence, head in rows:
                lanes.setdefault((endpoint, lane), []).append((sequence, head))
            for (_, lane), members in lanes.items():
                expected = [1] * len(members) if lane is None else [1] + [0] * (len(members) - 1)
                assert [head for _, head in sorted(members)] == expected

    def teardown(self):
        if hasattr(self, "store"):
            self.all_is_sent()
            self.do(self.store.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    def until(self, is_over, step):
        """What never ends says what it waits for."""
        for _ in range(MOST_STEPS):
            if is_over():
                return
            step()
        waiting = self.do(deliveries(self.store, "id, endpoint, lane, sequence, head, due_at", "phase = 'waiting'"))
        left = self.in_flight, self.do(self.store.unfinished()), [tuple(row) for row in waiting]
        raise AssertionError(f"on its way, to be owed again, waiting: {left}")

    def a_round_is_sent(self):
        for name in NAMES:
            self.attempts_begin(name, 4)
        for one in self.in_flight.values():
            if one.lane is not None:
                assert one.sequence > self.last.get((one.endpoint, one.lane), 0)
                self.last[one.endpoint, one.lane] = one.sequence
        self.attempts_end((Phase.DELIVERED,) * 12)

    def all_is_sent(self):
        """Everybody answers well: what waits goes out, each lane in its order, and no wish is left."""
        self.until(lambda: not self.in_flight, lambda: self.attempts_end((Phase.DELIVERED,) * 4))
        self.until(lambda: not self.do(self.store.unfinished()), lambda: self.replays_go_on(3))
        self.until(lambda: not self.do(self.store.counts())["waiting"], self.a_round_is_sent)
        for id_, since in self.wished:
            assert self.moved[id_] > since


Lanes.TestCase.settings = settings(
    max_examples=30 * LONGER, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLanes = Lanes.TestCase
