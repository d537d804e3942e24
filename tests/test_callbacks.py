"""An upload's own callback: a receiver like every other, for the uploads that named it alone."""

import asyncio
import json
from dataclasses import replace

import pytest
from planning import overheard
from world import CALLBACKS, CALLING, Clock, World, endpoint, world

from notifier.calls import SOON
from notifier.core.callbacks import Calling
from notifier.core.health import State
from notifier.core.model import Attempt, Callback, LookKind, Order, Outcome, Rate, Status
from notifier.core.pauses import Pause
from notifier.core.rhythm import Listing
from notifier.core.secret import Secret
from notifier.housekeeping import Housekeeping
from notifier.registrations import CannotRegister
from notifier.store import UnknownNameError

S = Status
APP = endpoint("app")
OPS = endpoint("ops", events=("endpoint.*",))
DAY = 86400.0


def to(path="cb", host="app", format_="standard"):
    return Callback(f"https://{host}.example.com/{path}", format_)


def called(w, name):
    return [(one["data"]["upload"]["id"], one["type"]) for one in w.receivers.events(name)]


async def rows(w, sql):
    return [tuple(row) for row in await w.store.database.rows(sql)]


async def test_a_callback_is_told_of_the_uploads_that_named_it_and_of_no_other(tmp_path):
    async with world(tmp_path, endpoints=(APP,), calling=CALLING) as w:
        await w.poll()
        await w.register("a", callback=to("one?token=1"))
        await w.register("b", callback=to("two"))
        for status in (S.PROCESSING, S.COMPLETED):
            for id_ in ("a", "b", "c"):
                w.client.set(id_, status)
            await w.polls_until(w.clock.now + 400)
            await w.settle()
        assert called(w, "notify:1") == [("a", "upload.processing"), ("a", "upload.completed")]
        assert called(w, "notify:2") == [("b", "upload.processing"), ("b", "upload.completed")]
        assert len(w.receivers.events("app")) == 6
        assert w.sender.served.keys() == {"app"}


