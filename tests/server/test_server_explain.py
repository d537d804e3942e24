"""/v1/explain: what it says is what is done."""

import json

from asking import announced, telling
from world import CALLING, endpoint

from notifier.core.model import Attempt, Basic, Callback, Command, Outcome, Phase, Status, Target, TargetStatus
from notifier.core.secret import Secret

HIDDEN = "a-value-that-nobody-may-see"
S = Status
SOME = (
    endpoint("app", headers={"X-Env": HIDDEN}, bearer=Secret(HIDDEN)),
    endpoint("crm", events=("upload.failed",)),
    endpoint("ops", statuses=("failed",), basic=Basic("ann", Secret(HIDDEN))),
    endpoint("other", sources=("media",)),
    endpoint("old", format="encoding_com"),
    endpoint("leaving", drain=True),
)


async def explained(caller, **which):
    said = await caller.get("/v1/explain", source="posts", id="u1", **which)
    assert said.status == 200
    assert HIDDEN not in json.dumps(said.body)
    return said.body


async def test_each_endpoint_is_told_with_what_it_gets_or_why_it_gets_nothing(tmp_path):
    async with telling(tmp_path, *SOME) as (w, caller, _):
        await announced(w, "u1", status=S.PROCESSING)
        await announced(w, "u1", status=S.COMPLETED)
        told = await explained(caller)
        assert told["event"]["type"] == "upload.completed"
        by_name = {one["endpoint"]: one for one in told["endpoints"]}
        assert {name: (one["wanted"], one["cause"], one["phase"]) for name, one in by_name.items()} == {
            "app": (True, None, "delivered"),
            "crm": (False, "unwanted_event", None),
            "ops": (False, "unwanted_status", None),
            "other": (False, "unwanted_source", None),
            "old": (True, None, "delivered"),
            "leaving": (False, "drain", None),
        }
        (sent,) = by_name["app"]["sent"]
        assert sent["body"].encode() == w.receivers.got["app"][1]
        assert sent["headers"]["x-env"] == sent["headers"]["authorization"] == "***"
        assert sent["headers"]["webhook-id"] == told["event"]["id"]
        (call,) = by_name["old"]["sent"]
        assert call["body"].encode() == w.receivers.got["old"][0]
        assert call["headers"].keys() == {"content-type", "user-agent"}


async def test_a_destination_that_is_dead_hides_behind_no_other(tmp_path):
    async with telling(tmp_path, endpoint("old", format="encoding_com", notify_upload=True)) as (w, caller, _):
        receive, phases = w.post, []

        async def post(delivery):
            return await (receive(delivery) if w.receivers.calls else aborted())

        async def aborted():
            w.receivers.calls += 1
            return Attempt(w.clock.now, 0.01, Outcome.HTTP_4XX, 422, command=Command.ABORT)

        w.post = post
        targets = tuple(Target(f"t{n}", TargetStatus.COMPLETED, url=f"https://a.example/{n}") for n in range(2))
        w.client.set("u1", S.COMPLETED, targets=targets)
        await w.poll()
        for _ in range(3):
            (one,) = (await explained(caller))["endpoints"]
            phases.append(one["phase"])
            await w.settle()
        assert phases == ["waiting", "dead", "dead"]
        became = [row.phase for row in (await w.store.deliveries("old")).items]
        assert became == [Phase.DELIVERED, Phase.DELIVERED, Phase.DEAD]


async def test_an_earlier_event_is_explained_where_it_is_named(tmp_path):
    async with telling(tmp_path, endpoint("app")) as (w, caller, _):
        await announced(w, "u1", status=S.PROCESSING)
        first = w.receivers.events("app")[0]["id"]
        await announced(w, "u1", status=S.COMPLETED)
        assert (await explained(caller, event=first))["event"]["type"] == "upload.processing"
        said = await caller.get("/v1/explain", source="posts", id="u1", event="evt_9")
        assert (said.status, said.detail.partition(" was")[0]) == (404, "no event 'evt_9' of it")


async def test_the_callback_of_an_upload_is_among_them_and_no_other(tmp_path):
    async with telling(tmp_path, endpoint("app"), calling=CALLING) as (w, caller, _):
        for id_ in ("u1", "u2"):
            await w.register(id_, callback=Callback(f"https://app.example.com/{id_}?token={HIDDEN}", "standard"))
        await announced(w, "u1", "u2", status=S.COMPLETED)
        told = (await explained(caller))["endpoints"]
        assert [(one["endpoint"], one["wanted"]) for one in told] == [("app", True), ("notify:1", True)]
        assert told[1]["url"] == "https://app.example.com/u1"


async def test_of_what_nothing_was_announced_there_is_nothing_to_explain(tmp_path):
    async with telling(tmp_path, *SOME, calling=CALLING) as (w, caller, _):
        assert (await caller.get("/v1/explain", source="posts", id="u1")).status == 404
        await w.register("u1", callback=Callback("https://app.example.com/u1", "standard"))
        said = await caller.get("/v1/explain", source="posts", id="u1")
        assert (said.status, said.detail.partition("; ")) == (
            404,
            (
                "'u1' at 'posts' is followed, and was not seen yet: there is nothing to be sent",
                "; ",
                "what is announced of it will go to app, crm, ops, old, notify:1",
            ),
        )
        assert (await caller.get("/v1/explain", source="posts")).status == 400


async def test_of_what_was_not_seen_yet_it_is_told_that_nobody_wants_anything(tmp_path):
    async with telling(tmp_path, SOME[3]) as (w, caller, _):
        await w.register("u1")
        said = await caller.get("/v1/explain", source="posts", id="u1")
        assert said.detail.endswith("there is nothing to be sent; no endpoint wants anything of it")
