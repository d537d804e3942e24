"""The two loops over a real database: what is announced, and what is owed for it."""

import asyncio
from dataclasses import replace

import pytest
from things import upload
from world import Killed, endpoint, world

from notifier import poller
from notifier.core.diff import Vanishing
from notifier.core.model import Answer, Baseline, Observation, Order, Rate, Reason, Status, Target, TargetStatus
from notifier.core.pace import Why
from notifier.core.questions import single
from notifier.poller import IDLE
from notifier.providers.base import Malformed, Refused, Unavailable
from notifier.store import Store
from notifier.telling import REMEMBERED, tell_skipped

S = Status


async def test_a_silent_baseline_announces_nothing_and_everything_after_it(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.COMPLETED)
        await w.poll()
        await w.settle()
        assert w.receivers.types("app") == []
        w.client.set("a", S.COMPLETED)
        w.client.set("c", S.QUEUED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        assert sorted(w.receivers.types("app")) == ["upload.completed", "upload.queued"]
        by_id = {event["data"]["upload"]["id"]: event["data"] for event in w.receivers.events("app")}
        assert by_id["a"]["previous"] == {"status": "processing", "raw_status": "processing"}
        assert by_id["a"]["changes"] == [{"field": "status", "from": "processing", "to": "completed"}]
        assert (by_id["a"]["first_seen"], by_id["a"]["sequence"]) == (False, 1)
        assert (by_id["c"]["first_seen"], by_id["c"]["previous"]) == (True, None)


async def test_an_announced_baseline_tells_what_is_there(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), baseline=Baseline.ANNOUNCE) as w:
        w.client.page_size = 1
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.COMPLETED)
        await w.poll(2)
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing", "upload.completed"]


