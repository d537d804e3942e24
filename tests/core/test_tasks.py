"""Which parts of a snapshot lack a number, and which they would have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import observations, seen

from notifier.core.diff import merged, reduced
from notifier.core.model import Status, Target, TargetStatus
from notifier.core.tasks import LARGEST, numbered, own_number, wanted

S, T = Status, TargetStatus
OURS, THEIRS = "upload_post", "encoding_com"


@pytest.mark.parametrize(
    ("id_", "number"),
    [
        ("1042", 1042), ("2147483647", LARGEST), ("2147483648", 0), ("99999999999", 0), ("0", 0), ("0042", 0),
        ("x1", 0), ("", 0), (None, 0), ("\u0661", 0),
    ],
)  # fmt: skip
def test_encoding_coms_own_ids_are_numbers_already(id_, number):
    assert own_number(THEIRS, id_) == number
    assert own_number(OURS, id_) == 0


def test_each_target_is_a_task_and_an_upload_without_any_is_its_own():
    assert wanted(seen(targets=(Target("x", T.QUEUED), Target("y", T.QUEUED, task=5))), OURS) == [0]
    assert wanted(seen(), OURS) == [0]
    assert wanted(seen(task=5), OURS) == []
    assert numbered(seen(), OURS, [7]) == seen(task=7)
    assert numbered(seen(task=7), OURS, []) == seen(task=7)


def test_a_destination_has_the_task_of_its_format():
    parts = (Target("mp4:5", T.QUEUED, external_id="5"), Target("mp4:5/1", T.QUEUED), Target("mp4:5/2", T.QUEUED))
    assert wanted(seen(targets=parts), THEIRS) == [5]
    assert [one.task for one in numbered(seen(targets=parts), THEIRS, [5]).targets] == [5, None, None]
    assert wanted(seen(targets=parts), OURS) == [0, 0, 0]


def test_of_what_is_reduced_nothing_is_left_to_be_numbered():
    assert wanted(reduced(seen(S.COMPLETED, targets=(Target("x", T.COMPLETED, task=5),))), OURS) == []


@given(observations, st.sampled_from([OURS, THEIRS]))
def test_what_has_its_numbers_lacks_none_and_keeps_them_whatever_is_said_next(observed, provider):
    now = numbered(observed, provider, range(1, len(wanted(observed, provider)) + 1))
    assert wanted(now, provider) == []
    assert merged(now, observed) == now
