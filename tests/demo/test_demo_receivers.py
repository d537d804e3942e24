"""Receivers believe what is signed and nothing else."""

import json
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from standardwebhooks import Webhook

from notifier.demo.receivers import OldReceiver, Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
UPLOAD_EVENT = {
    "id": "evt_1",
    "type": "upload.completed",
    "data": {"source": "posts", "upload": {"id": "a"}, "sequence": 3},
}
SOURCE_EVENT = {"id": "evt_2", "type": "source.failing", "data": {"source": "posts"}}


@pytest.fixture
def receipts():
    return []


@pytest.fixture
async def receiver(receipts):
    async with Receiver("app", SECRET, lambda: 7.0, receipts.append) as receiver:
        yield receiver


async def sent(receiver, event, secret=SECRET, at=None):
    at = at or datetime.now(UTC)
    body = json.dumps(event)
    headers = {
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event["id"], at, body),
    }
    async with aiohttp.ClientSession() as session, session.post(receiver.url, data=body, headers=headers) as answer:
        return answer.status


async def test_a_signed_webhook_is_taken(receiver, receipts):
    assert await sent(receiver, UPLOAD_EVENT) == 204
    (receipt,) = receipts
    assert (receipt.at, receipt.endpoint, receipt.accepted, receipt.fault) == (7.0, "app", True, None)
    assert (receipt.event, receipt.type, receipt.upload, receipt.sequence) == (
        "evt_1", "upload.completed", ("posts", "a"), 3,
    )  # fmt: skip


async def test_an_event_about_a_source_has_no_upload(receiver, receipts):
    assert await sent(receiver, SOURCE_EVENT) == 204
    assert (receipts[0].type, receipts[0].upload, receipts[0].sequence) == ("source.failing", None, 0)


async def test_who_is_down_verifies_and_answers_503(receiver, receipts):
    receiver.down = True
    assert await sent(receiver, UPLOAD_EVENT) == 503
    assert (receipts[0].accepted, receipts[0].fault, receipts[0].event) == (False, None, "evt_1")


@pytest.mark.parametrize(
    ("secret", "age", "fault"),
    [
        ("whsec_b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI=", 0, "No matching signature found"),
        (SECRET, 600, "Message timestamp too old"),
    ],
)
async def test_a_bad_signature_is_refused_and_told_why(receiver, receipts, secret, age, fault):
    assert await sent(receiver, UPLOAD_EVENT, secret, datetime.now(UTC) - timedelta(seconds=age)) == 401
    (receipt,) = receipts
    assert (receipt.fault, receipt.accepted, receipt.event) == (fault, False, "")


async def test_bytes_that_are_no_text_are_refused(receiver, receipts):
    async with aiohttp.ClientSession() as session, session.post(receiver.url, data=b"\xff") as answer:
        assert answer.status == 401
    assert "decode" in receipts[0].fault


# --- one of Encoding.com's


@pytest.fixture
async def old(receipts):
    async with OldReceiver("old", lambda: 7.0, receipts.append) as receiver:
        yield receiver


async def called(receiver, **form):
    async with aiohttp.ClientSession() as session, session.post(receiver.url, data=form) as answer:
        return answer.status


DOCUMENT = (
    '<?xml version="1.0"?><result><mediaid>7</mediaid><source>https://notifier.invalid/posts/a.b.mp4</source>'
    "<status>Finished</status><description></description></result>"
)


async def test_what_an_old_receiver_is_told_of_it_finds_in_the_source_s_name(old, receipts):
    assert await called(old, xml=DOCUMENT) == 204
    (receipt,) = receipts
    assert (receipt.accepted, receipt.fault, receipt.is_signed) == (True, None, False)
    assert (receipt.event, receipt.type, receipt.upload) == ("7 Finished", "Finished", ("posts", "a.b"))
    assert receipt.outcome == "understood"


@pytest.mark.parametrize(
    "form",
    [{}, {"xml": "no document"}, {"xml": DOCUMENT, "json": "{}"}, {"xml": "<result><source>a</source></result>"}],
)
async def test_what_an_old_receiver_does_not_understand_is_told(old, receipts, form):
    assert await called(old, **form) == 401
    (receipt,) = receipts
    assert receipt.outcome.startswith("NOT UNDERSTOOD: ")
