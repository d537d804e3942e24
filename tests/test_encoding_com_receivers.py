"""Receivers that were written for Encoding.com, by what each relies on, called by the loops and by the real process."""

import json
import re
import time
from contextlib import AsyncExitStack
from xml.etree import ElementTree as ET

import pytest
from daemons import KEY, SECRETS, Systemd, config
from legacy import WHERE, Legacy, called, ends
from stored import altered

from notifier.core.encoding_com_call import Dialect
from notifier.core.model import Status
from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media

S = Status
KNOWN = {"mediaid", "source", "status", "description", "format"}
KNOWN_OF_A_FORMAT = {"taskid", "output", "status", "description", "suggestion", "destination", "destination_status"}
PATTERN = re.compile(r"<mediaid>(\d+)</mediaid>.*?<source>.*/([^/<]+)\.[^/<]*</source>.*?<status>([^<]+)</status>")


def handed_on(text):
    """SVI, PHPRO: the parsed document goes to the program."""
    return ET.fromstring(text).findtext("status")


def exact(text):
    """ESPN: `Finished` to the letter, and every destination."""
    root = ET.fromstring(text)
    return root.findtext("status") == "Finished", [one.text for one in root.findall("format/destination")]


def by_pattern(text):
    """CH: digits, then the file's name, then the status."""
    return PATTERN.search(text).groups()


def column(text):
    """GMS: a row by an integer of 32 bits."""
    number = int(ET.fromstring(text).findtext("mediaid"))
    assert 0 < number < 2**31
    return {number: ET.fromstring(text).findtext("status")}


def lower_case(text):
    """GEM."""
    return {"finished": "done", "error": "failed"}[ET.fromstring(text).findtext("status").lower()]


def formats_alone(text):
    """ETR: a format in `Error` is a failure, all else is taken for a success."""
    return "Error" not in [one.text for one in ET.fromstring(text).findall("format/status")]


def strict(text):
    """MBS: refuses what it does not know, and names files after source, task and output."""
    root = ET.fromstring(text)
    assert {one.tag for one in root} <= KNOWN
    assert {one.tag for part in root.findall("format") for one in part} <= KNOWN_OF_A_FORMAT
    name = root.findtext("source").rpartition("/")[2]
    stem = name[: name.rindex(".")]
    return [f"{stem}_{part.findtext('taskid')}.{part.findtext('output')}" for part in root.findall("format")]


def described(text):
    """PWR: logs the description of an error, and what it does not know."""
    root = ET.fromstring(text)
    return {"Finished": "queued", "Error": root.findtext("description")}[root.findtext("status")]


def by_media(text):
    """SC: any call is the end, of a media whose id must be a string."""
    number = json.loads(text)["result"]["mediaid"]
    assert isinstance(number, str)
    assert number.isdigit()
    return number


def by_task(text):
    """PUB: one format is an object, several are a list; any in `Error` is the record's."""
    result = json.loads(text)["result"]
    parts = result["format"] if isinstance(result["format"], list) else [result["format"]]
    return result["status"], {one["taskid"]: one["status"] for one in parts}


RECEIVERS = {
    "handed on": ("xml", handed_on, "Finished", "Error"),
    "exact": ("xml", exact, (True, [WHERE]), (False, [])),
    "by pattern": ("xml", by_pattern, ("1", "u1", "Finished"), ("1", "u1", "Error")),
    "column": ("xml", column, {1: "Finished"}, {1: "Error"}),
    "lower case": ("xml", lower_case, "done", "failed"),
    "formats alone": ("xml", formats_alone, True, False),
    "strict": ("xml", strict, ["u1_1.mp4"], ["u1_1.mp4"]),
    "described": ("xml", described, "queued", "too large"),
    "by media": ("json", by_media, "1", "1"),
    "by task": ("json", by_task, ("Finished", {"1": "Finished"}), ("Error", {"1": "Error"})),
}


