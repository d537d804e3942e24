"""A captured request is verified, or it is told why not, as far as that can be told."""

import json
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.render import standard
from notifier.core.signing import (
    EXPECTED,
    EXPECTED_PAIR,
    EXPECTED_PUBLIC,
    fits,
    headers,
    pair_of,
    parse_lock,
    parse_secret,
    shared_secret,
    signed_content,
)
from notifier.core.verifying import NAMES, Unverified, Verified, age_fault, verified

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
WHSEC, WRONG = shared_secret(KEY), shared_secret(OTHER)
WHSK, WHPK = pair_of(KEY)
AT = 1_800_000_000
BODY = standard("evt_1", "upload.completed", float(AT), {"upload": {"id": "é"}})


def captured(*texts, body=BODY):
    """The headers of a request that these secrets have signed."""
    return headers([parse_secret(text) for text in texts], "evt_1", AT, body)


def why(given, body=BODY, secret=WHSEC):
    with pytest.raises(Unverified) as raised:
        verified(given, body, parse_lock(secret))
    assert not any(part in str(raised.value) for part in (KEY.hex(), secret[7:20]))
    return str(raised.value)


# --- secrets


def test_what_is_handed_out_is_what_is_taken():
    assert parse_secret(WHSEC) == parse_lock(WHSEC) == KEY
    assert parse_secret(WHSK).private_bytes_raw() == KEY
    public = Ed25519PrivateKey.from_private_bytes(KEY).public_key()
    assert parse_lock(WHPK) == parse_lock(WHSK) == public
    assert parse_lock(WHPK).public_bytes_raw() == b64decode(WHPK.removeprefix("whpk_"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("whpk_", EXPECTED_PUBLIC),
        (WHPK.rstrip("="), EXPECTED_PUBLIC),
        ("whpk_" + b64encode(bytes(31)).decode(), EXPECTED_PUBLIC),
        ("whpk_" + WHSK[5:], EXPECTED_PUBLIC),
        (WHSK[:-4], EXPECTED_PAIR),
        ("whsec_x", EXPECTED),
        ("", EXPECTED),
    ],
)
def test_what_nothing_can_be_verified_with_is_refused_without_being_shown(text, expected):
    with pytest.raises(ValueError, match="expected") as raised:
        parse_lock(text)
    assert str(raised.value) == expected


# --- verified


@pytest.mark.parametrize(
    ("signed", "secret", "scheme"),
    [
        ([WHSEC], WHSEC, "v1"),
        ([WRONG, WHSEC], WHSEC, "v1"),
        ([WHSK], WHPK, "v1a"),
        ([WHSK], WHSK, "v1a"),
        ([WHSEC, WHSK], WHPK, "v1a"),
        ([WHSEC, WHSK], WHSEC, "v1"),
    ],
)
def test_one_signature_that_fits_is_enough(signed, secret, scheme):
    assert verified(captured(*signed), BODY, parse_lock(secret)) == Verified("evt_1", AT, scheme)


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=200))
def test_whatever_is_signed_is_verified(key, body):
    assert verified(headers([key], "evt_1", AT, body), body, key).id == "evt_1"


# --- why not


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_header_is_named(name):
    given = captured(WHSEC)
    assert why({**given, name: ""}) == f"missing header: {name}"
    del given[name]
    assert why(given) == f"missing header: {name}"


def test_all_missing_headers_are_named():
    assert why({}) == "missing header: webhook-id, webhook-timestamp, webhook-signature"


@pytest.mark.parametrize("timestamp", ["soon", "1.5", "-1", "+1", "01", "1 ", "\u0661", "9" * 17])
def test_a_bad_timestamp_is_told(timestamp):
    assert why({**captured(WHSEC), "webhook-timestamp": timestamp}).startswith("bad timestamp: expected")


@pytest.mark.parametrize("signature", ["x", "v2,AAAA", "sha256=00", ","])
def test_a_signature_of_no_scheme_is_told(signature):
    assert why({**captured(WHSEC), "webhook-signature": signature}).startswith("bad signature: expected")


def test_a_secret_of_the_other_kind_is_told():
    assert why(captured(WHSK)) == "wrong kind of secret: it is signed by v1a alone, which a whpk_ verifies"
    assert (
        why(captured(WHSEC), secret=WHPK) == "wrong kind of secret: it is signed by v1 alone, which a whsec_ verifies"
    )


