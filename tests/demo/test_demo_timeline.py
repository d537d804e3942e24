"""The script is a play that ends, the same one every time."""

import pytest

from notifier.core.model import Status
from notifier.demo.ledger import RESTING
from notifier.demo.timeline import Mishap, script


@pytest.mark.parametrize("seconds", [1.0, 6.0, 20.0, 3600.0])
def test_everything_happens_within_the_given_time(seconds):
    play = script(seconds)
    moments = [scene.at for scene in play.scenes]
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] < 0.9 * seconds
    mishaps = [at for at, _ in play.mishaps]
    assert mishaps == sorted(mishaps)
    assert mishaps[-1] < 0.9 * seconds
    assert {mishap for _, mishap in play.mishaps} == set(Mishap)


def test_every_upload_comes_to_rest_but_the_one_whose_time_is_not_yet():
    play = script(20.0)
    last = {scene.upload.id: scene for scene in (*play.before, *play.scenes)}
    (waiting,) = [scene for scene in last.values() if scene.status not in RESTING]
    assert (waiting.status, waiting.upload.title) == (Status.SCHEDULED, "next week")
    assert waiting.upload.scheduled_at > 86_400


def test_a_job_runs_a_little_before_it_is_late():
    play = script(20.0)
    (tip,) = {scene.upload.id for scene in play.scenes if scene.upload.title == "monday tip"}
    planned, runs, _ = [scene for scene in play.scenes if scene.upload.id == tip]
    assert planned.at < runs.at < planned.upload.scheduled_at


def test_the_same_seed_gives_the_same_play_and_another_gives_another():
    assert script(20.0) == script(20.0)
    assert script(20.0, seed=1).registered != script(20.0, seed=2).registered


def test_the_registered_ones_stand_there_before_anybody_looks():
    play = script(20.0)
    assert set(play.registered) <= {scene.upload.id for scene in play.before}
    assert len(play.registered) == 4
