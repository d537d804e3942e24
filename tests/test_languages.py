"""Receivers in other languages, each some twenty lines on what the language brings along, are fed what we send.

Where a language is not installed its tests are skipped, or fail with NOTIFIER_REQUIRE_LANGUAGES set.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from foreign import TEXTS, absent, answered, insist
from receiving import OK, answer, receiver, serving

from notifier.core.render import content_type, standard
from notifier.core.secret import Secret

HERE = Path(__file__).parent
VERIFY = HERE.parent / "docs" / "how-to" / "verify.md"
LANGUAGES = {
    "python": (sys.executable, "python3", [sys.executable, "verify.py"]),
    "node": ("node", "nodejs", ["node", "plain.mjs"]),
    "php": ("php", "php-cli", ["php", "verify.php"]),
    "ruby": ("ruby", "ruby", ["ruby", "verify.rb"]),
    "java": ("javac", "default-jdk-headless", ["java", "Verify.java"]),
}
"""The program that must be there, the package that brings it, and what is run in the folder of that name."""
SEED = bytes(range(100, 132))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
PAIR, VERIFIER = "whsk_" + b64encode(SEED + PUBLIC).decode(), "whpk_" + b64encode(PUBLIC).decode()
OTHER_VERIFIER = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
NEW, OLD, STRANGE = ("whsec_" + b64encode(bytes([n] * 32)).decode() for n in (251, 2, 3))
GOOD, OLD_NEWS, UNSIGNED = "good", "not of now", "not signed by this key"


@pytest.fixture(params=LANGUAGES)
def judge(request):
    """Asks a language for its verdict on requests, each (key, headers, body)."""
    program, package, command = LANGUAGES[request.param]
    insist(absent(program, package), "NOTIFIER_REQUIRE_LANGUAGES")

    def verdicts(requests):
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        lines = [
            "\t".join([key, *(headers[name] for name in names), b64encode(body).decode()])
            for key, headers, body in requests
        ]
        return answered(command, HERE / request.param, "".join(f"{line}\n" for line in lines)).splitlines()

    return verdicts


SERVED = {"node": ("js", "receiver.mjs", ["node"]), "php": ("php", "receiver.php", ["php", "-S"])}
"""The language of the blocks, the file that they make, and what runs it."""


@pytest.fixture
def serve(tmp_path):
    """Runs the receiver that docs/how-to/verify.md makes of `judge`; its port, once it listens."""
    with ExitStack() as opened:

        def serve(language):
            program, package, _ = LANGUAGES[language]
            insist(absent(program, package), "NOTIFIER_REQUIRE_LANGUAGES")
            name, file, command = SERVED[language]
            judge, receiver = re.findall(rf"^```{name}\n(.*?)^```$", VERIFY.read_text(), re.MULTILINE | re.DOTALL)
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
            (tmp_path / file).write_text(
                "\n".join(judge.splitlines()[:-4]) + f"\n{receiver}".replace("9481", str(port))
            )
            where = [f"127.0.0.1:{port}"] if "-S" in command else []
            environ = {**os.environ, "APP_WEBHOOK_SECRET": NEW}
            started = subprocess.Popen([*command, *where, file], cwd=tmp_path, env=environ, stderr=subprocess.DEVNULL)
            opened.callback(started.wait)
            opened.callback(started.terminate)
            return port

        yield serve


@pytest.mark.parametrize("language", SERVED)
async def test_the_receiver_that_is_shown_takes_what_we_send_and_nothing_else(serve, language):
    port = serve(language)

    async def answered_to(secret, body):
        more = {"secrets": (Secret(secret),)}
        async with receiver(port, more=more, clock=time.time) as one:
            return (await one.post("evt_1", body, {"content-type": "application/json"})).status

    async with asyncio.timeout(60):
        while await answered_to(NEW, body()) is None:
            continue  # it does not listen yet
    assert await answered_to(NEW, body()) == 204
    assert await answered_to(STRANGE, body()) == 400
    assert await answered_to(NEW, b"no JSON") == 400
    async with aiohttp.ClientSession() as session, session.post(f"http://127.0.0.1:{port}/", data=body()) as answer:
        assert answer.status == 400


async def captured(bodies, ago=0):
    """Each as it came in from the real client: headers and body."""
    more = {"secrets": (Secret(NEW), Secret(PAIR), Secret(OLD))}
    async with (
        serving(answer(OK)) as server,
        receiver(server.port, more=more, clock=lambda: time.time() - ago) as one,
    ):
        for number, body in enumerate(bodies):
            await one.post(f"evt_{number}", body, {"content-type": content_type("cloudevents")})
        return [(dict(request.headers), request.body) for request in server.requests]


def body(text="plain"):
    return standard("evt_1", "upload.completed", time.time(), {"title": text, "labels": {text: text}})


async def test_another_language_verifies_what_we_send_with_any_key_of_the_endpoint(judge):
    requests = await captured([body(text) for text in TEXTS])
    cases = [(key, *request) for request in requests for key in (NEW, OLD, VERIFIER)]
    assert len(cases) == 3 * len(TEXTS)
    assert judge(cases) == [GOOD] * len(cases)


async def test_another_language_refuses_whatever_was_altered(judge):
    [(headers, content)] = await captured([body()])
    [(late, _)] = await captured([content], ago=302)
    alone = {"webhook-signature": "v1,"}
    moment = str(int(headers["webhook-timestamp"]) + 1)
    altered = {
        "another body": ({}, content.replace(b"completed", b"cancelled"), UNSIGNED),
        "a longer body": ({}, content + b"\n", UNSIGNED),
        "a byte order mark": ({}, b"\xef\xbb\xbf" + content, UNSIGNED),
        "another id": ({"webhook-id": "evt_9"}, content, UNSIGNED),
        "another moment": ({"webhook-timestamp": moment}, content, UNSIGNED),
        "no number": ({"webhook-timestamp": "soon"}, content, OLD_NEWS),
        "too old": (late, content, OLD_NEWS),
    }
    cases = [(key, headers | other, sent) for other, sent, _ in altered.values() for key in (NEW, OLD, VERIFIER)]
    assert judge(cases) == [said for _, _, said in altered.values() for _ in range(3)]
    strangers = [(STRANGE, headers, content), (OTHER_VERIFIER, headers, content), (NEW, headers | alone, content)]
    assert judge([*strangers, (NEW, headers, content)]) == [UNSIGNED] * 3 + [GOOD]
