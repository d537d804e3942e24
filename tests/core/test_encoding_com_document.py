"""One document in XML and in JSON, byte for byte as the service makes them."""

import json
from xml.etree.ElementTree import fromstring

from hypothesis import given
from hypothesis import strategies as st

from notifier.core.encoding_com import clean
from notifier.core.encoding_com_document import as_json, as_xml

WRONG = [("errors", [("error", "Wrong user id or key!")])]
FORMAT = ("format", [("id", "2107"), ("status", "Finished")])
JOB = ("job", [("id", "1042"), FORMAT])


def said(*elements):
    return json.loads(as_json("response", elements))["response"]


def test_xml_is_as_the_service_sends_it():
    assert as_xml("response", WRONG) == (
        '<?xml version="1.0"?>\n<response><errors><error>Wrong user id or key!</error></errors></response>\n'
    )


def test_json_is_as_the_service_sends_it():
    assert as_json("response", WRONG) == '{"response":{"errors":{"error":"Wrong user id or key!"}}}'


def test_in_json_one_child_is_itself_and_several_are_a_list():
    job = {"id": "1042", "format": {"id": "2107", "status": "Finished"}}
    assert said(JOB) == {"job": job}
    assert said(JOB, JOB, JOB) == {"job": [job, job, job]}
    places = [
        ("destination", "a"),
        ("destination_status", "Saved"),
        ("destination", "b"),
        ("destination_status", "Open"),
    ]
    assert said(*places) == {"destination": ["a", "b"], "destination_status": ["Saved", "Open"]}


def test_in_xml_several_are_one_after_the_other():
    assert as_xml("response", [JOB, JOB]).count("<job><id>1042</id><format><id>2107</id>") == 2


def test_what_is_empty_is_an_element_in_xml_and_nothing_in_json():
    assert as_xml("response", []) == '<?xml version="1.0"?>\n<response></response>\n'
    assert as_xml("response", [("bitrate", "")]) == '<?xml version="1.0"?>\n<response><bitrate></bitrate></response>\n'
    assert said() == said(("bitrate", "")) == {}


@given(st.text())
def test_any_text_makes_a_document_that_can_be_read(text):
    told = clean(text)
    assert (fromstring(as_xml("response", [("sourcefile", told)]))[0].text or "") == told
    assert said(("sourcefile", told)).get("sourcefile", "") == told