@pytest.mark.parametrize("name", RECEIVERS)
@pytest.mark.parametrize("status", [S.COMPLETED, S.FAILED])
async def test_a_receiver_of_encoding_coms_notices_no_difference(tmp_path, name, status):
    body, understood, finished, failed = RECEIVERS[name]
    async with called(tmp_path, Dialect(body), understood) as (w, legacy):
        await ends(w, status)
        assert legacy.said == [finished if status is S.COMPLETED else failed]


FED = {
    "handed on": ["Finished", "Error"],
    "exact": [(True, ["https://youtube.example.com/good"]), (False, [])],
    "by pattern": [("2", "good", "Finished"), ("1", "bad", "Error")],
    "column": [{2: "Finished"}, {1: "Error"}],
    "lower case": ["done", "failed"],
    "formats alone": [True, False],
    "strict": [["good_1.mp4"], ["bad_2.mp4"]],
    "described": ["queued", "Error"],
    "by media": ["2", "1"],
    "by task": [("Finished", {"1": "Finished"}), ("Error", {"2": "Error"})],
}
"""What each makes of a film that ends well and of one that does not; the newest in a list is followed first."""


async def test_each_of_them_is_fed_by_the_real_process(tmp_path):
    async with AsyncExitStack() as opened:
        films = [Media("good", status="processing", title="a film"), Media("bad", status="processing", title="another")]
        source = await opened.enter_async_context(FakeXenonFlare(films, time.time, key=KEY))
        several = {}
        for name, (body, understood, *_) in RECEIVERS.items():
            several[name] = await opened.enter_async_context(Legacy(body, understood))
        tables = [
            f'[[endpoints]]\nname = "{name.replace(" ", "-")}"\nurl = "{one.origin}/notify.php?id=7"\n'
            f'format = "encoding_com"\nbody = "{one.name}"\n'
            for name, one in several.items()
        ]
        text = "\n".join([config(source.base_url, {}), *tables])
        systemd = opened.enter_context(Systemd(tmp_path / "notify"))
        await opened.enter_async_context(Daemon(tmp_path, text, {**SECRETS, **systemd.environ}))
        await systemd.hears("READY=1")
        source.put(Media("good", status="completed", title="a film", parts={"youtube": "published"}))
        source.put(Media("bad", status="failed", title="another"))
        for name, one in several.items():
            await one.got(2)
            assert sorted(map(str, one.said)) == sorted(map(str, FED[name])), name
            assert [path for path, _, _ in one.requests] == ["/notify.php?id=7"] * 2


async def test_nothing_of_ours_is_added_to_a_call_and_the_url_is_untouched(tmp_path):
    async with called(tmp_path, Dialect("json"), by_media) as (w, legacy):
        await ends(w, S.COMPLETED)
        ((path, told, body),) = legacy.requests
        assert path == "/notify.php?id=7&token=a%2Fb"
        assert body.startswith(b"json=")
        assert told["content-type"] == "application/x-www-form-urlencoded"
        assert told.keys() == {"host", "content-type", "content-length", "user-agent", "accept-encoding"}


async def test_a_destination_is_called_for_before_the_result(tmp_path):
    async with called(tmp_path, Dialect(), handed_on, notify_upload=True) as (w, legacy):
        await ends(w, S.COMPLETED)
        assert legacy.said == ["Saved", "Finished"]


async def test_what_is_owed_in_the_other_manner_is_dropped_and_not_sent(tmp_path):
    async with called(tmp_path, Dialect(), handed_on) as (w, legacy):
        await altered(w.store, "CREATE TRIGGER other AFTER INSERT ON deliveries BEGIN UPDATE deliveries SET"
                         " format = 'standard' WHERE id = new.id; END")  # fmt: skip
        await ends(w, S.COMPLETED)
        assert legacy.requests == []
        assert [one.phase.value for one in (await w.store.deliveries()).items] == ["dropped"]
