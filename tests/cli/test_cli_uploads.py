"""`watch`, `unwatch`, `uploads`, `upload`: following by request, at a command line."""

import asyncio
import json

import pytest
from asking import served
from world import CALLING

from notifier.core.model import Reason, Status, Target, TargetStatus


@pytest.fixture
def asks(program, tmp_path):
    """Run a client command beside the loop of the daemon that it asks."""

    async def asks(*arguments):
        return await asyncio.to_thread(program, *arguments, "--socket", tmp_path / "notifier.sock")

    return asks


async def test_an_upload_is_watched_shown_and_let_go(asks, tmp_path):
    async with served(tmp_path, discover=False, calling=CALLING) as (w, _, _):
        url = "https://app.example.com/cb?hush"
        to = ("--label", "order=A=17", "--notify-url", url, "--notify-format", "standard")
        code, out, err = await asks("watch", "posts", "a", "b", *to)
        assert (code, err) == (0, "watch: notifier events --follow --source posts\n")
        assert [line.split()[:2] for line in out.splitlines()] == [["SOURCE", "ID"], ["posts", "a"], ["posts", "b"]]
        assert (await w.store.named("posts", "a")).labels == {"order": "A=17"}
        target = Target("x", TargetStatus.FAILED, reason=Reason("e", "of the wrong length"))
        w.client.set("a", Status.FAILED, reason=Reason("e", "no\x1b[31m"), targets=(target,), url="https://x.example/")
        await w.polls_until(w.clock.now + 30)
        code, out, err = await asks("upload", "posts", "a")
        assert (code, err) == (0, "")
        for words in (
            "upload.failed",
            "x       failed  –    of the wrong length",
            "why: no",
            "label order: A=17",
            "calls back: https://app.example.com/cb\n",
        ):
            assert words in out
        assert "hush" not in out
        assert "\x1b" not in out
        code, out, err = await asks("uploads", "--status", "failed", "--json")
        assert [one["id"] for one in json.loads(out)["items"]] == ["a"]
        code, out, err = await asks("uploads", "--open", "--json")
        assert [one["id"] for one in json.loads(out)["items"]] == ["b"]
        lines = "".join(f"{id_} is followed no more; what is owed of it stays owed\n" for id_ in "ab")
        assert await asks("unwatch", "posts", "a", "b") == (0, "", lines)
        assert await asks("uploads") == (0, "", "0 uploads\n")
        code, out, err = await asks("unwatch", "posts", "a", "--kind", "post")
        assert (code, out, "no upload 'a' is followed" in err) == (1, "", True)


async def test_one_that_nobody_has_seen_is_a_line_alone(asks, tmp_path):
    async with served(tmp_path, discover=False):
        code, out, _ = await asks("watch", "posts", "a", "--json")
        assert (code, json.loads(out)["items"][0]["status"]) == (0, None)
        code, out, _ = await asks("upload", "posts", "a")
        assert (code, len(out.splitlines())) == (0, 2)
        code, out, _ = await asks("upload", "posts", "a", "--json")
        assert json.loads(out)["events"] == []


@pytest.mark.parametrize(
    ("arguments", "expected", "status"),
    [
        (("watch", "pots", "a"), "source: expected the name of a source: posts", 1),
        (("watch", "posts", "a", "--notify-url", "https://x.example/"), "notify_url: expected none", 1),
        (("watch", "posts", "a", "--label", "order"), "'order' is no KEY=VALUE", 2),
        (("watch", "posts"), "Missing argument 'ID...'", 2),
        (("watch", "posts", "a", " "), "a name is missing: ' '", 2),
        (("unwatch", "posts", ""), "a name is missing: ''", 2),
        (("uploads", "--status", "done"), "status: expected", 2),
    ],
)
async def test_what_cannot_be_is_said_in_a_sentence(asks, tmp_path, arguments, expected, status):
    async with served(tmp_path, discover=False):
        code, out, err = await asks(*arguments)
    assert (code, out) == (status, "")
    assert expected in err


@pytest.mark.parametrize("words", [("uploads", "--status", "nonsense"), ("events", "--type", "nonsense")])
async def test_a_word_that_the_daemon_does_not_know_is_a_wrong_command_line(asks, tmp_path, words):
    async with served(tmp_path):
        code, out, err = await asks(*words)
    assert (code, out) == (2, "")
    assert "expected" in err
