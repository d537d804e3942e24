"""Callbacks, byte by byte. The documents in tests/render/encoding_com are golden, in the shape of captured ones."""

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import NOW, observations, receiver, seen, upload

from notifier.core.diff import diff
from notifier.core.encoding_com_call import (
    BODIES,
    BODY_FORMATS,
    FORM,
    Dialect,
    call,
    calls,
    is_call,
    media_of,
    tasks_of,
)
from notifier.core.events import addressed, event_for, formats, passes, unwanted, wants
from notifier.core.model import Cause, Observation, Reason, Status, Target, TargetStatus, Upload
from notifier.core.render import content_type

S, T = Status, TargetStatus
GOLDEN = Path(__file__).parent.parent / "render" / "encoding_com"
ALLOWED = {"mediaid", "source", "status", "description", "format"}
ALLOWED_IN_A_FORMAT = {"taskid", "output", "status", "destination", "destination_status", "description", "suggestion"}


def event(now, provider="xenonflare", **more):
    given = {"media_id": 1042, "source": "media", "kind": "", "id": "v1", "followed_at": NOW, **more}
    return event_for(diff(Upload(**given), now, NOW, 7200), provider, NOW)


def document(told, format_="encoding_com"):
    ((name, text),) = parse_qsl(call(told, format_).decode(), strict_parsing=True)
    assert call(told, format_).startswith(f"{name}=".encode())
    return text


# --- golden: a row of the table of calls each


def completed():
    x = Target("x", T.COMPLETED, url="https://cdn.example.com/out/clip.mp4?a=1&b=2", task=2107)
    return event(seen(S.COMPLETED, url="https://cdn.example.com/in/clip+one.mov", targets=(x,)))


def partial():
    x = Target("x", T.COMPLETED, url="https://x.example/1", task=2107)
    youtube = Target("youtube", T.FAILED, reason=Reason("error", "Zu groß: <4 GB> & kürzer"), task=2108)
    return event(seen(S.PARTIAL, targets=(x, youtube)), "upload_post")


def failed():
    parts = (Target("mp4:986", T.QUEUED, "New", task=986), Target("fl9:987", T.QUEUED, "New", task=987))
    why = Reason("error", "Download error:  The requested URL returned error: 400")
    return event(seen(S.FAILED, url="http://www.example.com/in.mov", reason=why, targets=parts), "encoding_com")


def ready():
    return event(seen(S.ACTION_REQUIRED, "Ready to process", url="http://www.example.com/in.mov"), "encoding_com")


def two_formats():
    places = [f"sftp://host.example:2223/video/{name}/" for name in ("encoded", "thumbnail")]
    parts = (
        Target("fl9:12927172", T.COMPLETED, "Finished", url=places[0], task=12927172),
        Target("thumbnail:12927173", T.COMPLETED, "Finished", url=places[1], task=12927173),
    )
    return event(seen(S.COMPLETED, url="sftp://host.example/raw/Swing.wmv", targets=parts), "encoding_com")


def two_destinations():
    parts = (
        Target("mp4:8060", T.COMPLETED, "Finished", task=8060),
        Target("mp4:8060/1", T.COMPLETED, "Saved", url="http://video.example/?title=a+b&acl=private"),
        Target("mp4:8060/2", T.COMPLETED, "Saved", url="http://bucket.example/final.mp4?acl=public-read"),
    )
    return event(seen(S.COMPLETED, targets=parts), "encoding_com", media_id=8078)


@pytest.mark.parametrize("told", [completed, partial, failed, ready, two_formats, two_destinations])
@pytest.mark.parametrize("body", ["xml", "json"])
def test_a_callback_is_as_receivers_know_it(told, body):
    golden = (GOLDEN / f"{told.__name__}.{body}").read_bytes().decode()
    assert document(told(), Dialect(body).name) == golden
    assert call(told(), Dialect(body, "raw").name) == golden.encode()


