"""A page that is answered again, word for word."""

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from notifier.core.model import Answer, Limit, Look, LookKind, Observation, Status
from notifier.providers.base import Malformed
from notifier.providers.http import Reply
from notifier.providers.memo import LARGEST, Memo

LOOK = Look(LookKind.LIST, "videos")
REPLY = Reply(200, b'["a", "b"]', "application/json", Limit(7, 60.0), skew=0.5)


TEXT = TypeAdapter(str)


class Reader:
    """Takes every row for the id of an upload, and counts how often it is asked to."""

    def __init__(self):
        self.times = 0
        self.rows = []

    def __call__(self, document, look, read_rows):
        self.times += 1
        seen, skipped = read_rows(document, self._row)
        return Answer(seen, more=look.page < 3, skipped=skipped)

    def _row(self, row):
        self.rows.append(row)
        return Observation("video", TEXT.validate_python(row), Status.PROCESSING, "running")


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


def test_of_a_page_that_says_something_new_only_what_is_new_is_read():
    memo, read = Memo(), Reader()
    first = memo.read(LOOK, replace(REPLY, body=b'["a", "b", "c"]'), read)
    other = memo.read(LOOK, replace(REPLY, body=b'["new", "a", "c", "a"]'), read)
    assert [one.id for one in other.observations] == ["new", "a", "c", "a"]
    assert read.rows == ["a", "b", "c", "new"]
    assert other.observations[1] is first.observations[0]
    memo.read(LOOK, replace(REPLY, body=b'["b"]'), read)
    assert read.rows[4:] == ["b"], "what the page before did not show is not remembered"


@pytest.mark.parametrize(("before", "after"), [(b"[1]", b"[true]"), (b"[0]", b"[0.0]"), (b'["1"]', b"[1]")])
def test_rows_that_are_merely_equal_in_python_are_not_the_same(before, after):
    memo, read = Memo(), Reader()
    for body in (before, after):
        memo.read(LOOK, replace(REPLY, body=body), read)
    assert len(read.rows) == 2


def test_a_broken_row_is_told_in_its_place_whenever_the_page_is_read():
    memo, read = Memo(), Reader()
    assert memo.read(LOOK, replace(REPLY, body=b'["a", 5]'), read).skipped == ("row 2: it: no text",)
    assert memo.read(LOOK, replace(REPLY, body=b"[5]"), read).skipped == ("row 1: it: no text",)


def test_a_row_that_is_nested_so_deep_that_it_could_just_be_read_is_read_again():
    memo, read = Memo(), Reader()
    reply = next(filter(is_read, (replace(REPLY, body=b"[" * depth + b"]" * depth) for depth in range(1200, 0, -1))))
    for _ in range(2):
        assert further_down(20, lambda: memo.read(LOOK, reply, read)).skipped == ("row 1: it: no text",)


def is_read(reply):
    try:
        return bool(reply.document)
    except Malformed:
        return False


def further_down(calls, then):
    return further_down(calls - 1, then) if calls else then()


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
