"""`notifier sources`, `notifier source poll`: what they ask, and what they show of the answer."""

import json
import re
import time

from asking import announced, telling

from notifier.core.model import Status
from notifier.core.moments import rfc_3339


def source(**more):
    return {
        "name": "posts", "provider": "upload_post", "state": "ok", "reason": None, "failing_since": None, "open": 3,
        "looked_at": rfc_3339(time.time() - 130), "next_at": rfc_3339(time.time() + 130), "rests_until": None,
        "may_go_at": None, "requests_used": 3, "requests_limit": 45, "requests_window": 60.0, "provider_left": None,
        "requests_per_hour": 2340, "requests_left": None, **more,
    }  # fmt: skip


def test_sources_are_a_line_each(asked):
    ago = rfc_3339(time.time() - 700)
    failing = source(
        name="media", state="failing", reason={"code": "unavailable", "text": "answers 503"}, failing_since=ago,
        rests_until=rfc_3339(time.time() + 70), requests_used=33, requests_window=3600.0,
        provider_left=21,
    )  # fmt: skip
    page = {"items": [failing, source()], "next": None}
    code, out, err, _ = asked({("GET", "/v1/sources"): page}, "sources")
    assert (code, err) == (0, "")
    assert [re.split("  +", line) for line in out.splitlines()[1:]] == [
        ["media", "upload_post", "failing", "3", "2 min ago", "in 2 min", "33", "45/h, 21 left there",
         "answers 503, since 11 min ago; rests; goes on in 1 min"],
        ["posts", "upload_post", "ok", "3", "2 min ago", "in 2 min", "3", "45/m", "–"],
    ]  # fmt: skip
    assert json.loads(asked({("GET", "/v1/sources"): page}, "sources", "--json")[1]) == page


def test_what_is_looked_at_is_told_and_where_to_see_it(asked):
    answers = {("POST", "/v1/sources/posts/poll"): (202, source())}
    code, out, err, calls = asked(answers, "source", "poll", "posts")
    assert (code, out, calls) == (0, "", [("POST", "/v1/sources/posts/poll", {})])
    assert err == "posts is looked at now; watch: notifier events --follow --source posts\n"
    rests = {("POST", "/v1/sources/posts/poll"): (202, source(rests_until=rfc_3339(time.time() + 70)))}
    assert (
        "posts is looked at as soon as it may: rests; goes on in 1 min; watch"
        in asked(rests, "source", "poll", "posts")[2]
    )


def test_a_source_whose_budget_is_used_up_is_not_said_to_be_looked_at_now(asked):
    used_up = source(may_go_at=rfc_3339(time.time() + 70))
    why = "its budget lets the next request go in 1 min"
    assert (
        f"posts is looked at as soon as it may: {why}; watch"
        in asked({("POST", "/v1/sources/posts/poll"): (202, used_up)}, "source", "poll", "posts")[2]
    )
    assert why in asked({("GET", "/v1/sources"): {"items": [used_up], "next": None}}, "sources")[1]


async def test_beside_the_daemon(asks, tmp_path):
    async with telling(tmp_path) as (w, _, _):
        await announced(w, "u1", status=Status.PROCESSING)
        assert (await asks("sources"))[1].splitlines()[1].split()[:4] == ["posts", "fake", "ok", "1"]
        assert (await asks("source", "poll", "posts"))[0] == 0
        assert w.rung == ["posts"]
        code, _, err = await asks("source", "poll", "post")
        assert (code, err) == (1, "Error: the config has no source 'post': there are posts\n")
