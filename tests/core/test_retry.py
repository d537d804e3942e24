"""Where a delivery goes after an attempt."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import NOW, attempt, delivery, receiver

from notifier.core.model import Cause, Command, Outcome, Phase
from notifier.core.retry import Next, after, jittered
from notifier.webhook.verdict import judged

SCHEDULE = receiver().schedule
PLAIN = 0.5
"""The draw that leaves a delay as it is."""


def test_the_schedule_lasts_75_h_35_m_05_s():
    assert len(SCHEDULE) == 10
    assert sum(SCHEDULE) == 75 * 3600 + 35 * 60 + 5


def test_ten_failures_end_it_and_nine_do_not():
    slots, now, waits = 0, NOW, []
    while (after_ := after(delivery(slots=slots), attempt(started_at=now), SCHEDULE, PLAIN)).phase is Phase.WAITING:
        assert after_.slots == slots + 1
        slots, now = after_.slots, after_.due_at
        waits.append(after_.due_at - NOW)
    assert after_ == Next(Phase.DEAD, 10, cause=Cause.SCHEDULE)
    took = 2.0
    assert waits == [delay + took * n for n, delay in enumerate(accumulate(SCHEDULE[1:]), 1)]


@pytest.mark.parametrize("status", range(600))
def test_2xx_alone_delivers_whatever_else_is_answered(status):
    outcome, _ = judged(status, "example.com")
    next_ = after(delivery(), attempt(outcome, status=status), SCHEDULE, PLAIN)
    if status // 100 == 2:
        assert next_ == Next(Phase.DELIVERED, 1)
    else:
        assert next_._replace(blamed=False) == Next(Phase.WAITING, 1, NOW + 2 + 5)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("slots", range(10))
def test_every_outcome_leads_somewhere_from_every_slot(outcome, slots):
    next_ = after(delivery(slots=slots), attempt(outcome), SCHEDULE, PLAIN)
    assert next_.slots == slots + 1
    if outcome is Outcome.DELIVERED:
        assert next_.phase is Phase.DELIVERED
    else:
        assert next_.phase is (Phase.DEAD if slots == 9 or outcome is Outcome.ABORTED else Phase.WAITING)
    assert (next_.due_at is not None) == (next_.phase is Phase.WAITING)
    assert (next_.cause is not None) == (next_.phase is Phase.DEAD)


def test_a_shortened_schedule_ends_what_is_beyond_it():
    assert after(delivery(slots=7), attempt(), (0, 5), PLAIN).phase is Phase.DEAD
    assert after(delivery(slots=7), attempt(Outcome.DELIVERED), (0, 5), PLAIN).phase is Phase.DELIVERED


@given(st.floats(0, 86400), st.floats(0, 1))
def test_jitter_stays_within_a_fifth(delay, draw):
    assert delay * 0.8 - 1e-6 <= jittered(delay, draw) <= delay * 1.2 + 1e-6


def test_jitter_uses_all_of_its_width_and_leaves_at_once_at_once():
    assert [jittered(100, draw) for draw in (0.0, 0.5, 1.0)] == pytest.approx([80, 100, 120])
    assert jittered(0, 1.0) == 0


@given(st.integers(0, 8), st.floats(0, 1), st.floats(0, 60))
def test_a_delay_counts_from_the_end_of_the_attempt(slots, draw, took):
    next_ = after(delivery(slots=slots), attempt(duration=took), SCHEDULE, draw)
    assert next_.due_at == NOW + took + jittered(SCHEDULE[slots + 1], draw)


# --- what the receiver asks for


@pytest.mark.parametrize(("asked", "delay"), [(None, 5), (0.0, 5), (4.0, 5), (60.0, 60), (86400.0, 86400)])
def test_the_receiver_may_ask_for_more_than_the_schedule_and_never_for_less(asked, delay):
    assert after(delivery(), attempt(retry_after=asked), SCHEDULE, PLAIN).due_at == NOW + 2 + delay


@given(st.floats(0, 1), st.floats(0, 86400))
def test_jitter_never_makes_a_retry_earlier_than_the_receiver_asks(draw, asked):
    assert after(delivery(slots=3), attempt(retry_after=asked), SCHEDULE, draw).due_at >= NOW + 2 + asked


@pytest.mark.parametrize("spared", [False, True])
@pytest.mark.parametrize("one", [attempt(command=Command.ABORT), attempt(Outcome.ABORTED, status=400)])
def test_a_delivery_that_the_receiver_aborts_is_dead(one, spared):
    assert after(delivery(), one, SCHEDULE, PLAIN, spared=spared) == Next(Phase.DEAD, 1, cause=Cause.ABORTED)


@pytest.mark.parametrize("command", Command)
def test_what_was_taken_is_delivered_whatever_the_receiver_asks_for(command):
    assert after(delivery(), attempt(Outcome.DELIVERED, command=command), SCHEDULE, PLAIN).phase is Phase.DELIVERED


@pytest.mark.parametrize("slots", [0, 9])
def test_where_it_is_spared_no_slot_is_used_and_nothing_dies(slots):
    assert after(delivery(slots=slots), attempt(), SCHEDULE, PLAIN, spared=True) == Next(Phase.WAITING, slots, NOW + 2)


@pytest.mark.parametrize(("status", "blamed"), [(422, True), (404, False)])
def test_it_is_remembered_whether_the_answer_spoke_against_the_delivery(status, blamed):
    one = attempt(Outcome.HTTP_4XX, status=status)
    assert after(delivery(), one, SCHEDULE, PLAIN).blamed == blamed
    assert after(delivery(), one, SCHEDULE, PLAIN, spared=True).blamed == blamed


def test_who_asks_for_no_time_is_asked_at_once_where_the_schedule_says_so():
    after_it = after(delivery(), attempt(), (0.0, 0.0), 0.5)
    assert after_it.due_at == NOW + attempt().duration
