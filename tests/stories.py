"""A story that Hypothesis tells rule by rule, in a world of its own: whatever fails, it ends."""

import asyncio
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine
from world import World

MOST_ATTEMPTS = 1000
WAITING = """SELECT n.name, e.type, e.id, d.due_at FROM deliveries AS d
    JOIN events AS e ON e.position = d.event JOIN endpoints AS n ON n.number = d.endpoint
    WHERE d.phase = 'waiting'"""


class Story(RuleBasedStateMachine):
    """Each has `all_is_well`: how it ends where nothing has failed."""

    def __init__(self, **world):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="notifier-story-"))
        self.world = World(self.folder / "notifier.db", **world)
        self.is_cut_off = False
        """Whether a scene was: then there may be requests that never end."""

    def do(self, scene):
        self.is_cut_off = True
        result = self.loop.run_until_complete(scene)
        self.is_cut_off = False
        return result

    async def all_is_sent(self):
        """Until nothing waits any more, the clock moved from one attempt to the next."""
        for _ in range(MOST_ATTEMPTS):
            at = await self.world.settle()
            waiting = [tuple(row) for row in await self.world.store.database.rows(WAITING)]
            if not waiting:
                return
            self.world.clock.now = at
        raise AssertionError(f"after {MOST_ATTEMPTS} attempts there still wait, endpoint, event and when: {waiting}")

    def teardown(self):
        with ExitStack() as ending:
            ending.callback(shutil.rmtree, self.folder)
            ending.callback(self.loop.close)
            if hasattr(self.world, "store"):
                ending.callback(self.is_stopped)
                if not self.is_cut_off:
                    self.all_is_well()

    def is_stopped(self):
        self.do(self.world.stop(within=0.0))
