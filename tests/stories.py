"""A story that Hypothesis tells rule by rule, in a world of its own: whatever fails, it ends."""

import asyncio
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine
from world import World


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
