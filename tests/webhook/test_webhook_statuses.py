"""What every status means, from 100 to 999: what came of it, and whom it speaks against."""

import pytest
from receiving import OK, Names, answer, receiver, serving

from notifier.core.blame import Blame, blame
from notifier.core.model import Outcome

ENDPOINT, DELIVERY = Blame.ENDPOINT, Blame.DELIVERY
TABLE = [
    (range(200, 300), Outcome.DELIVERED, Blame.NONE),
    (range(300, 400), Outcome.HTTP_3XX, ENDPOINT),
    (range(400, 500), Outcome.HTTP_4XX, DELIVERY),
    ([401, 403, 404, 405, 407], Outcome.HTTP_4XX, ENDPOINT),
    ([408, 425], Outcome.HTTP_4XX, ENDPOINT),
    ([410], Outcome.HTTP_410, ENDPOINT),
    ([429], Outcome.HTTP_429, Blame.THROTTLE),
    (range(500, 600), Outcome.HTTP_5XX, ENDPOINT),
    (range(600, 1000), Outcome.PROTOCOL, ENDPOINT),
]
"""The later row counts."""
MEANING = {status: (outcome, whom) for statuses, outcome, whom in TABLE for status in statuses}


def a_status(status, port):
    location = f"Location: http://inside.example:{port}/\r\n"
    return f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\nRetry-After: 7\r\n{location}\r\n".encode()


@pytest.mark.parametrize("hundred", range(2, 10))
async def test_every_status_is_final_and_means_what_the_table_says(hundred):
    statuses = range(100 * hundred, 100 * hundred + 100)
    names = Names({"inside.example": ["127.0.0.1"]})
    async with serving(answer(OK)) as inside:
        acts = answer(*[a_status(status, inside.port) for status in statuses])
        async with serving(acts) as server, receiver(server.port, names=names) as one:
            attempts = [await one.post(f"evt_{status}", b"{}") for status in statuses]
            assert len(server.requests) == 100
        assert inside.connections == 0
    assert names.asked == []
    found = {one.status: (one.outcome, blame(one)) for one in attempts}
    assert found == {status: MEANING[status] for status in statuses}
    waits = {one.status for one in attempts if one.retry_after == 7}
    assert waits == {status for status in statuses if status == 429 or hundred == 5}
    for one in attempts:
        assert (one.note == "") == (one.outcome is Outcome.DELIVERED)
        assert one.note.isprintable()
        assert one.command is None


async def test_every_interim_answer_is_passed_over():
    interim = [status for status in range(100, 200) if status != 101]
    sent = b"".join(b"HTTP/1.1 %d Wait\r\nRetry-After: 9\r\n\r\n" % status for status in interim)
    async with serving(answer(sent + a_status(503, 1))) as server, receiver(server.port) as one:
        attempt = await one.post("evt_1", b"{}")
    assert (attempt.outcome, attempt.status, attempt.retry_after) == (Outcome.HTTP_5XX, 503, 7)


@pytest.mark.parametrize("status", [100, 102, 103, 104, 199])
async def test_an_interim_answer_alone_is_none(status):
    sent = b"HTTP/1.1 %d Wait\r\n\r\n" % status
    async with serving(answer(sent)) as server, receiver(server.port, more={"timeout": 0.1}) as one:
        attempt = await one.post("evt_1", b"{}")
    assert (attempt.outcome, attempt.status) == (Outcome.TIMEOUT_TOTAL, None)
