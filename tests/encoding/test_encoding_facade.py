"""POST /encoding over a real server: every action in both dialects, and all that can be wrong with a question."""

import asyncio
import gzip
import io
import json
import logging
from dataclasses import replace
from urllib.parse import urlencode

import aiohttp
import pytest
from encoding_asking import KEY, USER, encoding_world
from world import CALLING, endpoint

from notifier.core.callbacks import NOBODY
from notifier.core.model import Callback, Source, Status, Target, TargetStatus
from notifier.core.secret import Secret
from notifier.server.access import QUIET
from notifier.server.encoding import facade
from notifier.server.encoding.facade import AT_ONCE, LARGEST_QUESTION, LONGEST_LIST, outputs
from notifier.server.encoding.wish import MOST_IDS
from notifier.store import Store, StoreError

ZERO = "0000-00-00 00:00:00"
WRONG = "Wrong user id or key!"


@pytest.fixture
async def place(tmp_path):
    async with encoding_world(tmp_path) as one:
        yield one


async def followed(w, **truth):
    """Let there be these uploads, each with its status; answers their media ids by their ids."""
    for id_, status in truth.items():
        w.client.set(id_, status)
    await w.poll(2)
    return {one.id: str(one.media_id) for found in (await w.store.known("posts", truth)).values() for one in found}


async def test_the_simple_form_has_all_fields_in_the_response_itself(place):
    w, asker, _ = place
    ids = await followed(w, a=Status.PROCESSING)
    answer = await asker.xml("GetStatus", mediaid=ids["a"])
    assert answer.tag == "response"
    assert [child.tag for child in answer] == [
        *("id", "userid", "sourcefile", "status", "created", "started", "finished", "time_left", "progress", "format"),
    ]
    told = await asker.json("GetStatus", mediaid=ids["a"])
    assert (told["id"], told["userid"], told["status"], told["finished"]) == (ids["a"], USER, "Processing", ZERO)
    assert told["format"]["output"] == "mp4"


async def test_over_the_control_socket_it_is_the_same(place):
    w, asker, local = place
    ids = await followed(w, a=Status.COMPLETED)
    assert await local.json("GetStatus", mediaid=ids["a"]) == await asker.json("GetStatus", mediaid=ids["a"])


@pytest.mark.parametrize("action", ["GetStatus", "getstatus", "GETSTATUS"])
async def test_an_action_is_known_in_any_case(place, action):
    w, asker, _ = place
    ids = await followed(w, a=Status.COMPLETED)
    assert (await asker.json(action, mediaid=ids["a"]))["status"] == "Finished"


async def test_the_extended_form_has_a_job_for_each_media_in_the_order_of_the_question(place):
    w, asker, _ = place
    ids = await followed(w, a=Status.COMPLETED, b=Status.FAILED)
    one = await asker.json("GetStatus", mediaid=ids["a"], extended="yes")
    assert one["job"]["id"] == ids["a"]
    several = await asker.json("GetStatus", mediaid=f"{ids['b']},{ids['a']}", extended="YES")
    assert [(job["id"], job["status"]) for job in several["job"]] == [(ids["b"], "Error"), (ids["a"], "Finished")]
    answer = await asker.xml("GetStatus", mediaid=f"{ids['b']},{ids['a']}", extended="yes")
    assert [job.findtext("id") for job in answer.findall("job")] == [ids["b"], ids["a"]]