async def test_one_url_in_one_format_is_one_callback(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        for id_, callback in (("a", to()), ("b", to()), ("c", to(format_="cloudevents")), ("a", None)):
            await w.register(id_, callback=callback)
        assert await rows(
            w, "SELECT name, url, format, origin FROM endpoints WHERE number < 0 ORDER BY number DESC"
        ) == [
            ("notify:1", "https://app.example.com/cb", "standard", "https://app.example.com:443"),
            ("notify:2", "https://app.example.com/cb", "cloudevents", "https://app.example.com:443"),
        ]
        assert (await w.store.named("posts", "a")).callback == replace(to(), number=-1)


async def test_a_callback_that_says_410_pauses_and_no_other_does(tmp_path):
    async with world(tmp_path, endpoints=(OPS,), calling=CALLING, discover=False) as w:
        post = w.post

        async def gone(delivery):
            if delivery.endpoint == "notify:1":
                return Attempt(w.clock.now, 0.01, Outcome.HTTP_410, 410)
            return await post(delivery)

        w.post = gone
        for id_ in ("a", "b"):
            await w.register(id_, callback=to(id_))
            w.client.set(id_, S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        assert called(w, "notify:2") == [("b", "upload.completed")]
        (told,) = w.receivers.events("ops")
        assert (told["type"], told["data"]["endpoint"]) == ("endpoint.paused", "notify:1")
        await w.sends_until(w.clock.now + DAY)
        assert (await w.store.callback("notify:1")).health.paused is Pause.GONE
        w.post = post
        await w.stop()
        await w.start()
        await w.sender.resume("notify:1")
        await w.settle()
        assert called(w, "notify:1") == [("a", "upload.completed")]


async def test_a_callback_that_fails_is_tried_again_across_restarts(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        w.receivers.down = {"notify:1"}
        await w.register("a", callback=to())
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        await w.stop()
        await w.start()
        assert w.sender.served == {}
        w.receivers.down = set()
        await w.sends_until(w.clock.now + 600)
        assert called(w, "notify:1") == [("a", "upload.completed")]
        assert w.sender.served == {}


async def test_a_callback_is_shut_off_by_its_failures_and_probed(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        w.receivers.down = {"notify:1"}
        for n in range(8):
            await w.register(f"u{n}", callback=to())
            w.client.set(f"u{n}", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        at = await w.settle()
        calls = w.receivers.calls
        assert (await w.store.callback("notify:1")).health.state is State.OPEN
        assert at < w.clock.now + 60
        await w.sender.believe_no_later()
        await w.sends_until(w.clock.now + 40)
        assert w.receivers.calls == calls + 1
        w.receivers.down = set()
        await w.sends_until(w.clock.now + 3600)
        assert len(called(w, "notify:1")) == 8


async def test_a_host_that_hangs_takes_the_places_of_one_endpoint_by_however_many_urls(tmp_path):
    calling = replace(CALLING, template=replace(CALLBACKS, max_in_flight=3))
    async with world(tmp_path, endpoints=(APP,), calling=calling, discover=False, in_flight_total=12) as w:
        hanging, post, free = {}, w.post, asyncio.Event()

        async def hangs(delivery):
            if delivery.endpoint in slow:
                hanging[delivery.endpoint] = delivery
                await free.wait()
            return await post(delivery)

        w.post = hangs
        slow = {f"notify:{n}" for n in range(1, 41)}
        for n in range(40):
            await w.register(f"u{n}", callback=to(f"{n}", "slow"))
            w.client.set(f"u{n}", S.COMPLETED)
        await w.register("other", callback=to())
        w.client.set("other", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        for _ in range(5):
            await w.sender.send_due()
            await asyncio.sleep(0)
        await w.sender.send_due()
        assert len(hanging) == 3
        assert called(w, "notify:41") == [("other", "upload.completed")]
        free.set()
        while w.sender.in_flight:
            await w.sender.wake.wait()
            w.sender.wake.clear()
            await w.sender.send_due()
        await w.sends_until(w.clock.now + 60)
        assert len({*w.receivers.got} - {"app"}) == 41


async def test_callbacks_that_hang_at_a_host_each_leave_a_place_for_every_endpoint_of_the_config(tmp_path):
    app = endpoint("app", events=("upload.failed",))
    async with world(tmp_path, endpoints=(app,), calling=CALLING, discover=False, in_flight_total=12) as w:
        hanging, post, free = [], w.post, asyncio.Event()

        async def hangs(delivery):
            if delivery.endpoint != "app":
                hanging.append(delivery.endpoint)
                await free.wait()
            return await post(delivery)

        w.post = hangs
        for n in range(40):
            await w.register(f"u{n}", callback=to(f"{n}", f"slow{n}"))
            w.client.set(f"u{n}", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        for _ in range(5):
            await w.sender.send_due()
            await asyncio.sleep(0)
        assert len(hanging) == 11
        for n in range(3):
            await w.register(f"late{n}")
            w.client.set(f"late{n}", S.FAILED)
        await w.polls_until(w.clock.now + 60)
        for _ in range(5):
            await w.sender.send_due()
            await asyncio.sleep(0)
        assert w.receivers.types("app") == ["upload.failed"] * 3
        free.set()
        while w.sender.in_flight:
            await w.sender.wake.wait()
            w.sender.wake.clear()
            await w.sender.send_due()


async def test_however_much_is_due_at_one_origin_others_are_called_in_the_same_pass(tmp_path):
    calling = replace(CALLING, template=replace(CALLBACKS, max_in_flight=3))
    async with world(tmp_path, calling=calling, discover=False, in_flight_total=12) as w:
        slow, post = [], w.post

        async def answers_one_by_one(delivery):
            if delivery.endpoint != "notify:41":
                slow.append(asyncio.Event())
                await slow[-1].wait()
            return await post(delivery)

        w.post = answers_one_by_one
        for n in range(40):
            await w.register(f"u{n}", callback=to(f"{n}", "slow"))
            w.client.set(f"u{n}", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.register("other", callback=to())
        w.client.set("other", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.sender.send_due()
        for _ in range(4):
            await asyncio.sleep(0)
        assert len(slow) == 3
        assert called(w, "notify:41") == [("other", "upload.completed")]
        w.post = post
        for one in slow:
            one.set()
        await w.settle()
        assert len(w.receivers.got) == 41


async def test_callbacks_that_their_rate_holds_up_let_others_at_their_origin_go_before(tmp_path):
    calling = replace(CALLING, template=replace(CALLBACKS, max_in_flight=2, rate=Rate(1, 60)))
    async with world(tmp_path, calling=calling, discover=False) as w:
        for n in range(1, 6):
            for id_ in (f"{n}a", f"{n}b")[: 1 if n == 5 else 2]:
                await w.register(id_, callback=to(f"{n}"))
                w.client.set(id_, S.COMPLETED)
            await w.polls_until(w.clock.now + 5)
        await w.settle()
        assert [len(called(w, f"notify:{n}")) for n in range(1, 6)] == [1, 1, 1, 1, 1]
        await w.sends_until(w.clock.now + 60)
        assert [len(called(w, f"notify:{n}")) for n in range(1, 6)] == [2, 2, 2, 2, 1]


async def test_what_waits_for_callbacks_that_are_paused_is_not_looked_through_by_every_pass(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        for id_ in ("a", "b"):
            await w.register(id_, callback=to(id_))
        await w.sender.pause("notify:1")
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        async with overheard(w.store) as asked:
            for _ in range(20):
                await w.sender.send_due()
                w.clock.now += SOON / 10
        assert len([sql for sql in asked if "row_number" in sql]) == 2
        w.client.set("b", S.COMPLETED)
        await w.poll()
        await w.sends_until(w.clock.now + 1)
        assert called(w, "notify:2") == [("b", "upload.completed")]
        await w.sender.resume("notify:1")
        await w.settle()
        assert called(w, "notify:1") == [("a", "upload.completed")]


async def test_when_the_secrets_have_ended_what_is_signed_waits_and_what_is_not_goes(tmp_path, caplog):
    calling = replace(CALLING, template=replace(CALLBACKS, secrets=(Secret("whsec_x", Clock().now + 1),)))
    async with world(tmp_path, calling=calling, discover=False, in_flight_total=4) as w:
        for n in range(6):
            await w.register(f"u{n}", callback=to(f"{n}"))
            w.client.set(f"u{n}", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.register("old", callback=to(format_="encoding_com"))
        w.client.set("old", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        for _ in range(3):
            await w.settle()
        await w.sender.one("notify:1")
        await w.settle()
        assert w.receivers.got.keys() == {"notify:7"}
        assert (await w.store.callbacks_queue()).waiting == 6
        assert [one.getMessage() for one in caplog.records].count("cannot sign") == 1


async def test_pings_of_a_callback_go_one_after_the_other_whatever_passes_between(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        await w.register("a", callback=to())
        came, answers, post = asyncio.Queue(), asyncio.Queue(), w.post

        async def waits(delivery):
            came.put_nowait(w.sender.served[delivery.endpoint])
            await answers.get()
            return await post(delivery)

        w.post = waits
        pings = [asyncio.create_task(w.sender.ping("notify:1")) for _ in range(2)]
        await came.get()
        await w.sender.send_due()
        pings.append(asyncio.create_task(w.sender.ping("notify:1")))
        await w.store.ping()
        assert came.empty()
        for _ in pings:
            answers.put_nowait(None)
            await w.sender.send_due()
        await asyncio.gather(*pings)
        assert w.receivers.types("notify:1") == ["notifier.ping"] * 3
        await w.sender.send_due()
        assert w.sender.served == {}


@pytest.mark.parametrize("calling", [Calling(CALLBACKS), replace(CALLING, template=replace(CALLBACKS, secrets=()))])
async def test_what_is_owed_waits_while_the_config_permits_or_signs_it_no_more(tmp_path, calling):
    async with world(tmp_path, endpoints=(OPS,), calling=CALLING, discover=False) as w:
        await w.register("a", callback=to())
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 30)
        await w.stop()
        w.calling = calling
        await w.start()
        await w.settle()
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        (told,) = w.receivers.events("ops")
        assert (told["data"]["endpoint"], told["data"]["reason"]["code"]) == ("notify:1", "unpermitted")
        assert await rows(w, "SELECT DISTINCT phase FROM deliveries WHERE endpoint < 0") == [("waiting",)]
        await w.stop()
        w.calling = CALLING
        await w.start()
        await w.settle()
        assert called(w, "notify:1") == [("a", "upload.processing"), ("a", "upload.completed")]
        assert [one["data"]["reason"]["code"] for one in w.receivers.events("ops")] == ["unpermitted", "config"]


async def test_callbacks_that_are_permitted_no_more_hold_up_no_other(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False, in_flight_total=4) as w:
        for n in range(9):
            await w.register(f"u{n}", callback=to(f"{n}"))
            w.client.set(f"u{n}", S.COMPLETED)
        await w.register("late", callback=to(host="other"))
        w.client.set("late", S.COMPLETED)
        await w.stop()
        w.calling = replace(CALLING, allowed=("https://other.example.com/*",))
        await w.start()
        await w.polls_until(w.clock.now + 60)
        for _ in range(3):
            await w.settle()
        assert w.receivers.got.keys() == {"notify:10"}
        assert (await w.store.callbacks_queue()).waiting == 9


async def test_who_said_that_it_is_gone_is_not_called_again_by_another_config(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        await w.register("a", callback=to())

        async def gone(_):
            return Attempt(w.clock.now, 0.01, Outcome.HTTP_410, 410)

        w.post = gone
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        for calling in (Calling(CALLBACKS), CALLING):
            await w.stop()
            w.calling = calling
            await w.start()
            await w.settle()
        assert (await w.store.callback("notify:1")).health.paused is Pause.GONE


async def test_a_callback_that_comes_when_its_upload_has_settled_is_told_of_that_once(tmp_path):
    async with world(tmp_path, endpoints=(APP,), calling=CALLING) as w:
        await w.poll()
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 400)
        await w.settle()
        for callback in (to(), to(), None):
            assert not (await w.register("a", callback=callback)).is_new
            await w.settle()
        assert w.receivers.events("notify:1") == w.receivers.events("app")
        assert called(w, "notify:1") == [("a", "upload.completed")]
        w.client.set("a", S.FAILED)
        await w.polls_until(w.clock.now + 400)
        await w.settle()
        assert called(w, "notify:1") == [("a", "upload.completed"), ("a", "upload.failed")]


@pytest.mark.parametrize("format_", ["cloudevents", "encoding_com"])
async def test_what_had_settled_is_told_in_the_format_of_the_callback(tmp_path, format_):
    async with world(tmp_path, calling=CALLING) as w:
        await w.poll()
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 400)
        await w.register("a", callback=to(format_=format_))
        assert await rows(
            w, "SELECT d.format, r.format FROM deliveries AS d JOIN renderings AS r ON r.event = d.event"
        ) == [(format_, format_)]


async def test_a_callback_of_what_is_open_or_of_which_nothing_was_announced_waits_for_news(tmp_path):
    async with world(tmp_path, calling=CALLING) as w:
        w.client.set("silent", S.COMPLETED)
        await w.poll()
        w.client.set("open", S.PROCESSING)
        await w.polls_until(w.clock.now + 400)
        for id_ in ("silent", "open"):
            await w.register(id_, callback=to())
        await w.polls_until(w.clock.now + 400)
        assert await rows(w, "SELECT * FROM deliveries") == []
        w.client.set("open", S.COMPLETED)
        await w.polls_until(w.clock.now + 400)
        await w.settle()
        assert called(w, "notify:1") == [("open", "upload.completed")]


async def test_a_callback_that_was_replaced_gets_what_it_was_owed_and_no_more(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        for status, path in ((S.PROCESSING, "one"), (S.COMPLETED, "two")):
            await w.register("a", callback=to(path))
            w.client.set("a", status)
            await w.polls_until(w.clock.now + 60)
        await w.settle()
        assert called(w, "notify:1") == [("a", "upload.processing")]
        assert called(w, "notify:2") == [("a", "upload.completed")]


async def test_a_newer_status_replaces_an_unsent_one_and_is_counted_for_all(tmp_path):
    calling = replace(CALLING, template=replace(CALLBACKS, order=Order.LATEST))
    async with world(tmp_path, calling=calling, discover=False) as w:
        await w.register("a", callback=to())
        for status in (S.PROCESSING, S.COMPLETED):
            w.client.set("a", status)
            await w.polls_until(w.clock.now + 60)
        assert w.store.superseded == {"notify:*": 1}
        assert (await w.store.callbacks_queue())[:3] == ("notify:*", 1, 0)


async def test_a_clock_that_was_ahead_silences_no_callback(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        w.receivers.down = {"notify:1"}
        for n in range(6):
            await w.register(f"u{n}", callback=to())
            w.client.set(f"u{n}", S.COMPLETED)
        w.clock.now += 100 * DAY
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        w.clock.now -= 100 * DAY
        w.receivers.down = set()
        await w.sender.believe_no_later(-100 * DAY)
        await w.sends_until(w.clock.now + 3600)
        assert len(called(w, "notify:1")) == 6


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_a_clock_that_is_set_leaves_a_callbacks_retry_as_far_away_as_it_was(tmp_path, jump):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        w.receivers.down = {"notify:1"}
        await w.register("a", callback=to())
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        rest = await w.settle() - w.clock.now
        w.clock.now += jump
        await w.sender.believe_no_later(jump)
        assert await w.settle() - w.clock.now == pytest.approx(rest)


@pytest.mark.parametrize("jump", [0.0, DAY, -DAY])
async def test_a_retry_that_a_callback_has_put_off_is_not_brought_forward(tmp_path, jump, caplog):
    async with world(tmp_path, calling=CALLING, discover=False) as w:

        async def busy(_delivery):
            return Attempt(w.clock.now, 0.0, Outcome.HTTP_5XX, 503, retry_after=3600.0)

        w.post = busy
        await w.register("a", callback=to())
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        w.clock.now += jump
        await w.sender.believe_no_later(jump)
        assert await w.settle() - w.clock.now == 3600
        ((due_at,),) = await rows(w, "SELECT due_at FROM deliveries WHERE phase = 'waiting'")
        assert due_at - w.clock.now == 3600
    assert "rescheduled" not in caplog.messages


# --- its end


async def test_callbacks_that_nobody_names_and_nothing_is_kept_of_are_forgotten(tmp_path):
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        for id_ in ("a", "b", "c"):
            await w.register(id_, callback=to(id_))
            w.client.set(id_, S.COMPLETED)
        w.receivers.down = {"notify:3"}
        await w.polls_until(w.clock.now + 60)
        await w.sends_until(w.clock.now + 10 * DAY)
        await w.polls_until(w.clock.now + 60)
        await w.registrations.unfollow("posts", "b")
        keeping = Housekeeping(w.store, 20 * DAY)
        w.clock.now += 2 * DAY
        await keep(keeping, w)
        assert await names(w) == ["notify:3", "notify:2", "notify:1"]
        w.clock.now += 40 * DAY
        await keep(keeping, w)
        assert await names(w) == ["notify:3"]
        assert (await w.store.named("posts", "c")).callback is None
        await w.register("d", callback=to("b"))
        assert await names(w) == ["notify:4", "notify:3"]


async def keep(keeping, w):
    at = w.clock.now
    while at <= w.clock.now + 1:
        at = await keeping.step(at)


async def names(w):
    return [row[0] for row in await rows(w, "SELECT name FROM endpoints WHERE number < 0 ORDER BY number")]


async def test_a_name_that_no_callback_has_is_unknown(tmp_path):
    async with world(tmp_path, calling=CALLING) as w:
        for name in ("notify:9", "notify:0", "notify:x"):
            with pytest.raises((UnknownNameError, KeyError)):
                await w.sender.resume(name)


# --- what may be asked for


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mailto:a@example.com", "mail and queues are not called"),
        ("arn:aws:sns:eu-west-1:1:topic", "mail and queues"),
        ("http://app.example.com/cb", "http needs allow_http"),
        ("https://u:p@app.example.com/cb", "user and password"),
        ("https://app.example.com\\@evil.example/cb", "backslash"),
        ("https://127.0.0.1/cb", "public"),
        ("https://app.example.com:9480/cb", "server.listen"),
        ("https://evil.example/cb", "notify_urls"),
        ("https://app.example.com/../admin", "notify_urls"),
        ("https://app.example.com/%2e%2e/admin", "notify_urls"),
    ],
)
async def test_a_url_that_may_not_be_asked_for_is_refused_and_nothing_is_followed(tmp_path, url, expected):
    async with world(tmp_path, calling=CALLING) as w:
        with pytest.raises(CannotRegister, match=expected) as raised:
            await w.register("a", callback=Callback(url, "standard"))
        assert raised.value.where == "notify_url"
        assert (await w.store.counts())["uploads"] == 0


async def test_where_no_url_may_be_asked_for_it_says_so(tmp_path):
    async with world(tmp_path) as w:
        with pytest.raises(CannotRegister, match="names no URL"):
            await w.register("a", callback=to())


async def test_what_is_signed_needs_a_secret_of_the_config(tmp_path):
    calling = replace(CALLING, template=replace(CALLBACKS, secrets=()))
    async with world(tmp_path, calling=calling) as w:
        for format_, expected in (("standard", "notify_secrets"), ("nonsense", "standard or cloudevents")):
            with pytest.raises(CannotRegister, match=expected) as raised:
                await w.register("a", callback=to(format_=format_))
            assert raised.value.where == "notify_format"


async def test_no_token_of_a_callback_is_shown(tmp_path, caplog):
    caplog.set_level("DEBUG", logger="notifier")
    async with world(tmp_path, calling=CALLING, discover=False) as w:
        w.receivers.down = {"notify:1"}
        came = await w.register("a", callback=to("cb?token=hush"))
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.sends_until(w.clock.now + 5 * DAY)
        shown = [repr(came), caplog.text, *(json.dumps(vars(one), default=str) for one in caplog.records)]
        assert [text for text in shown if "hush" in text] == []


async def test_many_callbacks_that_are_down_leave_nothing_in_memory(tmp_path):
    many = 300
    listing = Listing(LookKind.LIST, "all", active=30, idle=300)
    one = World(tmp_path / "notifier.db", calling=CALLING, listings=(listing,))
    await one.start()
    try:
        for n in range(many):
            await one.register(f"u{n}", callback=to(f"{n}", f"h{n % 50}"))
            one.client.set(f"u{n}", S.COMPLETED)
        one.receivers.down = {f"notify:{n}" for n in range(1, many + 1)}
        while await rows(one, "SELECT count(*) FROM deliveries") != [(many,)]:
            await one.poll()
        await one.settle()
        assert await rows(one, "SELECT count(*) FROM deliveries WHERE attempts > 0") == [(many,)]
        await one.sender.send_due()
        assert one.sender.served == {}
    finally:
        await one.stop()