async def test_a_baseline_reads_every_page_before_anything_is_news(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        w.client.page_size = 2
        for n in range(5):
            w.client.set(f"u{n}", S.COMPLETED)
        await w.poll(3)
        assert [look.page for look in w.client.asked] == [1, 2, 3]
        await w.settle()
        assert w.receivers.types("app") == []


async def test_a_pass_that_looked_answers_when_the_next_look_is_due(tmp_path):
    async with world(tmp_path) as w:
        w.client.set("a", S.PROCESSING)
        at = await w.poller.poll("posts")
        assert w.clock.now < at == await w.poller.poll("posts")
        assert len(w.client.asked) == 1
        w.clock.now = at
        assert await w.poller.poll("posts") > at
        assert len(w.client.asked) == 2


async def test_the_log_tells_what_was_announced_before_the_outlook_is_asked_for(tmp_path, caplog):
    """Else an attempt may be in it before its cause, and a stop in between leaves the cause out."""
    caplog.set_level("INFO")
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        w.client.set("a", S.PROCESSING)
        told, outlook = [], w.store.outlook

        async def asked(*args):
            told.append([record.message for record in caplog.records])
            return await outlook(*args)

        w.store.outlook = asked
        await w.poll()
        assert told == [[], ["announced"]]


async def test_whoever_waits_for_what_is_owed_asks_before_the_outlook_is_asked_for(tmp_path):
    """The sender, that is: the webhook need not wait until the poller has chosen its next question."""
    order = []
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        w.client.set("a", S.PROCESSING)

        def told(ask):
            async def asked(work, *args, **named):
                order.append(work.__name__)
                return await ask(work, *args, **named)

            return asked

        async def sends():
            await w.sender.wake.wait()
            return await w.sender.send_due()

        w.store.database.read, w.store.database.look = told(w.store.database.read), told(w.store.database.look)
        sending = asyncio.create_task(sends())
        w.sender.wake.clear()
        await w.poll()
        await sending
        assert order[-2:] == ["_due", "read"]


async def test_a_webhook_goes_out_while_its_source_waits_without_a_hand_and_without_its_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(poller, "AFTER_NEWS", 3600.0)
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        w.client.set("a", S.PROCESSING)
        w.poller.hands.take()
        polling = asyncio.create_task(w.poller.poll("posts"))
        await w.sender.wake.wait()
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing"]
        assert not polling.done()
        assert not w.store.writing["posts"].locked()
        assert w.poller.hands._taken == 0
        polling.cancel()
        await asyncio.wait((polling,))
        assert w.poller.hands._taken == 1


async def test_a_registered_upload_is_never_part_of_the_silence(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        w.client.set("a", S.PROCESSING)
        await w.poll(2)
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing"]
        assert w.receivers.events("app")[0]["data"]["first_seen"] is True


async def test_a_registered_upload_that_nobody_knows_is_unknown_after_its_grace_and_found_later(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",), discover=False) as w:
        await w.polls_until(w.clock.now + 50)
        await w.settle()
        assert w.receivers.types("app") == []
        await w.polls_until(w.clock.now + 600)
        await w.settle()
        (event,) = w.receivers.events("app")
        assert (event["type"], event["data"]["upload"]["reason"]["code"]) == ("upload.unknown", "not_found")
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 3600)
        await w.settle()
        assert w.receivers.types("app") == ["upload.unknown", "upload.completed"]


async def test_one_denial_is_not_gone_and_several_past_the_grace_are(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",), discover=False) as w:
        w.client.set("a", S.PROCESSING)
        await w.poll()
        gone = w.client.truth.pop("a")
        await w.poll()
        w.client.truth["a"] = gone
        await w.polls_until(w.clock.now + 300)
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing"]
        w.client.truth.clear()
        await w.polls_until(w.clock.now + 300)
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing", "upload.gone"]


async def test_an_empty_listing_is_not_news(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        w.client.set("a", S.COMPLETED)
        await w.poll()
        w.client.truth.clear()
        await w.polls_until(w.clock.now + 900)
        await w.settle()
        assert w.receivers.types("app") == []


@pytest.mark.parametrize("fault", [Unavailable("down"), Refused("no"), Malformed("html")])
async def test_a_source_in_trouble_is_reported_once_and_recovers_once(tmp_path, fault, caplog):
    everything = endpoint("ops", events=("*",))
    async with world(tmp_path, endpoints=(everything,), uploads=("a", "b")) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.poll(3)
        w.client.fault = fault
        await w.polls_until(w.clock.now + 3600)
        w.client.fault = None
        w.client.set("a", S.COMPLETED)
        w.poller.resume()
        await w.polls_until(w.clock.now + 3600)
        await w.settle()
        types = w.receivers.types("ops")
        assert types.count("source.failing") == types.count("source.recovered") == 1
        assert types.count("upload.completed") == 1
        assert "upload.failed" not in types
        assert "upload.gone" not in types
        failing = next(event for event in w.receivers.events("ops") if event["type"] == "source.failing")
        assert failing["data"]["source"] == "posts"
        assert set(failing["data"]) == {"source", "provider", "reason", "since"}
        warned = [
            record.fields
            for record in caplog.records
            if record.message == "announced" and record.levelname == "WARNING"
        ]
        assert failing["data"]["reason"]["text"].startswith(str(fault))
        assert [line["reason"].partition(": ")[2] for line in warned] == [failing["data"]["reason"]["text"]]


async def test_a_page_that_is_never_answered_does_not_hide_the_first(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        w.client.page_size = 1
        w.client.set("a", S.COMPLETED)
        w.client.set("b", S.COMPLETED)
        await w.poll()
        observe = w.client.observe

        async def page_two_is_broken(look, at):
            if look.page > 1:
                raise Unavailable("500")
            return await observe(look, at)

        w.client.observe = page_two_is_broken
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 86400)
        assert w.client.asked
        assert {look.page for look in w.client.asked} == {1}


async def test_an_outage_in_the_middle_of_a_sweep_hides_nothing_that_lies_deeper(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),)) as w:
        w.client.page_size = 1
        w.client.set("old", S.COMPLETED)
        await w.poll()
        w.client.truth = {}
        for id_ in ("newest", "newer", "new"):
            w.client.set(id_, S.COMPLETED)
        w.client.set("old", S.COMPLETED)
        observe = w.client.observe

        async def only_page_one_is_had(look, at):
            if look.page > 1:
                raise Unavailable("500")
            return await observe(look, at)

        w.client.observe = only_page_one_is_had
        await w.polls_until(w.clock.now + 7200)
        w.client.observe = observe
        await w.polls_until(w.clock.now + 7200)
        await w.settle()
        assert {event["data"]["upload"]["id"] for event in w.receivers.events("app")} == {"newest", "newer", "new"}


async def test_a_restart_in_a_lasting_trouble_of_one_upload_tells_nothing_twice(tmp_path):
    ops = endpoint("ops", events=("source.*",))
    async with world(tmp_path, endpoints=(ops,), uploads=("a",)) as w:
        observe = w.client.observe

        async def one_is_never_answered(look, at):
            if look.id == "a":
                raise Malformed("an answer without a status")
            return await observe(look, at)

        w.client.set("a", S.PROCESSING, complete=False)
        w.client.observe = one_is_never_answered
        for _ in range(3):
            await w.polls_until(w.clock.now + 7200)
            await w.stop()
            await w.start()
        w.client.observe = observe
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 7200)
        await w.settle()
        assert w.receivers.types("ops") == ["source.failing", "source.recovered"]


async def test_a_clock_that_was_ahead_silences_no_source(tmp_path):
    async with world(tmp_path, discover=False, uploads=("a",)) as w:
        w.client.set("a", S.QUEUED)
        now = w.clock.now
        w.clock.now += 365 * 86400
        await w.poll(3)
        w.clock.now = now
        await w.poller.believe_no_later(0.0)
        w.client.set("a", S.COMPLETED)
        await w.polls_until(now + 6 * 3600 + 1)
        events = await w.store.database.rows("SELECT type FROM events ORDER BY position")
        assert [row[0] for row in events] == ["upload.queued", "upload.completed"]


async def test_rows_that_stay_broken_are_told_once(tmp_path, caplog):
    async with world(tmp_path) as w:
        w.client.set("a", S.COMPLETED)
        w.client.skipped = ("row 2: id: missing", "row 3: id: missing")
        await w.polls_until(w.clock.now + 3600)
        w.client.skipped = ()
        await w.polls_until(w.clock.now + 3600)
        told = [record.fields for record in caplog.records if record.message == "skipped"]
        assert told == [{"source": "posts", "rows": 2, "reason": "row 2: id: missing; row 3: id: missing"}]


async def test_of_the_questions_whose_rows_stay_broken_only_the_last_are_remembered(tmp_path, caplog):
    async with world(tmp_path) as w:
        one, answer = w.poller.watched["posts"], Answer(skipped=("row 1: broken",))
        asked = [single(replace(upload(), id=f"u{n}"), 0.0, Why.FIRST, many_kinds=False) for n in range(REMEMBERED + 9)]
        for question in (*asked, asked[-1], asked[9], asked[8]):
            tell_skipped(one, question, answer)
        assert (len(one.skipped), len(caplog.records)) == (REMEMBERED, len(asked) + 1)


async def test_a_limit_is_waited_for_and_only_a_second_one_in_a_row_is_trouble(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("ops", events=("*",)),), uploads=("a",), discover=False) as w:
        w.client.set("a", S.PROCESSING)
        await w.poll()
        w.client.fault = Unavailable("429", retry_after=100.0, limited=True)
        await w.poll()
        asked, held_from = len(w.client.asked), w.clock.now
        w.client.fault = None
        await w.polls_until(held_from + 99)
        assert len(w.client.asked) == asked
        await w.polls_until(held_from + 200)
        assert len(w.client.asked) > asked
        await w.settle()
        assert w.receivers.types("ops") == ["upload.processing"]
        w.client.fault = Unavailable("429", limited=True)
        await w.polls_until(w.clock.now + 600)
        await w.settle()
        assert w.receivers.types("ops") == ["upload.processing", "source.failing"]