def test_the_whole_of_a_call_is_one_field_of_a_form():
    assert call(completed(), "encoding_com") == (
        b"xml=%3C%3Fxml+version%3D%221.0%22%3F%3E%0A%3Cresult%3E%3Cmediaid%3E1042%3C%2Fmediaid%3E%3Csource%3E"
        b"https%3A%2F%2Fcdn.example.com%2Fin%2Fclip%2Bone.mov%3C%2Fsource%3E%3Cstatus%3EFinished%3C%2Fstatus%3E"
        b"%3Cdescription%3E%3C%2Fdescription%3E%3Cformat%3E%3Ctaskid%3E2107%3C%2Ftaskid%3E%3Coutput%3Emp4%3C%2Foutput"
        b"%3E%3Cstatus%3EFinished%3C%2Fstatus%3E%3Cdestination%3Ehttps%3A%2F%2Fcdn.example.com%2Fout%2Fclip.mp4%3Fa"
        b"%3D1%26amp%3Bb%3D2%3C%2Fdestination%3E%3Cdestination_status%3ESaved%3C%2Fdestination_status%3E%3C%2Fformat"
        b"%3E%3C%2Fresult%3E%0A"
    )


def test_a_destination_may_be_a_call_of_its_own_before_the_result():
    endpoint = receiver(format="encoding_com;body=json", notify_upload=True)
    told, (to,) = addressed(two_destinations(), [endpoint])
    assert formats(to, told) == [
        "encoding_com;body=json;part=1", "encoding_com;body=json;part=2", "encoding_com;body=json",
    ]  # fmt: skip
    assert set(told.renderings) == set(formats(to, told))
    assert document(told, formats(to, told)[1]) == (
        '{"result":{"mediaid":"8078","taskid":"8060","destination":"http://bucket.example/final.mp4?acl=public-read",'
        '"status":"Saved"}}'
    )
    assert document(told, "encoding_com;part=1") == (
        '<?xml version="1.0"?>\n<result><mediaid>8078</mediaid><taskid>8060</taskid>'
        "<destination>http://video.example/?title=a+b&amp;acl=private</destination><status>Saved</status></result>\n"
    )


def test_a_destination_that_was_not_reached_has_no_call():
    parts = (
        Target("mp4:8060", T.COMPLETED, "Finished", task=8060),
        Target("mp4:8060/1", T.FAILED, "Error", url="http://video.example/"),
        Target("mp4:8060/2", T.COMPLETED, "Saved", url="http://bucket.example/"),
    )
    told = event(seen(S.COMPLETED, targets=parts), "encoding_com")
    assert calls(told, "encoding_com") == ["encoding_com;part=1", "encoding_com"]
    assert "http://bucket.example/" in document(told, "encoding_com;part=1")


def test_a_task_has_the_number_of_its_target_or_of_the_upload_or_of_the_media():
    x, y = Target("x", T.COMPLETED, task=5), Target("y", T.COMPLETED)
    assert [tasks_of(one) for one in (seen(), seen(task=9), seen(targets=(x, y)), seen(targets=(x,), task=9))] == [
        (), (9,), (5, 0), (5,),
    ]  # fmt: skip
    for now, ids in ((seen(S.COMPLETED), [1042]), (seen(S.COMPLETED, task=9), [9])):
        assert [one.taskid for one in media_of(event(now), "mp4").formats] == ids
    both = event(seen(S.COMPLETED, targets=(x, y)))
    for told, ids in ((both, [5, 1042]), (replace(both, tasks=()), [1042, 1042])):
        assert [one.taskid for one in media_of(told, "mp4").formats] == ids


@pytest.mark.parametrize("told", [failed, ready])
def test_what_is_not_finished_has_no_call_for_a_destination(told):
    endpoint = receiver(format="encoding_com", notify_upload=True, announce_ready=True)
    assert formats(endpoint, told()) == ["encoding_com"]


# --- the name of a format


