"""Calls in the manner of Encoding.com, by both loops: retried, owed again, for each destination, in any order."""

from xml.etree import ElementTree as ET

import pytest
from legacy import called, ends, turns
from world import endpoint, world

from notifier.core.encoding_com_call import FORM, Dialect
from notifier.core.model import Baseline, Order, Phase, Status
from notifier.core.replay import Selection
from notifier.replays import Replays

S = Status
PLAIN = {"host", "content-type", "content-length", "user-agent", "accept-encoding"}
"""The headers that a call has: nothing of ours."""
URLS = ("https://cdn.example/1.mp4", "https://cdn.example/2.mp4")


def told(text):
    """The status, of a result or of one of its destinations, and where that is."""
    root = ET.fromstring(text)
    return root.findtext("status"), root.findtext("destination")


SAVED = [("Saved", url) for url in URLS]


async def owed_again(w, **selection):
    replays = Replays(w.store, w.endpoints, w.sender.wake.set, w.sender.served)
    await replays.ask(Selection(endpoint="legacy", **selection), w.clock.now)
    while await w.store.unfinished():
        w.clock.now = max(await replays.step(w.clock.now), w.clock.now)
        await w.settle()


@pytest.mark.parametrize("dialect", [Dialect(), Dialect("json"), Dialect(body_format="raw"), Dialect("json", "raw")])
async def test_a_retry_and_what_is_owed_again_are_the_call_as_it_was_to_the_byte(tmp_path, dialect):
    async with called(tmp_path, dialect, str) as (w, legacy):
        legacy.is_down = True
        await ends(w, S.COMPLETED)
        tried = len(legacy.requests)
        legacy.is_down = False
        await w.sends_until(w.clock.now + 86400)
        assert len(legacy.requests) > tried >= 1
        await owed_again(w, phases=(Phase.DELIVERED,))
        assert len(legacy.said) == 2
        assert len(legacy.requests) >= 3
        paths, headers, bodies = zip(*legacy.requests, strict=True)
        assert set(paths) == {"/notify.php?id=7&token=a%2Fb"}
        assert len(set(bodies)) == 1
        assert all(one == headers[0] for one in headers)
        assert headers[0].keys() == PLAIN
        assert headers[0]["content-type"] == dialect.content_type


@pytest.mark.parametrize(
    ("dialect", "kind", "beginning"),
    [
        (Dialect(), FORM, b"xml=%3C%3Fxml+version%3D%221.0%22%3F%3E%0A%3Cresult%3E%3Cmediaid%3E1%3C"),
        (Dialect("json"), FORM, b"json=%7B%22result%22%3A%7B%22mediaid%22%3A%221%22%2C"),
        (Dialect(body_format="raw"), "text/xml", b'<?xml version="1.0"?>\n<result><mediaid>1</mediaid>'),
        (Dialect("json", "raw"), "application/json", b'{"result":{"mediaid":"1",'),
    ],
)
async def test_a_body_is_a_field_of_a_form_or_the_document_alone(tmp_path, dialect, kind, beginning):
    async with called(tmp_path, dialect, str) as (w, legacy):
        await ends(w, S.COMPLETED)
        ((_, headers, body),) = legacy.requests
        assert headers["content-type"] == kind
        assert body.startswith(beginning)


@pytest.mark.parametrize(("announced", "said"), [(True, ["Ready to process", "Finished"]), (False, ["Finished"])])
async def test_what_waits_for_a_person_is_called_where_that_is_asked_for(tmp_path, announced, said):
    async with called(tmp_path, Dialect(), told, announce_ready=announced) as (w, legacy):
        await ends(w, S.ACTION_REQUIRED)
        await turns(w, S.COMPLETED)
        assert [status for status, _ in legacy.said] == said


@pytest.mark.parametrize("status", sorted(set(S) - {S.COMPLETED, S.PARTIAL, S.FAILED}))
async def test_nothing_but_an_end_is_called(tmp_path, status):
    async with called(tmp_path, Dialect(), told, events=("*",)) as (w, legacy):
        await ends(w, status)
        assert [one.phase for one in (await w.store.deliveries()).items] == []
        assert legacy.requests == []


async def test_each_destination_and_then_the_result_goes_where_only_the_latest_matters(tmp_path):
    async with called(tmp_path, Dialect(), told, notify_upload=True, order=Order.LATEST) as (w, legacy):
        legacy.is_down = True
        await ends(w, S.FAILED, URLS)
        await turns(w, S.COMPLETED, URLS)
        legacy.is_down = False
        await w.sends_until(w.clock.now + 86400)
        assert legacy.said == [*SAVED, ("Finished", None)]
        assert w.store.superseded == {"legacy": 1}


async def test_each_destination_and_the_result_go_where_no_order_is_kept(tmp_path):
    async with called(tmp_path, Dialect(), told, notify_upload=True, order=Order.NONE) as (w, legacy):
        legacy.is_down = True
        await ends(w, S.FAILED, URLS)
        await turns(w, S.COMPLETED, URLS)
        legacy.is_down = False
        await w.sends_until(w.clock.now + 86400)
        assert sorted(legacy.said, key=str) == sorted([*SAVED, ("Finished", None), ("Error", None)], key=str)


async def test_a_destination_that_is_not_taken_holds_the_result_up(tmp_path):
    async with called(tmp_path, Dialect(), told, notify_upload=True) as (w, legacy):
        legacy.is_down = True
        await ends(w, S.COMPLETED, URLS)
        assert len({body for _, _, body in legacy.requests}) == 1
        legacy.is_down = False
        await w.sends_until(w.clock.now + 86400)
        assert legacy.said == [*SAVED, ("Finished", None)]
        await owed_again(w, phases=(Phase.DELIVERED,))
        assert legacy.said == [*SAVED, ("Finished", None)] * 2


async def test_the_latest_is_the_result_that_a_receiver_lacks_and_none_where_it_has_that(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), baseline=Baseline.ANNOUNCE) as w:
        await ends(w, S.COMPLETED)
        w.client.set("open", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        now = w.clock.now
    async with called(tmp_path, Dialect(), told, notify_upload=True) as (w, legacy):
        w.clock.now = now
        await owed_again(w, latest=True)
        assert legacy.said == [("Finished", None)]
        assert legacy.requests[0][1].keys() == PLAIN
        await owed_again(w, latest=True)
        assert len(legacy.requests) == 1
