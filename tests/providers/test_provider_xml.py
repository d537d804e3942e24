"""Bytes from strangers → elements, or one of the failures: nothing that XML can be abused for gets further."""

import tracemalloc
import xml.sax
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from bombs import BOMBS, blowup, fetching, laughs
from hypothesis import given
from hypothesis import strategies as st

from notifier.providers.base import Malformed, ProviderError, Unavailable
from notifier.providers.xml import MAX_DEPTH, MAX_ELEMENTS, answered, members, read, words


def document(doctype, inside):
    return f'<?xml version="1.0"?>\n{doctype}<response><id>{inside}</id></response>'.encode()


def test_an_element_is_read_with_its_text_and_without_attributes_and_comments():
    root = read(
        b'<?xml version="1.0"?>\n<a x="1"><b> \xc3\xa9 &amp; &lt;<!-- no --> </b><b>2</b><c/><d><e>3</e></d></a>'
    )
    assert (root.tag, root.attrib) == ("a", {})
    assert members(root) == {"b": "é & <", "c": "", "d": ""}
    assert words(root.find("d/e")) == "3"
    assert words(None) == ""


@pytest.mark.parametrize(
    "body",
    [
        *(pytest.param(document(*bomb("http://127.0.0.1:1")), id=name) for name, bomb in BOMBS.items()),
        b'<!DOCTYPE a [<!ENTITY it SYSTEM "file:///etc/passwd">]><a>&it;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        b"<!DOCTYPE a><a/>",
    ],
)
def test_a_doctype_is_refused(body):
    with pytest.raises(Malformed, match="DOCTYPE"):
        read(body)


@pytest.mark.parametrize(("bomb", "letters"), [(laughs(5), 300_000), (blowup(2000), 4_000_000)])
def test_a_bomb_that_another_parser_unpacks_is_refused_before_it_is(bomb, letters):
    body = document(*bomb)
    assert len(ET.fromstring(body).findtext("id")) == letters
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="DOCTYPE"):
            read(body)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 64 << 10 < letters


def test_an_entity_that_another_parser_fetches_is_refused(tmp_path):
    (tmp_path / "secret").write_text("that nobody may see")
    body, told = document(*fetching((tmp_path / "secret").as_uri())), []
    handler, parser = xml.sax.ContentHandler(), xml.sax.make_parser()
    handler.characters = told.append
    parser.setFeature(xml.sax.handler.feature_external_ges, True)
    parser.setContentHandler(handler)
    parser.parse(BytesIO(body))
    assert "".join(told).strip() == "that nobody may see"
    with pytest.raises(Malformed, match="DOCTYPE"):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<a>", b"<a></b>", b"<a>&it;</a>", b"<a>\0</a>", b"<a/><a/>", b"a", b"\xff", b"<a>\xe9</a>",
        b'<?xml version="1.0" encoding="nonsense"?><a/>', b'<?xml version="1.0" encoding="shift_jis"?><a>\x82</a>',
        b'<?xml version="1.0" encoding="zip"?><a/>',
    ],
)  # fmt: skip
def test_what_is_no_xml_is_malformed(body):
    with pytest.raises(Malformed, match="no XML"):
        read(body)


def test_depth_and_number_of_elements_are_bounded():
    deepest = b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH
    assert len(list(read(deepest).iter())) == MAX_DEPTH
    most = b"<a>" + b"<b/>" * (MAX_ELEMENTS - 1) + b"</a>"
    assert len(read(most)) == MAX_ELEMENTS - 1
    for body in (b"<a>" + deepest + b"</a>", b"<a><b/>" + most[3:], b"<a>" * 1_000_000):
        with pytest.raises(Malformed, match="more elements"):
            read(body)


@pytest.mark.parametrize(
    "body", [b"", b" \r\n", b"<html><p>Sorry</p></html>", b"\n<!DOCTYPE html><p>Sorry<br>", b"<HTML>"]
)
def test_what_is_empty_or_for_people_is_unavailable(body):
    with pytest.raises(Unavailable):
        answered(body, "text/xml")


def test_what_calls_itself_html_is_taken_for_it_unless_it_is_xml():
    with pytest.raises(Unavailable):
        answered(b"Sorry", "text/html")
    with pytest.raises(Malformed):
        answered(b"Sorry", "text/xml")
    assert answered(b"<response/>", "text/html").tag == "response"


PIECES = [
    b"<a>", b"</a>", b"<a/>", b"<!DOCTYPE a [", b"]>", b'<!ENTITY b "c">', b"&b;", b"&#0;", b"<?xml version='1.0'?>",
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"\xff", b"<html>", b" encoding='utf-16'", b"x",
]  # fmt: skip


@given(body=st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)))
def test_no_bytes_raise_anything_but_a_provider_error(body):
    try:
        root = answered(body, "text/xml")
    except ProviderError:
        return
    assert root.tag
