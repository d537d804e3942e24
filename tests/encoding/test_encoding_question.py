"""What is asked of POST /encoding: read from a form, or refused without a word of what was read."""

import json
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.server.encoding.question import Unreadable, question

KEY = "key-that-nobody-may-see"
QUERY = {"userid": "1", "userkey": KEY, "action": "GetStatus", "mediaid": "1042"}
XML = (
    '<?xml version="1.0"?>\n<query>\n<action>GetStatus</action>\n<userid>1</userid>\n'
    f"<userkey>{KEY}</userkey>\n<mediaid> 1042 </mediaid>\n</query>"
)


def form(**fields):
    return urlencode(fields).encode()


@pytest.mark.parametrize(("field", "text"), [("xml", XML), ("json", json.dumps({"query": QUERY}))])
def test_a_question_is_read_from_either_field(field, text):
    asked = question(form(**{field: text}))
    assert (asked.field, asked.action, asked.user_id) == (field, "GetStatus", "1")
    assert asked.user_key.reveal() == KEY
    assert asked.told == {"mediaid": "1042"}


def test_the_key_of_a_question_does_not_show():
    assert KEY not in repr(question(form(xml=XML)))


def test_a_number_is_as_good_as_its_digits_and_what_is_no_scalar_is_passed_over():
    query = {"userid": 1, "mediaid": 1042, "format": [{"output": "mp4"}], "source": None, "page": 1.5}
    query["extended"] = " yes "
    asked = question(form(json=json.dumps({"query": query})))
    assert (asked.user_id, asked.told) == ("1", {"mediaid": "1042", "extended": "yes"})


def test_true_in_json_is_yes_in_xml():
    # It was passed over, and answered in the simple form.
    asked = question(form(json=json.dumps({"query": {"mediaid": 1042, "extended": True, "deleted": False}})))
    assert asked.told == {"mediaid": "1042", "extended": "yes"}


@pytest.mark.parametrize(("fields", "field"), [({"json": ""}, "json"), ({"xml": "", "json": ""}, "xml")])
def test_an_empty_question_is_complained_of_in_its_own_dialect(fields, field):
    with pytest.raises(Unreadable) as caught:
        question(form(**fields))
    assert caught.value.field == field


def test_an_empty_field_stands_beside_the_question_and_not_for_it():
    assert question(form(xml="", json=json.dumps({"query": QUERY}))).action == "GetStatus"


@pytest.mark.parametrize("ids", [["1042", "1043"], 1042.0, None, {}])
def test_a_media_id_that_is_no_scalar_is_no_question(ids):
    # It was passed over, and the answer was that there was none.
    with pytest.raises(Unreadable):
        question(form(json=json.dumps({"query": {"action": "GetStatus", "mediaid": ids}})))


def test_what_is_missing_is_empty():
    asked = question(form(xml="<query/>"))
    assert (asked.user_id, asked.user_key.reveal(), asked.action, asked.told) == ("", "", "", {})


def test_of_two_fields_xml_is_read():
    assert question(form(json="{}", xml=XML)).field == "xml"


def parted(boundary, *parts):
    """A form as PHP's curl sends an array."""
    told = "".join(f"--{boundary}\r\nContent-Disposition: form-data; {name}\r\n\r\n{text}\r\n" for name, text in parts)
    return f"{told}--{boundary}--\r\n".encode()


@pytest.mark.parametrize("type_", ["multipart/form-data; boundary=--x1", 'Multipart/Form-Data;boundary="--x1"'])
@pytest.mark.parametrize(("field", "text"), [("xml", XML), ("json", json.dumps({"query": QUERY}))])
def test_a_form_of_several_parts_is_read_as_well(type_, field, text):
    asked = question(parted("--x1", ('name="other"', "…"), (f'name="{field}"', text)), type_)
    assert (asked.field, asked.action, asked.told) == (field, "GetStatus", {"mediaid": "1042"})
    assert asked.user_key.reveal() == KEY


@pytest.mark.parametrize(
    "body",
    [
        b"",
        form(xml=XML),
        parted("y", ('name="xml"', XML)),
        parted("x", ('name="xmls"', XML)),
        parted("x", *[('name="other"', "…")] * 20, ('name="xml"', XML)),
        parted("x", ('name="xml"', XML)).replace(b"<query>", b"\xff"),
    ],
)
def test_several_parts_without_a_question_are_told_as_any_other_body(body):
    with pytest.raises(Unreadable):
        question(body, "multipart/form-data; boundary=x")


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
UNREADABLE = {
    "nothing": b"",
    "no field": form(yaml="query:"),
    "no text": b"xml=%ff%fe\xff",
    "more fields than a form has": b"&".join([b"a=1"] * 20 + [form(xml=XML)]),
    "no XML": form(xml="<query><action>GetStatus</query>"),
    "another root": form(xml="<response/>"),
    "an entity bomb": form(xml=f"{BOMB}<query><action>&b;</action></query>"),
    "a file of ours": form(
        xml='<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><query><action>&x;</action></query>'
    ),
    "an entity that nobody declared": form(xml="<query><action>&x;</action></query>"),
    "XML without an end": form(xml="<query>" * 30_000),
    "no JSON": form(json="{"),
    "JSON without a query": form(json='{"action": "GetStatus"}'),
    "a list of queries": form(json='{"query": [1]}'),
    "JSON without an end": form(json="[" * 50_000),
    "a number without an end": form(json="1" * 50_000),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_told_in_the_words_of_the_service(body):
    with pytest.raises(Unreadable) as raised:
        question(body)
    assert str(raised.value) == "Wrong query format"
    assert raised.value.field == ("json" if body.startswith(b"json") else "xml")


@given(st.sampled_from([b"", b"xml=", b"json="]), st.binary() | st.text().map(lambda text: text.encode()))
def test_no_body_does_more_than_be_wrong(field, body):
    with suppress(Unreadable):
        question(parted("x", ('name="xml"', "")).replace(b"xml", field + body), "multipart/form-data; boundary=x")
    with suppress(Unreadable):
        assert question(field + body).field in {"xml", "json"}
