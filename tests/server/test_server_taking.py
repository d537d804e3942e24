"""What a call may give: everything else is told with every fault in it, and with none of its values."""

import asyncio
import gzip
import io
import logging

import pytest
from asking import served
from stored import altered

from notifier.server import taking
from notifier.store import Store

HIDDEN = "a-value-that-nobody-may-see"
DROP = "/v1/drop"
NEXT = "the `next` of the page before, or none at all for the first page"
TYPE = 'a type of event, or a pattern like "upload.*"'
PHASE = "a phase is of what is owed to an endpoint: waiting or dead"
JSON = {"content-type": "application/json"}


@pytest.fixture
async def caller(tmp_path):
    async with served(tmp_path) as (_, caller, _):
        yield caller


@pytest.mark.parametrize(
    ("path", "faults"),
    [
        ("/v1/events?tipe=x", {"tipe": 'a known key; did you mean "type"?'}),
        ("/v1/events?xyzzy=x", {"xyzzy": "one of cursor, limit, type, source, upload"}),
        ("/v1/events?limit=0", {"limit": "greater than or equal to 1"}),
        ("/v1/events?limit=1001", {"limit": "less than or equal to 1000"}),
        ("/v1/events?limit=many&cursor=x", {"limit": "a whole number", "cursor": NEXT}),
        *((f"/v1/events?cursor={one}", {"cursor": NEXT}) for one in ("9" * 20, str(1 << 62), "0", "-1", "")),
        ("/v1/events?limit=1&limit=2", {"limit": "once, and not twice"}),
        ("/v1/events?limit=1_0&cursor=1.0", {"limit": "a whole number", "cursor": NEXT}),
        ("/v1/events?limit=%2B1&cursor=%201", {"limit": "a whole number", "cursor": NEXT}),
        ("/v1/events?type=[a-z]*", {"type": TYPE}),
        ("/v1/events?type=upload.complete", {"type": f'{TYPE}; did you mean "upload.completed"?'}),
        ("/v1/deliveries?phase=sent", {"phase": '"waiting", "delivered", "dead", "superseded" or "dropped"'}),
        ("/v1/endpoints/app?x=1", {"x": "nothing: this call takes none"}),
    ],
)  # fmt: skip
async def test_a_parameter_that_is_none_is_told_with_what_is_expected(caller, path, faults):
    said = await caller.ask("GET", path)
    assert (said.status, said.faults) == (400, faults)
    where, expected = next(iter(faults.items()))
    assert f"{where}: expected {expected}" in said.detail


@pytest.mark.parametrize(
    ("path", "body", "faults"),
    [
        (DROP, {"delivry": 1}, {"delivry": 'a known key; did you mean "delivery"?'}),
        (DROP, {"delivery": HIDDEN, "dry_run": HIDDEN}, {"delivery": "a whole number", "dry_run": "true or false"}),
        (DROP, {"delivery": "1"}, {"delivery": "a whole number"}),
        (DROP, {"endpoint": 1}, {"endpoint": "a string"}),
        (DROP, {"dry_run": True}, {"": "name a delivery, or an endpoint"}),
        (DROP, {"delivery": 1, "endpoint": "app"}, {"": "name a delivery, or an endpoint"}),
        (DROP, {"delivery": 1, "phase": "dead"}, {"": PHASE}),
        (DROP, {"endpoint": "app", "phase": "delivered"}, {"": PHASE}),
        (DROP, [HIDDEN], {"": "a JSON object"}),
        ("/v1/replay", {"latest": True}, {"": "a replay is of an event or to an endpoint: name one of them, or both"}),
        ("/v1/replay", {"endpoint": "app", "phase": "waiting"},
         {"": "a replay is of what is over: choose from delivered, dead, superseded, dropped"}),
        ("/v1/endpoints/app/pause", {"x": HIDDEN}, {"x": "nothing: this call takes none"}),
    ],
)  # fmt: skip
async def test_a_body_that_is_none_is_told_with_every_fault(caller, path, body, faults):
    said = await caller.ask("POST", path, json=body)
    assert (said.status, said.faults) == (422, faults)
    assert HIDDEN not in str(said.body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f'["{HIDDEN}"]', "a list"),
        (f'"{HIDDEN}"', "a string"),
        ("null", "null"),
        ("true", "true or false"),
        ("7", "a number"),
        ("7.5", "a number"),
    ],
)
async def test_a_body_that_is_no_object_is_told_with_what_it_is(caller, body, kind):
    said = await caller.ask("POST", DROP, JSON, data=body.encode())
    assert (said.status, said.detail) == (422, f"the body: expected a JSON object, got {kind}")
    assert said.faults == {"": "a JSON object"}


