"""A foreign implementation is the judge of our signatures: the official npm library, in Node.js.

`npm ci --prefix tests/node` fetches it. Where it is missing the tests are skipped, or fail with
NOTIFIER_REQUIRE_NODE set.
"""

import json
import os
import shutil
import subprocess
import time
from base64 import b64encode
from ipaddress import ip_network
from pathlib import Path

import daemons
import pytest
from daemons import Hooks

from notifier.core.model import Endpoint, Outcome
from notifier.core.render import standard
from notifier.core.secret import Secret
from notifier.core.signing import headers, parse_secret
from notifier.webhook import Receiver

HERE = Path(__file__).parent / "node"
SECRET, OLD, STRANGE = ("whsec_" + b64encode(bytes([n] * 32)).decode() for n in (251, 2, 3))
TEXTS = [
    "plain",
    "",
    "é ü ß 日本語",
    "🎬👩‍👩‍👧",
    "\u2028\u2029\u0085\ufeff",
    'quote " back \\ slash / <b>',
    "\x00\x1f\x7f",
]


def missing() -> str | None:
    if shutil.which("node") is None:
        return "Node.js is not installed"
    return None if (HERE / "node_modules").is_dir() else "its library is not installed: npm ci --prefix tests/node"


@pytest.fixture(scope="module")
def judge():
    """Asks Node.js for its verdict on requests, each (secret, headers, body): None, or what it complains of."""
    reason = missing()
    if reason and "NOTIFIER_REQUIRE_NODE" in os.environ:
        pytest.fail(f"NOTIFIER_REQUIRE_NODE is set, and {reason}")
    if reason:
        pytest.skip(reason)

    def verdicts(requests):
        given = [{"secret": one, "headers": head, "body": b64encode(body).decode()} for one, head, body in requests]
        ran = subprocess.run(
            ["node", "verify.mjs"],
            cwd=HERE,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return json.loads(ran.stdout)

    return verdicts


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
        target = Endpoint(
            name="app",
            url=hooks.url,
            secrets=(Secret(STRANGE), Secret(daemons.SECRET)),
            allow_http=True,
            allow_networks=(ip_network("127.0.0.0/8"),),
        )
        receiver = Receiver(target)
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


def test_the_lock_names_no_registry_and_holds_every_hash():
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert len(packages) == 3
    assert all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages.values())
    assert "http" not in (HERE / "package-lock.json").read_text()
