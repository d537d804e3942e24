"""The commands beside a daemon that serves them: what dies is owed again, what waits is given up, a pause is kept."""

import json

from asking import announced, dead, telling

from notifier.core.model import Status


async def test_what_is_dead_is_found_and_owed_again_with_the_same_bytes(asks, tmp_path):
    async with telling(tmp_path) as (w, _, _):
        await announced(w, "u1", "u2")
        before = w.receivers.events("app")
        await dead_again(w)
        _, out, _ = await asks("deliveries", "--phase", "dead", "--json")
        found = json.loads(out)["items"]
        assert [one["phase"] for one in found] == ["dead", "dead"]
        code, out, err = await asks("replay", "--endpoint", "app", "--phase", "dead", "--yes")
        assert (code, out) == (0, "")
        assert err.startswith("replay 1 owes 2 deliveries again")
        await w.replays.step(w.clock.now)
        await w.settle()
        came = w.receivers.events("app")[len(before) :]
        assert [one["id"] for one in came] == [one["event"] for one in found[::-1]]
        code, out, _ = await asks("event", came[0]["id"])
        assert code == 0
        assert "delivered" in out
        assert "422" in out


async def dead_again(w):
    """Something more is told of both uploads, and nobody takes it."""
    w.receivers.down.add("app")
    await announced(w, "u1", "u2", status=Status.COMPLETED)
    await dead(w)
    w.receivers.down.clear()


async def test_what_is_given_up_is_never_sent(asks, tmp_path):
    async with telling(tmp_path) as (w, _, _):
        w.receivers.down.add("app")
        await announced(w, "u1", "u2")
        assert (await asks("drop", "--endpoint", "app", "--dry-run"))[1] == "2 deliveries would be given up\n"
        assert (await asks("drop", "--endpoint", "app", "--yes"))[2].startswith("given up: 2 deliveries")
        w.receivers.down.clear()
        w.clock.now += 90_000
        await w.settle()
        assert w.receivers.events("app") == []
        out = (await asks("deliveries", "--phase", "dropped"))[1]
        assert out.count("dropped by uid ") == 2


async def test_a_pause_and_a_ping_are_heeded(asks, tmp_path):
    async with telling(tmp_path) as (w, _, _):
        assert (await asks("endpoint", "pause", "app"))[0] == 0
        assert "paused" in (await asks("endpoints"))[1]
        code, out, _ = await asks("endpoint", "ping", "app")
        assert (code, "delivered" in out) == (0, True)
        assert w.receivers.types("app") == ["notifier.ping"]
        assert "paused" in (await asks("endpoints"))[1]
        assert (await asks("endpoint", "resume", "app"))[0] == 0
        code, out, err = await asks("endpoint", "pause", "apq")
        assert (code, out) == (1, "")
        assert err.endswith("there are app\n")