async def test_where_a_body_is_needed_and_there_is_none_that_is_told(caller):
    said = await caller.post("/v1/uploads")
    needed = "expected a value: it is needed"
    assert (said.status, said.detail) == (422, f"a body is needed, a JSON object: source: {needed}; id: {needed}")
    said = await caller.post(DROP)
    assert (said.status, said.detail) == (422, "a body is needed, a JSON object: name a delivery, or an endpoint")
    assert (await caller.post("/v1/endpoints/app/pause")).status == 200


async def test_a_moment_has_its_offset(caller):
    expected = "a date, a time and its offset, like 2026-12-01T00:00:00Z"
    for since in ("2026-01-01", "2026-01-01T00:00:00", "1700000000", "yesterday", "2026-02-30T00:00:00Z"):
        said = await caller.post("/v1/replay", endpoint="app", since=since)
        assert (said.status, said.faults) == (422, {"since": expected})
    said = await caller.post("/v1/replay", endpoint="app", since=1)
    assert (said.status, said.faults) == (422, {"since": "a string"})


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z"])
async def test_a_moment_that_cannot_be_told_again_is_refused_and_no_replay_is_noted(caller, since):
    said = await caller.post("/v1/replay", endpoint="app", since=since)
    assert (said.status, list(said.faults)) == (422, ["since"])
    assert (await caller.get("/v1/replays")).body == {"items": [], "next": None}


async def test_a_key_that_is_named_twice_is_refused(caller):
    body = b'{"endpoint": "app", "endpoint": "crm", "dry_run": true, "dry_run": false}'
    said = await caller.ask("POST", DROP, JSON, data=body)
    once = "once, and not twice"
    assert (said.status, said.faults) == (400, {"endpoint": once, "dry_run": once})


async def test_of_many_faults_a_few_are_told_and_how_many_more_there_are(caller):
    said = await caller.ask("POST", DROP, JSON, json={f"key{number}": 1 for number in range(5000)})
    assert (said.status, len(said.body["faults"])) == (422, 20)
    assert said.detail.endswith("; and 4980 more")


async def test_a_compressed_body_is_refused_be_it_one_or_not(caller):
    for body in (gzip.compress(b"{}"), b"no gzip"):
        said = await caller.ask("POST", DROP, {**JSON, "content-encoding": "gzip"}, data=body)
        assert (said.status, said.detail) == (415, "a body comes as it is: without content-encoding")


async def test_a_body_that_does_not_come_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(taking, "PATIENCE", 0.01)
    async with served(tmp_path):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "notifier.sock"))
        writer.write(b"POST /v1/drop HTTP/1.1\r\nHost: notifier\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: 100\r\n\r\n{")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"the body has not come within 0.01 s" in await reader.readuntil(b"}")
        writer.close()


@pytest.mark.parametrize("body", [b"{", b'{"delivery": 1', b"\xff", b"[" * 5000, b"nothing"])
async def test_what_is_no_json_is_told_without_what_it_is(caller, body):
    said = await caller.ask("POST", DROP, JSON, data=body)
    assert said.status == 400
    assert said.detail.startswith("the body is no JSON: ")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_form_of_another_site_is_no_call(caller, kind):
    said = await caller.ask("POST", DROP, {"content-type": kind}, data=b'{"endpoint": "app"}')
    assert (said.status, said.detail) == (415, "a body is application/json: say so in the header content-type")


async def test_a_body_beyond_a_megabyte_is_not_read(caller):
    said = await caller.ask("POST", DROP, JSON, data=io.BytesIO(b" " * (1024 * 1024 + 1)))
    assert said.status == 413
    assert said.detail


async def test_a_body_call_takes_no_parameters(caller):
    said = await caller.ask("POST", f"{DROP}?endpoint=app", json={"endpoint": "app"})
    assert (said.status, said.faults) == (400, {"endpoint": "nothing: this call takes none"})


class Broken(Store):
    """A store that has a bug."""

    async def queues(self, endpoint=None):
        raise RuntimeError(HIDDEN)


async def test_a_bug_is_told_as_one_and_its_words_are_in_the_log(tmp_path, caplog):
    async with served(tmp_path, open_store=Broken.open) as (_, caller, _):
        said = await caller.get("/v1/endpoints")
        assert (said.status, said.detail) == (500, "a bug of notifier; its trace is in the log")
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert line.exc_info[0] is RuntimeError


async def test_a_database_that_fails_is_told_and_nothing_is_half_done(tmp_path, caplog):
    async with served(tmp_path) as (w, caller, _):
        await altered(w.store, "ALTER TABLE deliveries RENAME TO gone")
        said = await caller.get("/v1/endpoints")
        assert (said.status, said.detail) == (503, "the database does not answer; the log says why")
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "no such table" in line.fields["reason"]


async def test_who_goes_away_in_the_middle_of_a_body_is_no_bug(tmp_path, caplog):
    async with served(tmp_path) as (_, caller, _):
        _, writer = await asyncio.open_unix_connection(tmp_path / "notifier.sock")
        head = b"POST /v1/drop HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
        writer.write(head)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await caller.get("/healthz")).status == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
