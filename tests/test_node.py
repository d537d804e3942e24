"""A foreign implementation is the judge of our signatures: the official npm library, in Node.js.

And the SDK of CloudEvents reads ours. `npm ci --prefix tests/node` fetches both. Where they are missing the tests are
skipped, or fail with NOTIFIER_REQUIRE_NODE set.
"""

import json
import time
from base64 import b64encode
from pathlib import Path

import daemons
import pytest
from daemons import Hooks
from foreign import TEXTS, absent, answered, insist
from receiving import endpoint

from notifier.core.model import Event, Outcome
from notifier.core.render import cloudevents, content_type, standard
from notifier.core.secret import Secret
from notifier.core.signing import headers, parse_secret
from notifier.webhook import Receiver

HERE = Path(__file__).parent / "node"
SECRET, OLD, STRANGE = ("whsec_" + b64encode(bytes([n] * 32)).decode() for n in (251, 2, 3))


def missing() -> str | None:
    if reason := absent("node", "nodejs"):
        return reason
    return None if (HERE / "node_modules").is_dir() else "its library is not installed: npm ci --prefix tests/node"


@pytest.fixture(scope="module")
def judge():
    """Asks Node.js for its verdict on requests, each (secret, headers, body): None, or what it complains of."""
    insist(missing(), "NOTIFIER_REQUIRE_NODE")

    def verdicts(requests):
        given = [{"secret": one, "headers": head, "body": b64encode(body).decode()} for one, head, body in requests]
        return json.loads(answered(["node", "verify.mjs"], HERE, json.dumps(given)))

    return verdicts


@pytest.fixture(scope="module")
def reader():
    """Asks Node.js what a CloudEvent says, given the headers and the body of a request."""
    insist(missing(), "NOTIFIER_REQUIRE_NODE")

    def said(headers, body):
        given = [{"headers": headers, "body": b64encode(body).decode()}]
        return json.loads(answered(["node", "cloudevents.mjs"], HERE, json.dumps(given)))[0]

    return said


def body(text="plain"):
    return standard("evt_1", "upload.completed", time.time(), {"title": text, "labels": {text: text}})


def signed(secrets, content, ago=0):
    """The headers of an attempt so many seconds ago; Node.js accepts none of more than five minutes."""
    return headers([parse_secret(one) for one in secrets], "evt_1", int(time.time()) - ago, content)


def test_node_verifies_what_we_sign_whatever_is_in_it(judge):
    bodies = [body(text) for text in TEXTS]
    assert judge([(SECRET, signed([SECRET], one), one) for one in bodies]) == [None] * len(TEXTS)


async def test_node_verifies_a_request_as_it_came(judge):
    async with Hooks() as hooks:
        receiver = Receiver(endpoint(hooks.url, secrets=(Secret(STRANGE), Secret(daemons.SECRET))))
        attempt = await receiver.post("evt_1", body(TEXTS[3]))
        await receiver.close()
    assert attempt.outcome is Outcome.DELIVERED
    assert judge([(daemons.SECRET, hooks.headers, hooks.bodies[0]), (STRANGE, hooks.headers, hooks.bodies[0])]) == [
        None,
        None,
    ]


def test_node_verifies_with_any_secret_of_a_rotation(judge):
    one = body()
    several = signed([STRANGE, OLD, SECRET], one)
    assert judge([(secret, several, one) for secret in (SECRET, OLD, STRANGE)]) == [None] * 3


def test_node_refuses_whatever_was_altered(judge):
    one = body()
    good = signed([SECRET, OLD], one)
    altered = [
        (SECRET, good, one.replace(b"completed", b"cancelled")),
        (SECRET, good, one + b"\n"),
        (SECRET, good, b"\xef\xbb\xbf" + one),
        (STRANGE, good, one),
        (SECRET, good | {"webhook-id": "evt_2"}, one),
        (SECRET, good | {"webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}, one),
        (SECRET, good | {"webhook-signature": "v1,"}, one),
        (SECRET, good | {"webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}, one),
        (SECRET, {name: value for name, value in good.items() if name != "webhook-id"}, one),
        (SECRET, signed([SECRET], one, ago=301), one),
        (SECRET, signed([SECRET], one, ago=-320), one),
    ]
    complaints = judge([(SECRET, good, one), *altered])
    assert complaints[0] is None
    assert [complaint and complaint.partition(":")[0] for complaint in complaints[1:]] == (
        ["WebhookVerificationError"] * len(altered)
    )


async def test_node_reads_our_cloudevents(reader, judge):
    told = Event(
        "evt_1", "upload.completed", 1.25, "posts", 7, 3, "completed", upload="ü 1",
        body=standard("evt_1", "upload.completed", 1.25, {"source": "posts", "title": TEXTS[3], "labels": TEXTS}),
    )  # fmt: skip
    async with Hooks() as hooks:
        receiver = Receiver(endpoint(hooks.url, secrets=(Secret(daemons.SECRET),)))
        await receiver.post("evt_1", cloudevents(told), {"content-type": content_type("cloudevents")})
        await receiver.close()
    assert judge([(daemons.SECRET, hooks.headers, hooks.bodies[0])]) == [None]
    assert reader(hooks.headers, hooks.bodies[0]) == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "/sources/posts",
        "type": "upload.completed",
        "subject": "ü 1",
        "time": "1970-01-01T00:00:01.250Z",
        "datacontenttype": "application/json",
        "sequence": "0000000003",
        "data": {"source": "posts", "title": TEXTS[3], "labels": TEXTS},
    }


def test_the_lock_names_no_registry_and_holds_every_hash():
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert {"node_modules/standardwebhooks", "node_modules/cloudevents"} <= packages.keys()
    assert all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages.values())
    assert "registry" not in (HERE / "package-lock.json").read_text()