dialects = st.builds(
    Dialect, st.sampled_from(["xml", "json"]), st.sampled_from(["form_urlencoded", "raw"]),
    st.sampled_from(["mp4", "fl9"]), st.none() | st.integers(1, 64),
)  # fmt: skip


@given(dialects)
def test_a_dialect_is_read_as_it_was_named(dialect):
    assert Dialect.read(dialect.name) == dialect
    assert is_call(dialect.name)
    assert content_type(dialect.name) == dialect.content_type


def test_what_is_usual_has_the_name_that_the_config_has():
    assert (BODIES, BODY_FORMATS) == (("xml", "json"), ("form_urlencoded", "raw"))
    assert Dialect().name == "encoding_com"
    assert Dialect.read("encoding_com;output=a=b") == Dialect(output="a=b")
    assert Dialect("json", output="m4v").name == "encoding_com;body=json;output=m4v"
    assert not is_call("standard")
    assert [Dialect().content_type, Dialect("xml", "raw").content_type, Dialect("json", "raw").content_type] == [
        FORM, "text/xml", "application/json",
    ]  # fmt: skip


# --- who is called


def test_only_what_encoding_com_would_call_for_passes_whatever_events_match():
    endpoint = receiver(format="encoding_com", events=("*",))
    assert wants(endpoint, completed())
    assert not wants(endpoint, ready())
    assert wants(receiver(format="encoding_com", events=("*",), announce_ready=True), ready())
    assert not any(passes(endpoint, type_, None, None) for type_ in ("source.failing", "endpoint.paused"))
    assert not passes(receiver(format="encoding_com", events=("upload.failed",)), "upload.completed", "media", None)


def test_what_is_owed_unsigned_is_not_wanted_by_who_wants_signatures_nor_the_reverse():
    about = "upload.completed", "media", "completed"
    assert unwanted(receiver(format="encoding_com"), *about, "standard") is Cause.UNWANTED_FORMAT
    assert unwanted(receiver(), *about, "encoding_com;body=json") is Cause.UNWANTED_FORMAT
    assert unwanted(receiver(format="encoding_com;output=m4v"), *about, "encoding_com") is None
    assert unwanted(receiver(), *about, "cloudevents") is None


# --- whatever is said

WORDS = st.sampled_from([S.COMPLETED, S.PARTIAL, S.FAILED, S.ACTION_REQUIRED])


@given(observations, WORDS, st.sampled_from(["upload_post", "encoding_com"]))
def test_whatever_was_said_no_element_is_one_that_encoding_com_did_not_send(observed: Observation, status, provider):
    told = event_for(
        diff(upload(), seen(status, targets=observed.targets, reason=observed.reason), NOW, 7200), provider, NOW
    )
    text = document(told)
    assert text.startswith('<?xml version="1.0"?>\n<result><mediaid>7</mediaid><source>http')
    assert text.count("\n") == 2
    root = ET.fromstring(text)
    assert [one.tag for one in root][:4] == ["mediaid", "source", "status", "description"]
    assert {one.tag for one in root} == ALLOWED
    assert not any(one.attrib for one in root.iter())
    for part in root.findall("format"):
        assert [one.tag for one in part][:3] == ["taskid", "output", "status"]
        assert {one.tag for one in part} <= ALLOWED_IN_A_FORMAT


@given(observations, WORDS)
def test_xml_and_json_tell_the_same(observed, status):
    told = event_for(diff(upload(), seen(status, targets=observed.targets), NOW, 7200), "upload_post", NOW)
    root = ET.fromstring(document(told))
    result = json.loads(document(told, "encoding_com;body=json"))["result"]
    parts = result["format"] if isinstance(result["format"], list) else [result["format"]]
    assert {one.tag: one.text for one in root if one.text and one.tag != "format"} == {
        name: text for name, text in result.items() if name != "format"
    }
    assert [{one.tag: one.text for one in part} for part in root.findall("format")] == parts