@pytest.mark.parametrize(("signed", "secret"), [(WHSEC, WRONG), (WHSK, pair_of(OTHER)[1])])
def test_a_wrong_secret_is_likely_where_the_body_looks_as_it_was_sent(signed, secret):
    assert why(captured(signed), secret=secret).startswith("wrong secret, most likely")


@pytest.mark.parametrize("signed", [WHSEC, WHSK])
@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda body: body + b"\n", "without the line end behind it"),
        (lambda body: body + b"\r\n", "without the line end behind it"),
        (lambda body: b"\xef\xbb\xbf" + body, "without the byte order mark before it"),
        (lambda body: json.dumps(json.loads(body)).encode(), "as compact JSON, so it was read and written anew"),
        (lambda body: json.dumps(json.loads(body), indent=2).encode(), "as compact JSON, so it was read and written"),
    ],
)
def test_what_altered_a_body_is_told_where_it_can_be_undone(signed, alter, words):
    secret = WHSEC if signed == WHSEC else WHPK
    told = why(captured(signed), alter(BODY), secret)
    assert told.startswith(f"altered body: it verifies {words}")
    assert told.endswith("; take the bytes of the request before anything reads them")


def test_line_ends_that_were_changed_are_told():
    lines = b'{\n"id": "evt_1"\n}\n'
    given = captured(WHSEC, body=lines)
    assert why(given, lines.removesuffix(b"\n")).startswith("altered body: it verifies with a line end behind it")
    assert why(given, lines.replace(b"\n", b"\r\n")).startswith("altered body: it verifies with LF in place of CR LF")


def test_the_body_of_another_event_is_told():
    body = BODY.replace(b"evt_1", b"evt_2")
    assert why(captured(WHSEC), body) == "other body: it says that its id is evt_2, while webhook-id says evt_1"
    lone = b'{"id": "evt_2", "title": "\\ud800"}'  # a letter that no bytes stand for
    assert why(captured(WHSEC), lone) == "other body: it says that its id is evt_2, while webhook-id says evt_1"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"id": 1}', b"[" * 100_000, b'{"id": "evt_1", "x": "y"}', b"\xff"]
)
def test_where_it_cannot_be_told_all_that_it_may_be_is_told(body):
    assert why(captured(WHSEC), body).startswith("wrong secret or altered body")


def test_what_a_public_half_is_expected_to_be_is_told():
    assert EXPECTED_PUBLIC == "expected whpk_ and the standard, padded base64 of the 32 bytes of an Ed25519 public key"


@given(st.text(max_size=99), st.text(max_size=99), st.text(max_size=99), st.binary(max_size=99))
def test_no_request_is_more_than_unverified(id_, timestamp, signature, body):
    for secret in (WHSEC, WHPK):
        why(dict(zip(NAMES, (id_, timestamp, signature), strict=True)), body, secret)


@given(st.binary(max_size=99))
def test_no_signature_is_more_than_unverified(signature):
    for scheme, secret in (("v1", WHSEC), ("v1a", WHPK)):
        why({**captured(WHSEC), "webhook-signature": f"{scheme},{b64encode(signature).decode()}"}, BODY, secret)


@pytest.mark.parametrize("signature", ["v1a,", "v1a,?", "v1a,AA"])
def test_what_is_no_signature_of_a_pair_fits_none(signature):
    assert why({**captured(WHSEC), "webhook-signature": signature}, secret=WHPK).startswith("wrong secret")


def test_the_signature_of_a_pair_fits_under_its_own_name_alone():
    given = captured(WHSK)["webhook-signature"]
    assert not fits(parse_lock(WHPK), given.replace("v1a,", "v1,"), signed_content("evt_1", str(AT), BODY))
    assert fits(parse_lock(WHPK), given, signed_content("evt_1", str(AT), BODY))


# --- how old


@pytest.mark.parametrize(
    ("off", "fault"),
    [
        (0, None),
        (300, None),
        (-300, None),
        (301, "old timestamp: off by 301 s, where 300 s are allowed"),
        (-301, "future timestamp: off by 301 s, where 300 s are allowed"),
    ],
)
def test_an_age_beyond_what_receivers_allow_is_a_fault(off, fault):
    assert age_fault(AT, float(AT + off)) == fault


def test_what_is_allowed_can_be_said():
    assert age_fault(AT, AT + 20.0, 10.0) == "old timestamp: off by 20 s, where 10 s are allowed"
    assert age_fault(AT, AT + 0.9, 0.0) == "old timestamp: off by 1 s, where 0 s are allowed"
