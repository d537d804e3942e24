"""The stage does what the script says, at the moment it says, and writes down what it did."""

import tomllib

import aiohttp
import pytest

from notifier.core.model import Status
from notifier.demo.stage import Stage
from notifier.demo.timeline import Mishap, script

PLAY = script(20.0)


class Clock:
    def __init__(self):
        self.now = 1_767_225_600.0

    def __call__(self):
        return self.now


class Diary:
    """An audience that remembers."""

    def __init__(self):
        self.moves, self.mishaps, self.receipts = [], [], []

    def moved(self, truth, title):
        self.moves.append((title, truth.status))

    def went_wrong(self, mishap):
        self.mishaps.append(mishap)

    def received(self, receipt):
        self.receipts.append(receipt)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def diary():
    return Diary()


@pytest.fixture
def stage(clock, diary):
    return Stage(PLAY, clock, diary)


def test_before_anybody_looks_all_is_old(stage, diary):
    assert len(diary.moves) == len(PLAY.before)
    assert all(truth.old for lives in stage.ledger.truths.values() for truth in lives)


def test_nothing_moves_before_it_begins(stage, clock, diary):
    clock.now += 100
    stage.perform(clock())
    assert len(diary.moves) == len(PLAY.before)


def test_every_scene_has_its_moment(stage, clock, diary):
    stage.begin(clock())
    clock.now += PLAY.scenes[0].at
    stage.perform(clock())
    assert diary.moves[len(PLAY.before) :] == [("monday tip", Status.SCHEDULED)]
    clock.now += 20
    stage.perform(clock())
    assert {title: status for title, status in diary.moves if title == "surprise"} == {"surprise": Status.COMPLETED}
    assert diary.mishaps == [mishap for _, mishap in PLAY.mishaps]
    assert (len(stage.posts.faults), len(stage.media.faults), stage.receivers["crm"].down) == (2, 1, False)


def test_a_word_of_theirs_that_means_the_same_to_us_is_no_change(stage, clock, diary):
    stage.begin(clock())
    stage.perform(clock() + 20)
    film = [status for title, status in diary.moves if title == "launch film"]
    assert film == [Status.PROCESSING, Status.COMPLETED]


def test_crm_is_down_in_between(stage, clock):
    stage.begin(clock())
    down_at = next(at for at, mishap in PLAY.mishaps if mishap is Mishap.CRM_DOWN)
    stage.perform(clock() + down_at)
    assert stage.receivers["crm"].down


async def test_a_time_in_the_script_is_a_time_of_day_on_the_stage(stage, clock):
    (planned,) = [scene for scene in PLAY.scenes if scene.upload.title == "monday tip"][:1]
    stage.begin(clock())
    stage.perform(clock() + planned.at)
    headers = {"Authorization": f"Apikey {stage.secrets['DEMO_POSTS_KEY']}"}
    async with stage, aiohttp.ClientSession(headers=headers) as session:
        async with session.get(f"{stage.posts.base_url}/uploadposts/schedule") as answer:
            jobs = (await answer.json())["scheduled_posts"]
        headers = {"X-API-Key": stage.secrets["DEMO_MEDIA_KEY"]}
        async with session.get(f"{stage.media.base_url}/media/images", headers=headers) as answer:
            assert answer.status == 200
    (date,) = [job["scheduled_date"] for job in jobs if job["title"] == "monday tip"]
    assert date == "2026-01-01T00:00:08.200Z"
    assert stage.ledger.truths["posts", planned.upload.id][0].shown_at == clock()


async def test_the_config_names_secrets_and_has_none(stage):
    async with stage:
        text = stage.config("")
    read = tomllib.loads(text)
    names = [source["api_key"]["env"] for source in read["sources"]]
    *signed, old = read["endpoints"]
    names += [endpoint["secrets"][0]["env"] for endpoint in signed]
    assert (old["format"], "secrets" in old) == ("encoding_com", False)
    assert set(names) == set(stage.secrets)
    assert not any(secret in text for secret in stage.secrets.values())
    assert read["sources"][0]["uploads"] == list(PLAY.registered)


async def test_what_a_receiver_gets_is_written_down_and_told(stage, diary):
    async with stage, aiohttp.ClientSession() as session, session.post(stage.receivers["ops"].url) as answer:
        assert answer.status == 401
    assert diary.receipts == []  # not by the receiver, whom an audience that is gone would make fail
    stage.perform(0.0)
    assert stage.ledger.receipts == diary.receipts
    assert diary.receipts[0].endpoint == "ops"
