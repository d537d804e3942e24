"""The description of the API: right by its standard, whole, and kept by every answer and every webhook."""

import json
import re
from pathlib import Path

import pytest
from asking import served
from describing import DOCUMENT, described, routes
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from things import NOW, observations, receiver, upload

from notifier.core.diff import diff
from notifier.core.events import EVENT_TYPES, event_for, ping
from notifier.server.openapi import document
from notifier.server.webhooks import BODIES

GOLDEN = Path(__file__).parent.parent / "render"
WHOLE = document(routes())


def schema(part):
    """A validator of a part of the document, the rest of which it may refer to."""
    return Draft202012Validator({**part, "components": WHOLE["components"]})


def body_schema(type_):
    return schema(WHOLE["webhooks"][type_]["post"]["requestBody"]["content"]["application/json"]["schema"])


def test_it_is_right_by_its_standard():
    assert list(OpenAPIV31SpecValidator(WHOLE).iter_errors()) == []


def test_the_committed_one_is_that_of_the_code():
    assert DOCUMENT.read_text() == described(), "run `make fix`"


def test_every_route_and_every_event_is_described():
    told = {(method.upper(), path) for path, methods in WHOLE["paths"].items() for method in methods}
    assert told == {(route.method, route.path) for route in routes()}
    assert tuple(WHOLE["webhooks"]) == EVENT_TYPES
    ids = [one["operationId"] for methods in WHOLE["paths"].values() for one in methods.values()]
    assert len(set(ids)) == len(ids)


def test_what_may_be_left_out_is_never_null():
    parameters = {one["name"]: one for one in WHOLE["paths"]["/v1/events"]["get"]["parameters"]}
    assert parameters["cursor"]["schema"] == {
        "exclusiveMaximum": 1 << 62, "minimum": 1, "title": "Cursor", "type": "integer",
    }  # fmt: skip
    assert not any(one["required"] for one in parameters.values())


async def test_the_daemon_gives_it_to_whom_it_answers(tmp_path):
    async with served(tmp_path) as (_, caller, stranger):
        said = await caller.get("/openapi.json")
        assert (said.status, said.body["openapi"]) == (200, "3.1.1")
        assert "/openapi.json" in said.body["paths"]
        assert (await stranger.get("/openapi.json")).status == 401


def test_every_reference_leads_somewhere():
    # What was spelt out as the parameters of one call was gone as the body of another.
    document = json.loads(DOCUMENT.read_text())
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', DOCUMENT.read_text()))
    assert names == document["components"]["schemas"].keys()


@pytest.mark.parametrize("name", ["completed", "failed", "first_seen", "endpoint_paused", "source_failing"])
def test_the_golden_webhooks_are_as_described(name):
    body = json.loads((GOLDEN / f"{name}.json").read_text())
    assert list(body_schema(body["type"]).iter_errors(body)) == []
    told = BODIES[body["type"]].model_validate(body)
    assert told.model_dump(mode="json", by_alias=True, exclude_unset=True) == body


def test_a_ping_is_as_described():
    body = json.loads(ping(receiver(), NOW).body)
    assert list(body_schema("notifier.ping").iter_errors(body)) == []


@given(observations, st.none() | observations)
def test_every_webhook_is_as_described(seen, before):
    change = diff(upload(before), seen, NOW, 7200.0)
    if change is None:
        return
    body = json.loads(event_for(change, "upload_post", NOW).body)
    assert list(body_schema(body["type"]).iter_errors(body)) == []
    assert BODIES[body["type"]].model_validate(body).model_dump(mode="json", by_alias=True, exclude_unset=True) == body


def test_a_webhook_that_is_none_is_not_as_described():
    body = json.loads((GOLDEN / "completed.json").read_text())
    for wrong in ({**body, "type": "upload.failed"}, {**body, "id": "7"}, {**body, "data": {}}):
        assert list(body_schema("upload.completed").iter_errors(wrong)) != []