async def test_what_is_registered_is_new_until_it_is_known_and_not_there_when_it_is_followed_no_more(tmp_path):
    async with encoding_world(tmp_path, discover=False) as (w, asker, _):

        async def status():
            return (await asker.xml("GetStatus", mediaid="1")).findtext("status")

        async def listed():
            return [one.findtext("mediastatus") for one in await asker.xml("GetMediaList")]

        await w.register("u1")
        assert (await status(), await listed()) == ("New", ["New"])
        w.client.set("u1", Status.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        assert (await status(), await listed()) == ("Finished", ["Finished"])
        await w.registrations.unfollow("posts", "u1")
        assert (await asker.error("GetStatus", mediaid="1"), await listed()) == ("There is no media '1'", [])
        await w.register("u1")
        assert (await status(), await listed()) == ("New", ["New"])


async def test_several_ids_are_answered_in_the_extended_form_whatever_was_asked_for(place):
    w, asker, _ = place
    ids = await followed(w, a=Status.COMPLETED, b=Status.FAILED)
    for more in ({}, {"extended": "no"}):
        assert len((await asker.json("GetStatus", mediaid=",".join(ids.values()), **more))["job"]) == 2


async def test_formats_are_one_object_or_a_list(place):
    w, asker, _ = place
    part = Target("x", TargetStatus.COMPLETED, "completed", url="https://x.example/1")
    w.client.set("one", Status.COMPLETED, targets=(part,))
    w.client.set("two", Status.COMPLETED, targets=(part, replace(part, name="y", url=None)))
    await w.poll(2)
    first, second = [str(one.media_id) for (one,) in (await w.store.known("posts", ["one", "two"])).values()]
    single = (await asker.json("GetStatus", mediaid=first))["format"]
    assert (single["destination"], single["destination_status"]) == ("https://x.example/1", "Saved")
    formats = (await asker.json("GetStatus", mediaid=second))["format"]
    assert ["destination" in one for one in formats] == [True, False]


# --- what is not there


@pytest.mark.parametrize("id_", ["999", "0", "-1", "abc", "99999999999", "1e3", "<b>"])
async def test_an_unknown_id_is_an_error_alone_and_left_out_beside_others(place, id_):
    w, asker, _ = place
    ids = await followed(w, a=Status.COMPLETED)
    assert await asker.error("GetStatus", mediaid=id_) == f"There is no media '{id_}'"
    assert await asker.json("GetStatus", mediaid=id_, extended="yes") == {}
    assert (await asker.json("GetStatus", mediaid=f"{id_},{ids['a']}"))["job"]["id"] == ids["a"]
    assert await asker.error("GetMediaInfo", mediaid=id_) == f"There is no media '{id_}'"


async def test_what_is_gone_is_deleted_in_the_extended_form_and_else_not_there(place):
    w, asker, _ = place
    ids = await followed(w, a=Status.GONE)
    job = {"id": ids["a"], "userid": USER, "status": "Deleted", "deleted": "yes"}
    assert await asker.json("GetStatus", mediaid=ids["a"], extended="yes") == {"job": job}
    assert await asker.error("GetStatus", mediaid=ids["a"]) == f"There is no media '{ids['a']}'"
    assert await asker.error("GetMediaInfo", mediaid=ids["a"]) == f"There is no media '{ids['a']}'"
    assert await asker.json("GetMediaList") == {}


# --- other actions


async def test_info_has_every_element_and_knows_nothing(place):
    w, asker, _ = place
    ids = await followed(w, a=Status.COMPLETED)
    answer = await asker.xml("GetMediaInfo", mediaid=ids["a"])
    assert answer.findtext("duration") == answer.findtext("audio_codec") == ""
    assert len(answer) == 11
    assert await asker.json("GetMediaInfo", mediaid=ids["a"]) == {}


async def test_the_old_list_has_the_oldest_first(place):
    w, asker, _ = place
    for number, id_ in enumerate("abc"):
        w.client.set(id_, Status.QUEUED, created_at=w.clock.now - number)
    await w.poll(2)
    rows = (await asker.json("GetMediaList"))["media"]
    assert [row["mediafile"] for row in rows] == [f"https://notifier.invalid/posts/{id_}.mp4" for id_ in "cba"]
    assert {row["mediastatus"] for row in rows} == {"Waiting for encoder"}
    assert [row.findtext("mediaid") for row in (await asker.xml("GetMediaList")).findall("media")] == [
        row["mediaid"] for row in rows
    ]


async def test_a_list_of_version_3_comes_page_by_page(place):
    w, asker, _ = place
    for number in range(12):
        w.client.set(f"u{number}", Status.QUEUED, created_at=w.clock.now - number)
    await w.poll(2)
    ask = {"version": "3", "per_page": "5"}
    pages = [await asker.json("GetMediaList", **ask, page=str(page)) for page in (1, 2, 3, 4)]
    assert [one["pagination"] for one in pages[::3]] == [
        {"per_page": "5", "page": "1", "count": "5", "total": "12", "pages": "3"},
        {"per_page": "5", "page": "4", "count": "0", "total": "12", "pages": "3"},
    ]
    files = [row["sourcefile"] for one in pages[:2] for row in one["media"]]
    assert files == [f"https://notifier.invalid/posts/u{number}.mp4" for number in range(10)]
    assert "media" not in pages[3]
    oldest = await asker.json("GetMediaList", **ask, order="asc")
    assert oldest["media"][0]["sourcefile"].endswith("u11.mp4")
    day = "2027-01-16"  # after all of them
    assert (await asker.json("GetMediaList", **ask, date_from=day))["pagination"]["total"] == "0"
    assert (await asker.json("GetMediaList", **ask, date_to=day))["pagination"]["total"] == "12"


async def test_the_old_list_ends_somewhere(place):
    w, asker, _ = place
    for number in range(LONGEST_LIST + 2):
        w.client.set(f"u{number}", Status.QUEUED, created_at=w.clock.now - number)
    w.client.page_size = 5000
    await w.poll(2)
    rows = (await asker.json("GetMediaList"))["media"]
    assert len(rows) == LONGEST_LIST
    assert rows[-1]["mediafile"].endswith("/u0.mp4")


async def test_a_form_of_several_parts_is_a_question_too(place):
    w, asker, _ = place
    await followed(w, a=Status.COMPLETED)
    query = {"query": {"userid": USER, "userkey": KEY, "action": "GetStatus", "mediaid": "1"}}
    said = await asker.post(
        aiohttp.FormData({"json": json.dumps(query)}, default_to_multipart=True), "application/json"
    )
    assert json.loads(said)["response"]["status"] == "Finished"


# --- what is wrong with a question


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ("", ""),
        (USER, ""),
        ("", KEY),
        (USER, KEY.upper()),
        ("85297", KEY),
        (USER, KEY[:-1]),
        (KEY, USER),
        ("é", "ключ"),
    ],
)
async def test_who_is_not_the_one_user_gets_the_services_own_answer(place, user, key):
    _, asker, _ = place
    stranger = replace(asker, user=user, key=key)
    assert await stranger.error("GetStatus", mediaid="1") == WRONG
    assert await stranger.error("AddMedia") == WRONG