async def test_a_stalled_upload_is_told_once_per_stay(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",), stalled_after=600.0) as w:
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 3600)
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing", "upload.stalled"]


async def test_details_of_a_settled_upload_make_one_updated_event(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        x = Target("x", TargetStatus.COMPLETED)
        w.client.set("a", S.COMPLETED, targets=(x,))
        await w.poll(2)
        x = Target("x", TargetStatus.FAILED, reason=Reason("e", "t"))
        w.client.set("a", S.COMPLETED, url="https://example.com/a", targets=(x,))
        await w.polls_until(w.clock.now + 7200)
        await w.settle()
        event = w.receivers.events("app")[-1]
        assert event["type"] == "upload.updated"
        fields = {change["field"] for change in event["data"]["changes"]}
        assert fields == {"url", "targets.x.status", "targets.x.reason"}


async def test_a_settled_upload_that_moves_again_is_reopened(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        w.client.set("a", S.FAILED)
        await w.poll(2)
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 7200)
        await w.settle()
        assert [(e["type"], e["data"]["reopened"]) for e in w.receivers.events("app")] == [
            ("upload.failed", False),
            ("upload.processing", True),
        ]


async def test_order_is_kept_in_a_lane_while_other_lanes_and_endpoints_go_on(tmp_path):
    endpoints = (endpoint("up"), endpoint("down"))
    async with world(tmp_path, endpoints=endpoints, uploads=("a", "b")) as w:
        w.receivers.down = {"down"}
        for status in (S.QUEUED, S.PROCESSING, S.COMPLETED):
            w.client.set("a", status)
            w.client.set("b", status)
            await w.polls_until(w.clock.now + 60)
            await w.settle()
        assert len(w.receivers.types("up")) == 6
        assert w.receivers.types("down") == []
        w.receivers.down = set()
        await w.sends_until(w.clock.now + 86400)
        for id_ in ("a", "b"):
            mine = [e["data"]["sequence"] for e in w.receivers.events("down") if e["data"]["upload"]["id"] == id_]
            assert mine == [1, 2, 3]


async def test_a_delivery_dies_after_its_schedule_and_its_lane_goes_on(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app", schedule=(0.0, 10.0)),), uploads=("a",)) as w:
        w.receivers.down = {"app"}
        w.client.set("a", S.PROCESSING)
        await w.poll(2)
        await w.sends_until(w.clock.now + 60)
        assert w.receivers.calls == 2
        w.receivers.down = set()
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 120)
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed"]


async def test_latest_replaces_an_unsent_older_status_and_keeps_its_row(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app", order=Order.LATEST),), uploads=("a",)) as w:
        w.receivers.down = {"app"}
        for status in (S.QUEUED, S.PROCESSING, S.COMPLETED):
            w.client.set("a", status)
            await w.polls_until(w.clock.now + 60)
        w.receivers.down = set()
        await w.sends_until(w.clock.now + 86400)
        assert w.receivers.types("app") == ["upload.completed"]
        async with w.store.database.reader.execute("SELECT phase, replaced_by FROM deliveries ORDER BY id") as rows:
            assert [tuple(row) async for row in rows] == [("superseded", 2), ("superseded", 3), ("delivered", None)]


async def test_without_order_every_delivery_is_for_itself(tmp_path):
    app = endpoint("app", order=Order.NONE, schedule=(0.0, 3600.0))
    async with world(tmp_path, endpoints=(app,), uploads=("a",)) as w:
        w.receivers.down = {"app"}
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        await w.settle()
        w.receivers.down = set()
        w.client.set("a", S.COMPLETED)
        await w.poll(2)
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed"]
        await w.sends_until(w.clock.now + 7200)
        assert w.receivers.types("app") == ["upload.completed", "upload.queued"]


async def test_a_rate_spreads_what_is_due(tmp_path):
    endpoints = (endpoint("app", rate=Rate(2, 1)),)
    async with world(tmp_path, endpoints=endpoints, uploads=tuple("abcdefgh")) as w:
        for id_ in "abcdefgh":
            w.client.set(id_, S.QUEUED)
        await w.poll(9)
        start = w.clock.now
        await w.settle()
        assert len(w.receivers.types("app")) == 2
        await w.sends_until(start + 1)
        assert len(w.receivers.types("app")) == 4
        await w.sends_until(start + 10)
        assert len(w.receivers.types("app")) == 8


async def test_recovery_does_not_wait_for_an_upload_that_is_not_asked_for_any_more(tmp_path):
    everything = endpoint("ops", events=("source.*",))
    async with world(tmp_path, endpoints=(everything,), uploads=("a",)) as w:
        observe = w.client.observe

        async def not_by_its_id(look, at):
            if look.id == "a":
                raise Unavailable("down")
            return await observe(look, at)

        w.client.set("a", S.PROCESSING, complete=False)  # half of it is on the list: the rest is asked for
        w.client.observe = not_by_its_id
        await w.polls_until(w.clock.now + 60)
        w.client.set("a", S.COMPLETED)  # now the list tells all of it
        await w.polls_until(w.clock.now + 1800)
        await w.settle()
        assert w.receivers.types("ops") == ["source.failing", "source.recovered"]


async def test_what_a_provider_has_let_expire_is_no_news_when_a_list_shows_it_again(tmp_path):
    everything = endpoint("app")
    vanishing = Vanishing(keeps_settled=False)
    async with world(tmp_path, endpoints=(everything,), uploads=("a",), vanishing=vanishing) as w:
        w.client.set("a", S.COMPLETED)
        await w.poll(3)
        expired = w.client.truth.pop("a")
        await w.polls_until(w.clock.now + 2 * 86400)
        w.client.truth["a"] = expired
        await w.polls_until(w.clock.now + 3600)
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed"]


async def test_what_ends_the_sender_still_closes_the_store(tmp_path):
    async def post(_delivery):
        raise Killed

    async def story():
        async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
            w.post = post
            w.client.set("a", S.COMPLETED)
            await w.poll(2)
            await w.sender.send_due()

    with pytest.raises(Killed):
        await story()
    async with world(tmp_path):
        pass


async def test_where_there_is_nothing_to_ask_nothing_is_asked(tmp_path):
    async with world(tmp_path, discover=False) as w:
        assert await w.poller.poll("posts") == w.clock.now + IDLE
        assert w.client.asked == []


async def test_of_two_rows_about_one_upload_the_newer_counts_whatever_their_order(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), baseline=Baseline.ANNOUNCE) as w:
        rows = [
            Observation("post", "a", S.COMPLETED, "completed", updated_at=w.clock.now - 10),
            Observation("post", "a", S.PROCESSING, "processing", updated_at=w.clock.now - 20),
            Observation("post", "b", S.PROCESSING, "processing", updated_at=w.clock.now - 20),
            Observation("post", "b", S.COMPLETED, "completed", updated_at=w.clock.now - 10),
        ]

        async def both(_look, _at):
            return Answer(tuple(rows))

        w.client.observe = both
        await w.poll()
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed", "upload.completed"]


async def test_an_answer_without_a_word_of_what_was_asked_for_is_a_fault_of_the_source(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("ops", events=("*",)),), uploads=("a",), discover=False) as w:

        async def silence(_look, _at):
            return Answer()

        w.client.observe = silence
        await w.poll()
        await w.settle()
        (event,) = w.receivers.events("ops")
        assert event["type"] == "source.failing"
        assert event["data"]["reason"] == {"code": "malformed", "text": "asked for a, answered without a word of it"}


async def test_half_an_answer_is_no_recovery(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("ops", events=("*",)),), uploads=("a",), discover=False) as w:

        async def second_form_fails(look, _at):
            if look.ref is None:
                return Answer(then=replace(look, ref="job_id"))
            raise Unavailable("500")

        w.client.observe = second_form_fails
        await w.polls_until(w.clock.now + 3600)
        await w.settle()
        assert w.receivers.types("ops") == ["source.failing"]


class Counting(Store):
    """It counts the batches that it was to write."""

    batches = 0

    async def record(self, *batch):
        self.batches += 1
        return await super().record(*batch)


async def test_what_a_pass_and_a_stop_both_find_is_written_once(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",), open_store=Counting.open) as w:
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        w.sender.wake.clear()
        await w.sender.send_due()
        await w.sender.wake.wait()
        await asyncio.gather(w.sender.record_ended(), w.sender.record_ended())
        assert (w.sender.in_flight, w.receivers.types("app")) == (0, ["upload.queued"])
        assert w.store.batches == 1


async def test_a_pass_after_a_stop_starts_nothing(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), uploads=("a",)) as w:
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        await w.sender.stop(0)
        await w.sender.send_due()
        assert w.sender.in_flight == 0
