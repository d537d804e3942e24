"""`notifier run`: how it tells what ended the daemon."""

import errno
import logging

import pytest

from notifier.cli.run import ended
from notifier.server.sockets import CannotListen
from notifier.store import NewerDatabaseError, OtherProviderError, StoreError


@pytest.fixture
def told(caplog):
    """What was told of an error: the exit code, the reasons, and the types whose trace is shown."""

    def told(error):
        with caplog.at_level(logging.CRITICAL):
            code = ended(error)
        traced = [record.exc_info[0] for record in caplog.records if record.exc_info]
        return code, [record.fields["reason"] for record in caplog.records], traced

    return told


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreError("no disk"), 1),
        (CannotListen("no port"), 1),
        (NewerDatabaseError("from tomorrow"), 78),
        (OtherProviderError("posts", "fake", "other"), 78),
    ],
)
def test_what_the_machine_is_to_blame_for_is_a_sentence(told, error, code):
    assert told(error) == (code, [str(error)], [])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "no memory is left: free some, or raise its limit of it"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "no memory is left: free some, or raise its limit of it"),
        (RuntimeError("can't start new thread"), "no thread can be started: raise its limit of tasks, or of memory"),
    ],
)
def test_what_the_machine_lacks_is_a_sentence_with_its_cure(told, error, reason):
    assert told(error) == (1, [reason], [])


@pytest.mark.parametrize("error", [RuntimeError("another"), OSError(errno.EIO, "another")])
def test_what_only_looks_like_it_has_its_trace(told, error):
    assert told(error) == (1, [str(error)], [type(error)])


def test_a_bug_has_its_trace_and_at_least_a_name(told):
    assert told(KeyError()) == (1, ["KeyError"], [KeyError])


def test_each_of_several_errors_is_told(told):
    # Only the first of a group was told once, and that may be the one that followed from another.
    both = ExceptionGroup("", [ExceptionGroup("", [StoreError("no disk")]), KeyError("bug"), NewerDatabaseError("new")])
    assert told(both) == (78, ["no disk", "'bug'", "new"], [KeyError])
