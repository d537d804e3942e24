"""Standard Webhooks 1.0.0: published vectors, wrong secrets, and the official library as the judge."""

import subprocess
import sys
from base64 import b64decode, b64encode, urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from notifier.core.render import standard
from notifier.core.signing import EXPECTED, EXPECTED_PAIR, headers, mac, parse_secret

VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1649367553,
        b'{"email":"test@example.com","username":"test_user"}',
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
    (
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    ),
]
"""Of the tests of the specification's own libraries: Python, JavaScript, Go and more; Rust. The last one is Svix'
(server/svix-server/src/worker.rs), and its signature the one that the specification shows."""


def secret(key: bytes) -> str:
    return "whsec_" + b64encode(key).decode()


def pair(seed: bytes) -> str:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return "whsk_" + b64encode(seed + public).decode()


keys = st.binary(min_size=24, max_size=64)
seeds = st.binary(min_size=32, max_size=32)


# --- published vectors


@pytest.mark.parametrize(("text", "id_", "timestamp", "body", "signature"), VECTORS)
def test_the_published_vectors_are_met(text, id_, timestamp, body, signature):
    assert headers([parse_secret(text)], id_, timestamp, body) == {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


# --- secrets


@given(keys)
def test_a_secret_is_prefix_and_padded_base64(key):
    assert parse_secret(secret(key)) == key


SECRET = secret(bytes(range(224, 256)))
"""32 bytes; its base64 has padding and both letters that url-safe base64 has not."""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        SECRET.removeprefix("whsec_"),
        "WHSEC_" + SECRET.removeprefix("whsec_"),
        "whsec_" + SECRET,
        "whsec_" + urlsafe_b64encode(bytes(range(224, 256))).decode(),
        SECRET.rstrip("="),
        SECRET + "=",
        SECRET + "====",
        SECRET[:-2] + "==",
        secret(bytes(23)),
        secret(bytes(65)),
        secret(b""),
        f" {SECRET}",
        f"{SECRET} ",
        f"{SECRET}\n",
        SECRET[:20] + " " + SECRET[20:],
        SECRET[:20] + "\n" + SECRET[20:],
        SECRET[:20] + "\0" + SECRET[20:],
        SECRET[:20] + "é" + SECRET[21:],
        SECRET[:20] + "=" + SECRET[21:],
        "whsec_" + "A" * 31 + "B=",
        "sha256=" + "00" * 32,
    ],
)
def test_what_is_no_secret_is_refused_without_being_shown(text):
    with pytest.raises(ValueError, match="expected") as raised:
        parse_secret(text)
    assert str(raised.value) == EXPECTED == "expected whsec_ and the standard, padded base64 of 24 to 64 bytes"
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


SEED = bytes(range(224, 256))
PAIR = pair(SEED)
STRANGE = b64encode(SEED + bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "whsk_",
        "whpk_" + b64encode(b64decode(PAIR[5:])[32:]).decode(),
        "whpk_" + PAIR[5:],
        "whsk_" + b64encode(SEED).decode(),
        "whsk_" + STRANGE,
        "whsk_" + b64encode(b64decode(PAIR[5:])[32:] + SEED).decode(),
        "whsk_" + b64encode(b64decode(PAIR[5:]) + b"x").decode(),
        "whsk_" + urlsafe_b64encode(b64decode(PAIR[5:])).decode(),
        "whsk_" + SECRET.removeprefix("whsec_"),
        "whsk_" + PAIR,
        PAIR.rstrip("="),
        PAIR + "=",
        f"{PAIR}\n",
        PAIR[:20] + " " + PAIR[20:],
        PAIR[:20] + "é" + PAIR[21:],
        PAIR[:-3] + "h==",
    ],
)
def test_what_is_no_pair_is_refused_without_being_shown(text):
    with pytest.raises(ValueError, match="expected") as raised:
        parse_secret(text)
    assert str(raised.value) == EXPECTED_PAIR
    assert EXPECTED_PAIR == (
        "expected whsk_ and the standard, padded base64 of an Ed25519 seed and the public key that is its own"
    )
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_the_pair_the_refusals_are_made_of_is_good_and_shows_nothing():
    assert set("+/=") < set(PAIR)
    assert PAIR[5:25] not in repr(parse_secret(PAIR))


