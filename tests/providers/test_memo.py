"""A page that is answered again, word for word."""

from dataclasses import replace

import pytest

from notifier.core.model import Answer, Limit, Look, LookKind, Observation, Status
from notifier.providers.base import Malformed
from notifier.providers.http import Reply
from notifier.providers.memo import LARGEST, Memo

LOOK = Look(LookKind.LIST, "videos")
REPLY = Reply(200, b'["a", "b"]', "application/json", Limit(7, 60.0), skew=0.5)


class Reader:
    """Takes every row for the id of an upload, and counts how often it is asked to."""

    def __init__(self):
        self.times = 0

    def __call__(self, document, look):
        self.times += 1
        seen = tuple(Observation("video", id_, Status.PROCESSING, "running") for id_ in document)
        return Answer(seen, more=look.page < 3)


def test_the_same_page_again_is_not_read_again_and_is_the_very_same():
    memo, read = Memo(), Reader()
    first = memo.read(LOOK, REPLY, read)
    again = memo.read(LOOK, replace(REPLY, limit=Limit(6, 50.0), skew=0.7), read)
    assert (read.times, again.observations is first.observations) == (1, True)
    assert (first.limit, first.skew, first.more) == (Limit(7, 60.0), 0.5, True)
    assert (again.limit, again.skew, again.more) == (Limit(6, 50.0), 0.7, True)


@pytest.mark.parametrize("other", [{"body": b'["a"]'}, {"link": '</next>; rel="next"'}, {"content_type": "text/json"}])
def test_a_page_that_differs_in_anything_is_read(other):
    memo, read = Memo(), Reader()
    memo.read(LOOK, REPLY, read)
    answer = memo.read(LOOK, replace(REPLY, **other), read)
    assert read.times == 2
    assert [one.id for one in answer.observations] == (["a"] if "body" in other else ["a", "b"])


def test_each_list_has_its_own_and_only_its_first_page_is_remembered():
    memo, read = Memo(), Reader()
    looks = [LOOK, replace(LOOK, collection="images"), replace(LOOK, word="audio"), replace(LOOK, page=2)]
    for look in [*looks, *looks]:
        memo.read(look, REPLY, read)
    assert read.times == 5


def test_a_page_that_is_too_large_is_read_every_time():
    memo, read = Memo(), Reader()
    for size in (LARGEST, LARGEST, LARGEST + 1, LARGEST + 1):
        memo.read(LOOK, replace(REPLY, body=b'["a"]'.ljust(size)), read)
    assert read.times == 3


def test_a_page_that_cannot_be_read_is_none_to_remember():
    memo, read = Memo(), Reader()
    for _ in range(2):
        with pytest.raises(Malformed):
            memo.read(LOOK, replace(REPLY, body=b"["), read)
    assert memo.read(LOOK, REPLY, read).observations
    assert read.times == 1


def test_nothing_of_what_was_told_is_in_a_repr():
    memo = Memo()
    memo.read(LOOK, REPLY, Reader())
    assert "a" not in repr(memo).removeprefix("Memo")
    assert "body" not in repr(REPLY)