async def test_half_a_character_is_no_key(place):
    _, asker, _ = place
    query = '{"query": {"userid": "\\ud800", "userkey": "\\udfff", "action": "GetStatus"}}'
    assert json.loads(await asker.form(json=query)) == {"response": {"errors": {"error": WRONG}}}


ERRORS = [
    ("AddMedia", {}, "Action 'AddMedia' is not offered here: GetStatus, GetMediaList and GetMediaInfo are"),
    ("", {}, "Action '' is not offered here: GetStatus, GetMediaList and GetMediaInfo are"),
    ("GetStatus", {}, "mediaid is missing: the ids of one media or of several, with commas between them"),
    ("GetMediaInfo", {"mediaid": "1,2"}, "mediaid has several ids: GetMediaInfo is of one media"),
    ("GetMediaList", {"version": "3", "page": "x"}, "page is 'x': expected 1 to 1000000"),
]


@pytest.mark.parametrize(("action", "query", "said"), ERRORS)
async def test_what_is_wrong_is_said_by_its_name_in_both_dialects(place, action, query, said):
    _, asker, _ = place
    assert await asker.error(action, **query) == said


async def test_half_a_character_is_shown_as_its_escape(place):
    _, asker, _ = place
    query = json.dumps({"query": {"userid": USER, "userkey": KEY, "action": "\ud800"}})
    assert "Action '\\\\ud800' is not offered here" in await asker.form(json=query)


FORMAT_ERROR = '<?xml version="1.0"?>\n<response><errors><error>Wrong query format</error></errors></response>\n'
BOMB = '<!DOCTYPE b [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><query><action>&b;</action></query>'


@pytest.mark.parametrize("body", [b"", b"nonsense", b"xml=%3C", b"\xff\xfe", urlencode({"xml": BOMB}).encode()])
async def test_what_is_no_question_is_answered_all_the_same(place, body):
    _, asker, _ = place
    assert await asker.post(body) == FORMAT_ERROR
    assert await asker.post(body, headers={"Content-Type": "multipart/form-data"}) == FORMAT_ERROR


async def test_a_question_that_is_too_large_is_not_read(place):
    _, asker, _ = place
    said = f"<error>The query is larger than {LARGEST_QUESTION} bytes</error>"
    assert said in await asker.post(b"xml=" + b"a" * LARGEST_QUESTION)
    async with asker.session.post(asker.path, data=b"json=" + b"a" * LARGEST_QUESTION) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        assert "larger than" in await response.text()
    assert said in await asker.post(io.BytesIO(b"xml=" + b"a" * 10_000_000))
    packed = gzip.compress(b"xml=" + b"a" * 10_000_000)  # which nobody unpacks
    assert "Wrong query format" in await asker.post(packed, headers={"Content-Encoding": "gzip"})


async def test_a_question_that_does_not_come_is_not_waited_for_without_end(place, monkeypatch):
    monkeypatch.setattr(facade, "PATIENCE", 0.01)
    _, asker, _ = place

    async def never():
        yield b"xml="
        await asyncio.Event().wait()

    async with asker.session.post("/encoding", data=never()) as response:
        assert "<error>The query has not come within 0.01 seconds</error>" in await response.text()