def test_a_command_that_meets_no_pair_does_not_wait_for_ed25519_to_be_loaded():
    program = (
        "import sys; from notifier.core.signing import parse_secret\n"
        f"parse_secret({SECRET!r}); print('cryptography' in sys.modules)\n"
        f"parse_secret({PAIR!r}); print('cryptography' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\nTrue\n"


def test_the_secret_the_refusals_are_made_of_is_good():
    assert set("+/=") < set(SECRET)
    assert len(parse_secret(SECRET)) == 32


@pytest.mark.parametrize("length", [24, 64])
def test_the_shortest_and_the_longest_key_are_good(length):
    assert parse_secret(secret(bytes(length))) == bytes(length)


# --- headers


@given(st.lists(keys, min_size=1, max_size=10), st.binary(max_size=200))
def test_every_secret_signs_and_nothing_else_is_in_the_header(several, body):
    signature = headers(several, "evt_1", 1, body)["webhook-signature"]
    elements = signature.split(" ")
    assert len(elements) == len(several)
    assert elements == [headers([key], "evt_1", 1, body)["webhook-signature"] for key in several]
    assert all(element.startswith("v1,") and element.count(",") == 1 for element in elements)
    assert signature.split() == elements


@given(st.lists(keys.map(secret) | seeds.map(pair), min_size=1, max_size=10), st.binary(max_size=200))
def test_shared_keys_sign_before_pairs_and_each_kind_in_the_order_of_the_config(several, body):
    alone = [headers([parse_secret(one)], "evt_1", 1, body)["webhook-signature"] for one in several]
    signature = headers([parse_secret(one) for one in several], "evt_1", 1, body)["webhook-signature"]
    assert signature.split(" ") == sorted(alone, key=lambda one: one.startswith("v1a,"))
    assert all(one.count(",") == 1 for one in signature.split(" "))


@given(seeds, st.binary(max_size=200))
def test_who_has_the_public_half_verifies_what_a_pair_signed_and_nothing_else(seed, body):
    text = pair(seed)
    public = Ed25519PublicKey.from_public_bytes(b64decode(text.removeprefix("whsk_"))[32:])
    scheme, _, signature = headers([parse_secret(text)], "evt_1", 1, body)["webhook-signature"].partition(",")
    assert scheme == "v1a"
    public.verify(b64decode(signature), b"evt_1.1." + body)
    with pytest.raises(InvalidSignature):
        public.verify(b64decode(signature), b"evt_1.2." + body)


def test_a_shared_key_signs_as_the_webhooks_of_github_do():
    """The example of its documentation of `X-Hub-Signature-256`: the same primitive over a body alone."""
    signature = mac(b"It's a Secret to Everybody", b"Hello, World!").hex()
    assert f"sha256={signature}" == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_a_pair_signs_as_the_http_signatures_of_rfc_9421_do():
    """Its appendix B.2.6, with the key of B.1.4: the same primitive over another message."""
    seed = b64decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=")
    assert pair(seed)[5:] == b64encode(seed + b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")).decode()
    covered = '("date" "@method" "@path" "@authority" "content-type" "content-length")'
    base = [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@method": POST',
        '"@path": /foo',
        '"@authority": example.com',
        '"content-type": application/json',
        '"content-length": 18',
        f'"@signature-params": {covered};created=1618884473;keyid="test-key-ed25519"',
    ]
    assert b64encode(parse_secret(pair(seed)).sign("\n".join(base).encode())).decode() == (
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )


@given(st.integers(0, 10**11))
def test_a_timestamp_is_plain_decimal_seconds(timestamp):
    assert headers([bytes(24)], "evt_1", timestamp, b"")["webhook-timestamp"] == format(timestamp, "d")


@given(keys, st.binary(max_size=99), st.binary(max_size=99))
def test_another_body_id_or_moment_has_another_signature(key, body, other):
    def signature(id_="evt_1", timestamp=1, content=body):
        return headers([key], id_, timestamp, content)["webhook-signature"]

    assert (signature() == signature(content=other)) == (body == other)
    assert len({signature(), signature(id_="evt_2"), signature(timestamp=2)}) == 3


# --- the official library

bodies = st.dictionaries(
    st.text(st.characters(codec="utf-8")),
    st.text(st.characters(codec="utf-8")) | st.sampled_from(["\u2028", "🎬", "\ufeff", "é\u0301"])
    | st.none() | st.integers(),
    max_size=5,
)  # fmt: skip


def now() -> int:
    """The library accepts nothing that is older or younger than five minutes."""
    return int(datetime.now(tz=UTC).timestamp())


@given(st.lists(keys, min_size=1, max_size=3), bodies)
def test_the_official_library_accepts_every_secret_of_a_rotation(several, data):
    body = standard("evt_1", "upload.completed", 0.0, data)
    signed = headers(several, "evt_1", now(), body)
    for key in several:
        assert Webhook(secret(key)).verify(body, signed)["data"] == data


@given(keys, keys)
def test_the_official_library_refuses_what_another_secret_signed(key, other):
    signed = headers([key], "evt_1", now(), b"{}")
    if key != other:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret(other)).verify(b"{}", signed)


@pytest.mark.parametrize(
    "altered",
    [
        {"webhook-id": "evt_2"},
        {"webhook-timestamp": str(now() - 301)},
        {"webhook-timestamp": str(now() + 320)},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,AAAA v2,AAAA v1,BBBB"},
    ],
)
def test_the_official_library_refuses_what_was_altered(altered):
    signed = headers([bytes(32)], "evt_1", now(), b"{}")
    assert Webhook(secret(bytes(32))).verify(b"{}", signed) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret(bytes(32))).verify(b"{}", signed | altered)


def test_the_official_library_signs_the_same():
    text, id_, timestamp, body, signature = VECTORS[0]
    moment = datetime.fromtimestamp(timestamp, tz=UTC)
    assert Webhook(text).sign(id_, moment, body.decode()) == signature
