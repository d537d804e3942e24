"""The real process is killed while uploads move, receivers fail and people ask: nothing is lost, nothing is invented.

At every named point (tests/fuses.py), and at random moments; judged by what upstream showed (tests/killing.py). `make
crash` runs the long form.
"""

import ast
import random
import signal

import killing as judging
import pytest
from killing import world
from longer import LONGER
from test_house import PACKAGE

from notifier.store import database, examination
from notifier.store.examination import examine

KILLS = 25
"""At random moments of each world."""
START = 0.25
"""Seconds within which most daemons are ready, on a machine that has other things to do as well."""
PASSAGES = min(LONGER, 4)
"""The process is killed at the first passage of each point, up to this one."""
TRIES = 12
UPGRADE = """
CREATE TABLE scratch (number INTEGER PRIMARY KEY, body TEXT) STRICT;
INSERT INTO scratch WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 500) SELECT i, '' FROM n;
UPDATE deliveries SET endpoint = endpoint;
DROP TABLE scratch;
"""
"""A migration to come: it touches much, and leaves all as it was."""
POINTS = {
    *(f"{when} {what}" for when in ("before", "after") for what in ("a request", "a POST", "a reload")),
    *(f"between {what} and its answer" for what in ("a request", "a POST")),
    *(f"at the head of the answer to {what}" for what in ("a request", "a POST")),
    *(f"{when} a pause is written" for when in ("before", "after")),
    *(f"{when} keys are rotated" for when in ("before", "after")),
    *(f"{when} a reload is put in force" for when in ("before", "after")),
    "before a reload is made ready",
    *(f"{when} writing back the log" for when in ("before", "after")),
    "before a stop",
    "after a stop was asked for",
    *(f"{when} the last results of a stop" for when in ("before", "after")),
    *(f"{when} closing the database" for when in ("before", "after")),
}
"""Where the process is killed, but for the commits and the migration."""

pytestmark = [pytest.mark.uncounted, pytest.mark.timeout(600 * LONGER)]


def commits():
    """Every method of the store that is a transaction."""
    for path in (PACKAGE / "store").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and "self.database.write" in ast.unparse(node):
                yield node.name


@pytest.mark.parametrize("passage", range(1, PASSAGES + 1))
async def test_a_kill_at_every_named_point_loses_nothing(tmp_path, passage):
    # A world for each: kills leave uploads that somebody meant to unfollow, and some fifty to be asked for fill a life.
    written = [*commits(), "a pause"]
    points = {f"{when} the commit of {name}" for when in ("before", "after") for name in written} | POINTS
    async with world(tmp_path, seed=passage) as killing:
        killing.upstream.slow = 3
        for tick in range(1, 4):
            assert await killing.burns("within a migration", tick)
        for _ in database.migrations():
            for when in ("before", "after"):
                assert await killing.burns(f"{when} a migration", 1)
        assert await passed(killing, points) == points
        for point in sorted(points):
            await burns(killing, point, passage)
        await killing.ends_well()


async def passed(killing, points):
    """The points that lives pass which nobody kills: of several, if need be, for some end before they come to all."""
    found = set()
    for _ in range(TRIES):
        killing.upstream.add(3)  # a busy machine may have let all others settle by now
        async with killing.living() as process:
            await killing.lives_through_all(process)
            process.kill(signal.SIGTERM)
            assert await process.ended() == 0
        found |= set(killing.trace.read_text().splitlines())
        if found >= points:
            break
    return found


async def burns(killing, point, passage):
    """Until a daemon has ended there: not every life passes it so often, and some end at the first."""
    for attempt in range(TRIES):
        if await killing.burns(point, passage if attempt < TRIES // 3 else 1):
            return
    raise AssertionError(point)


async def test_an_upgrade_that_is_killed_anywhere_loses_nothing_of_what_waits(tmp_path, monkeypatch):
    migrations = [*database.migrations(), UPGRADE]
    monkeypatch.setattr(examination, "migrations", lambda: migrations)
    async with world(tmp_path, seed=4) as killing:
        for one in killing.receivers.values():
            one.answer = lambda: 503
        await killing.is_killed(after=1.2)
        killing.migrations = [UPGRADE]
        for passage in (1, 2, 5, 20):
            assert await killing.burns("within a migration", passage)
            assert examine(killing.folder / "notifier.db").schema == len(migrations) - 1
        for when in ("before", "after"):
            assert await killing.burns(f"{when} a migration", 1)
        assert examine(killing.folder / "notifier.db").schema == len(migrations)
        assert not await killing.burns("before a migration", 1)
        await killing.ends_well()


@pytest.mark.parametrize("seed", range(LONGER))
async def test_kills_at_random_moments_lose_nothing(tmp_path, seed):
    draw = random.Random(seed)
    async with world(tmp_path, seed) as killing:
        killing.troubles = 0.2
        for life in range(KILLS):
            killing.takes_all = life < KILLS / 2
            if life % 4:
                await killing.is_killed(after=draw.uniform(0.05, 1.5))
            else:
                await killing.is_killed_as_it_starts(after=draw.uniform(0, START))
        assert killing.kills == KILLS
        await killing.ends_well()


async def test_kills_between_requests_and_their_answers_overdraw_no_budget(tmp_path):
    """Of twice as many lives as requests may go in a minute each is killed at its first, or after half a second."""
    async with world(tmp_path, seed=5) as killing:
        killing.budget = "3/m"
        killing.upstream.add(3)
        for _ in range(6):
            async with killing.living(burn=("between a request and its answer", 1)) as process:
                await process.lasts(0.5)
        assert killing.requests
        killing.judge_politeness()


async def test_the_judge_says_what_has_not_come(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "PATIENCE", 0.5)
    async with world(tmp_path, seed=3) as killing:
        killing.upstream.was["lost"] = ["completed"]
        with pytest.raises(AssertionError, match=r"app: .*lost.*None.*completed"):
            await killing.ends_well()