async def test_another_method_is_not_allowed_and_nothing_else_is_open(place):
    _, asker, _ = place
    for method, path, status in (("GET", "/encoding", 401), ("POST", "/encoding/x", 401), ("PUT", "/encoding", 401)):
        async with asker.session.request(method, path) as response:
            assert response.status == status


# --- bounds


class Counting(Store):
    """Counts what it is asked for, and fails where it is told to."""

    asked = 0
    fault = None

    async def media(self, ids):
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        assert len(ids) <= AT_ONCE
        return await super().media(ids)

    async def media_page(self, *page, **span):
        self.asked += 1
        return await super().media_page(*page, **span)


async def test_as_many_ids_as_one_may_ask_for_are_found_in_a_few_bites(tmp_path):
    async with encoding_world(tmp_path, open_store=Counting.open) as (w, asker, _):
        await followed(w, a=Status.COMPLETED, b=Status.COMPLETED)
        jobs = (await asker.json("GetStatus", mediaid=",".join(map(str, range(1, MOST_IDS + 1)))))["job"]
        assert (len(jobs), w.store.asked) == (2, MOST_IDS // AT_ONCE)
        said = await asker.error("GetStatus", mediaid=",".join(map(str, range(MOST_IDS + 1))))
        assert said == "mediaid has 2001 ids: at most 2000 are answered at once"
        assert w.store.asked == MOST_IDS // AT_ONCE


class Held(Store):
    """Holds up whoever asks for media until it is let go, and counts them."""

    def __init__(self, *args):
        super().__init__(*args)
        self.asking, self.most, self.go = 0, 0, asyncio.Event()
        self.came = asyncio.Queue()

    async def media(self, ids):
        self.asking += 1
        self.most = max(self.most, self.asking)
        self.came.put_nowait(len(ids))
        await self.go.wait()
        self.asking -= 1
        return await super().media(ids)


async def test_large_answers_are_made_one_after_the_other_and_small_ones_beside_them(tmp_path):
    # Sixty at once took 751 MB.
    many, few = ",".join(map(str, range(1, MOST_IDS + 1))), ",".join(map(str, range(1, AT_ONCE + 1)))
    async with encoding_world(tmp_path, open_store=Held.open) as (w, asker, _):
        await followed(w, a=Status.COMPLETED)
        large = [asyncio.create_task(asker.json("GetStatus", mediaid=many)) for _ in range(3)]
        await w.store.came.get()
        small = asyncio.create_task(asker.json("GetStatus", mediaid=few, extended="yes"))
        await w.store.came.get()
        assert w.store.most == 2
        w.store.go.set()
        assert (await small)["job"]["status"] == "Finished"
        assert [one["job"]["status"] for one in await asyncio.gather(*large)] == ["Finished"] * 3
        assert w.store.most <= 2


async def test_who_does_not_take_a_large_answer_is_cut_off_and_holds_up_the_next_no_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(facade, "SLOW", 0.05)
    targets = tuple(Target(f"t{n}", TargetStatus.COMPLETED, url=f"https://a.example.com/{n:060}") for n in range(60))
    async with encoding_world(tmp_path, open_store=Held.open) as (w, asker, _):
        for number in range(AT_ONCE + 1):
            w.client.set(f"u{number}", Status.COMPLETED, targets=targets)
        await w.poll(2)
        many = ",".join(map(str, range(1, AT_ONCE + 2)))
        body = urlencode({"json": json.dumps({"query": asker._whole("GetStatus", {"mediaid": many})})}).encode()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "notifier.sock", limit=1)
        writer.write(b"POST /encoding HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await w.store.came.get()
        w.store.go.set()
        assert len((await asker.json("GetStatus", mediaid=many))["job"]) == AT_ONCE + 1
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.readexactly(1 << 24)
        writer.close()


@pytest.mark.parametrize("path", ["/encoding", "/encoding/"])
async def test_the_path_is_taken_with_a_slash_at_its_end_as_well(place, path):
    _, asker, _ = place
    assert await replace(asker, path=path).error("AddMedia") == (await asker.error("AddMedia"))


async def test_no_page_is_looked_for_behind_the_last(tmp_path):
    async with encoding_world(tmp_path, open_store=Counting.open) as (w, asker, _):
        await followed(w, a=Status.COMPLETED)
        for page, asked in (("1", 1), ("2", 1), ("1000000", 1)):
            said = await asker.json("GetMediaList", version="3", page=page, per_page="100")
            assert (said["pagination"]["total"], w.store.asked) == ("1", asked)


async def test_a_database_that_does_not_answer_is_no_answer_of_the_service(tmp_path):
    async with encoding_world(tmp_path, open_store=Counting.open) as (w, asker, _):
        w.store.fault = StoreError("notifier.db: disk I/O error")
        body = urlencode({"json": json.dumps({"query": asker._whole("GetStatus", {"mediaid": "1"})})})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with asker.session.post("/encoding", data=body, headers=headers) as response:
            assert response.status == 503


# --- the log


async def test_a_wrong_key_is_logged_once_a_minute_for_each_address_and_never_shown(place, caplog):
    w, asker, local = place
    stranger, neighbour = replace(asker, key="wrong-key"), replace(local, key="wrong-key")
    with caplog.at_level(logging.DEBUG):
        for one in (stranger, stranger, neighbour, neighbour):
            await one.error("GetStatus", mediaid="1")
        w.clock.now += QUIET + 1
        await stranger.error("GetStatus", mediaid="1")
        await asker.error("AddMedia")
    lines = [record for record in caplog.records if record.name.startswith("notifier")]
    assert [(one.levelname, one.message) for one in lines] == [("WARNING", "refused")] * 3
    assert [one.fields["peer"] for one in lines] == ["127.0.0.1", "", "127.0.0.1"]
    told = repr([record.__dict__ for record in caplog.records])
    assert KEY not in told
    assert "wrong-key" not in told


async def test_who_goes_away_in_the_middle_of_a_question_is_no_bug(tmp_path, caplog):
    async with encoding_world(tmp_path) as (_, asker, _):
        _, writer = await asyncio.open_unix_connection(tmp_path / "notifier.sock")
        writer.write(b"POST /encoding HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\nxml=")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await asker.error("AddMedia")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


# --- how uploads are told


def source(name, provider="upload_post"):
    return Source(name=name, provider=provider, base_url="", api_key=Secret("k"), budget=None)


def test_an_upload_is_told_as_the_first_endpoint_is_that_is_called_for_it():
    endpoints = (
        endpoint("app"),
        endpoint("old", format="encoding_com;output=flv", sources=("media",)),
        endpoint("older", format="encoding_com;body=json;output=m4v"),
    )
    sources = (source("posts"), source("media", "xenonflare"))
    assert outputs(sources, endpoints) == {"posts": "m4v", "media": "flv"}
    assert outputs(sources, endpoints[:2])["posts"] == "mp4"


async def test_an_upload_of_a_source_that_left_the_config_is_still_told(tmp_path):
    async with encoding_world(tmp_path, outputs={}) as (w, asker, _):
        ids = await followed(w, a=Status.FAILED)
        assert (await asker.json("GetStatus", mediaid=ids["a"]))["status"] == "Error"


async def test_a_media_of_encoding_com_is_told_alike_when_its_source_has_left_the_config(tmp_path):
    # It was told as another provider's: each destination was a format, with the media's own number.
    names = ("mp4:7", "mp4:7/1", "mp4:7/2")
    places = [Target(one, TargetStatus.COMPLETED, "Finished", url=f"https://{one[-1]}.example.com/a") for one in names]
    async with encoding_world(tmp_path, outputs={}, provider="encoding_com") as (w, asker, _):
        await w.register("1042")
        w.client.set("1042", Status.COMPLETED, targets=tuple(replace(one, task=7) for one in places))
        await w.polls_until(w.clock.now + 60)
        before = await asker.json("GetStatus", mediaid="1042")
        w.poller.adopt([], (), NOBODY, {})
        assert await asker.json("GetStatus", mediaid="1042") == before
        assert (before["format"]["id"], len(before["format"]["destination"])) == ("7", 2)


async def test_an_upload_with_a_callback_is_told_as_the_callback_tells_it(tmp_path):
    async with encoding_world(tmp_path, outputs={"posts": "m4v"}, calling=CALLING) as (w, asker, _):
        for id_, format_ in (("a", "encoding_com"), ("b", "standard")):
            await w.register(id_, callback=Callback(f"https://x.example.com/{id_}", format_))
            w.client.set(id_, Status.COMPLETED, url=f"https://cdn.example.com/{id_}")
        await w.polls_until(w.clock.now + 60)
        ids = {one.id: one.media_id for one in await w.store.listed("posts")}
        told = {id_: (await asker.json("GetStatus", mediaid=str(ids[id_])))["format"]["output"] for id_ in "ab"}
        assert told == {"a": "mp4", "b": "m4v"}
