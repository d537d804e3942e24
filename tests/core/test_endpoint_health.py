"""What is learned of an endpoint from its answers: when it is left alone, shut off, paused, and how it comes back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import DAY, HOUR, NOW, attempt, receiver

from notifier.core import health as h
from notifier.core.digest import digest
from notifier.core.health import WELL, Health, State
from notifier.core.model import Command, Outcome
from notifier.core.pauses import Pause, Resumption, reason
from notifier.core.recent import counted

O = Outcome  # noqa: E741  # it stands in tables
APP = receiver()
PLAIN = 0.5
"""The draw that leaves a delay as it is."""
GOOD = attempt(O.DELIVERED, status=204)
BAD = attempt(O.HTTP_5XX, status=503)
REFUSED = attempt(O.HTTP_4XX, status=422)


def throttled(seconds=None):
    return attempt(O.HTTP_429, status=429, retry_after=seconds)


def told(health, *attempts, now=NOW, every=0.0, endpoint=APP, draw=PLAIN, recent=()):
    """The health after these attempts, the first of which ended `now`, the others so many seconds apart."""
    for number, one in enumerate(attempts):
        health, recent = h.heard(health, recent, one, endpoint, now + number * every, draw)
    return health


def shut(**more):
    """Off after five failures in a row that ended now."""
    return replace(told(WELL, *[BAD] * 5), **more)


# --- all is well


def test_where_all_is_well_a_success_changes_nothing_within_the_minute():
    first = told(WELL, GOOD)
    assert first == Health(succeeded_at=NOW)
    assert told(first, GOOD) is told(first, GOOD, now=NOW + 59) is first
    assert told(first, GOOD, now=NOW + 60).succeeded_at == NOW + 60
    assert told(first, GOOD, now=NOW - 1).succeeded_at == NOW - 1  # a clock that was set back


def test_whoever_is_well_gets_as_much_as_it_takes_at_once():
    assert (h.places(WELL, 8), h.may_go(WELL), WELL.state, WELL.sequence) == (8, 0.0, State.OK, 0)


# --- the breaker


def test_five_failures_in_a_row_shut_an_endpoint_off_for_half_a_minute():
    assert told(WELL, *[BAD] * 4).state is State.OK
    health = shut()
    assert (health.state, h.may_go(health), h.places(health, 8)) == (State.OPEN, NOW + 30, 1)


@pytest.mark.parametrize("other", [REFUSED, throttled(), attempt(O.ABORTED)])
def test_what_does_not_speak_against_the_endpoint_neither_counts_nor_ends_a_row_of_failures(other):
    assert told(WELL, *[other] * 100).state is State.OK
    assert told(WELL, *[BAD] * 4, other, BAD).state is State.OPEN


def test_what_came_of_the_last_failure_is_remembered_until_a_success_or_a_person_ends_them():
    dead = attempt(O.CONNECT, note="host cannot be connected to: Connection refused")
    health = told(WELL, BAD, dead)
    assert (health.state, health.failures, health.failure) == (State.OK, 2, dead.note)
    assert told(health, REFUSED, throttled()).failure == dead.note
    assert told(health, BAD).failure == "http_5xx"  # there is always a word
    assert told(health, GOOD).failure is None
    assert told(failing(), dead, now=NOW + HOUR).failure == dead.note
    assert (h.released(shut(), NOW).failures, h.released(shut(), NOW).failure) == (0, None)
    assert WELL.failure is None


def test_a_success_ends_a_row_of_failures():
    assert told(WELL, *[BAD] * 4, GOOD, *[BAD] * 4).state is State.OK


HALF = (GOOD, BAD) * 10
"""Never two failures in a row."""


@pytest.mark.parametrize(
    ("attempts", "every", "state"),
    [
        (HALF, 0.0, State.OPEN),
        (HALF[1:], 0.0, State.OK),  # 19 of them
        ((*HALF, GOOD, GOOD, BAD), 0.0, State.OPEN),
        ((GOOD, GOOD, *HALF[:-1], BAD), 0.0, State.OK),  # 10 of 22
        (HALF, 3.0, State.OPEN),  # within 57 s
        (HALF, 3.2, State.OK),  # within 61 s: the first counts no more
        ((*[REFUSED] * 20, *HALF[1:]), 0.0, State.OK),
        ((*[throttled(0.0)] * 20, *HALF), 0.0, State.OPEN),
    ],
)
def test_half_of_twenty_in_a_minute_shut_an_endpoint_off(attempts, every, state):
    assert told(WELL, *attempts, every=every).state is state


def test_what_ended_before_an_endpoint_was_shut_off_is_not_held_against_it_afterwards():
    health, recent = WELL, ()
    for one in (*HALF, GOOD, BAD):
        now = NOW + 40 * (one is GOOD and health.state is State.OPEN)
        health, recent = h.heard(health, recent, one, APP, now, PLAIN)
    assert (health.state, len(recent)) == (State.OK, 1)


def test_a_clock_that_is_set_back_leaves_no_attempts_of_a_time_to_come():
    assert counted(((100, 9, 0), (200, 9, 0)), 150.5, good=True) == ((100, 9, 0), (150, 1, 0))


@pytest.mark.parametrize(("draw", "seconds"), [(0.0, 24), (0.5, 30), (1.0, 36)])
def test_the_time_off_is_jittered_by_a_fifth(draw, seconds):
    assert told(WELL, *[BAD] * 5, draw=draw).probe_at == pytest.approx(NOW + seconds)


def test_each_probe_that_fails_doubles_the_time_off_up_to_half_an_hour():
    health, now, waits = shut(), NOW, []
    for _ in range(9):
        waits.append(health.probe_at - now)
        now = health.probe_at
        health = told(health, BAD, now=now)
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert told(replace(health, trips=5000), BAD, now=health.probe_at).probe_at == health.probe_at + 1800


def test_what_was_on_its_way_when_an_endpoint_was_shut_off_says_nothing_new():
    health = shut()
    late = told(health, *[BAD] * 3, now=NOW + 20)
    assert (late.probe_at, late.trips) == (health.probe_at, health.trips)
    late = told(health, GOOD, now=NOW + 20)
    assert (late.state, late.failures, late.succeeded_at, late.ramp) == (State.OPEN, 0, NOW + 20, health.ramp)


@pytest.mark.parametrize("other", [REFUSED, throttled(60.0)])
def test_a_probe_that_says_nothing_of_the_endpoint_is_followed_by_another(other):
    health = shut()
    after = told(health, other, now=NOW + 30)
    assert (after.state, after.probe_at, h.places(after, 8)) == (State.OPEN, health.probe_at, 1)


def test_a_probe_that_succeeds_brings_the_endpoint_back_one_at_a_time():
    health = told(shut(), GOOD, now=NOW + 30)
    assert health == Health(succeeded_at=NOW + 30, ramp=1)
    assert h.revives(shut(), health)
    assert not h.revives(WELL, health)
    assert not h.revives(shut(), failing())
    assert told(health, *[BAD] * 5, now=NOW + 40).probe_at == NOW + 70  # not twice as long: it was well between


def test_a_probe_that_succeeds_brings_the_endpoint_back_however_soon_after_another_success():
    assert told(Health(succeeded_at=NOW, probe_at=NOW + 30), GOOD, now=NOW + 30).state is State.OK


# --- the ramp


def test_each_success_gives_one_place_more_and_each_failure_takes_half():
    endpoint = receiver(max_in_flight=5)
    health, seen = told(shut(), GOOD, now=NOW + 30, endpoint=endpoint), []
    for one in (GOOD, GOOD, BAD, GOOD, GOOD, GOOD, GOOD, BAD, BAD, BAD):
        health = told(health, one, now=NOW + 31, endpoint=endpoint)
        seen.append(h.places(health, 5))
    assert seen == [2, 3, 1, 2, 3, 4, 5, 2, 1, 1]


def test_the_first_failure_of_all_takes_half_too():
    assert h.places(told(WELL, BAD), 8) == 4


def test_a_config_that_takes_less_than_the_ramp_gives_is_heeded():
    assert h.places(Health(ramp=6), 3) == 3


def test_one_place_is_all_there_is_of_one():
    one = receiver(max_in_flight=1)
    assert told(shut(), GOOD, now=NOW + 30, endpoint=one).ramp is None


# --- the throttle

UNAVAILABLE = attempt(O.HTTP_5XX, status=503, retry_after=60.0)


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [
        ((throttled(60.0),), 60.0),
        ((throttled(0.0),), 0.0),
        ((throttled(86400.0),), DAY),
        ((throttled(1e9),), DAY),
        ((throttled(),), 5.0),
        ((throttled(), throttled()), 5.0),  # both were on their way
        ((UNAVAILABLE,), 60.0),
        ((throttled(60.0), throttled(10.0)), 60.0),
        ((UNAVAILABLE, throttled()), 60.0),
        ((BAD,), None),
        ((REFUSED,), None),
    ],
)
def test_who_asks_for_it_is_left_alone_exactly_so_long(attempts, seconds):
    health = told(WELL, *attempts)
    assert h.may_go(health) == (0.0 if seconds is None else NOW + seconds)
    assert health.state is State.OK


def test_a_429_that_says_nothing_doubles_the_wait_up_to_five_minutes():
    health, now, waits = WELL, NOW, []
    for _ in range(8):
        health = told(health, throttled(), now=now)
        waits.append(health.quiet_until - now)
        now = health.quiet_until
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert told(replace(health, throttles=5000), throttled(), now=now).quiet_until == now + 300


def test_a_success_after_the_wait_ends_the_doubling_and_one_that_was_on_its_way_does_not():
    health = told(WELL, throttled(), throttled(), every=5.0)
    assert health.throttles == 2
    assert told(health, GOOD, now=NOW + 6).throttles == 2
    assert told(health, GOOD, now=health.quiet_until).throttles == 0
    assert told(replace(health, succeeded_at=NOW), GOOD, now=health.quiet_until).throttles == 0


def test_a_503_that_asks_for_time_begins_no_doubling():
    assert told(WELL, UNAVAILABLE).throttles == 0
    assert told(WELL, UNAVAILABLE, throttled()).throttles == 1


def test_a_503_that_asks_for_time_is_a_failure_all_the_same():
    health = told(WELL, *[UNAVAILABLE] * 5)
    assert (health.state, h.may_go(health)) == (State.OPEN, NOW + 60)


def test_who_is_shut_off_for_longer_than_it_asks_for_stays_shut_off():
    assert h.may_go(shut(quiet_until=NOW + 10)) == NOW + 30


# --- the pause

GONE, DISABLED = attempt(O.HTTP_410, status=410), attempt(O.HTTP_5XX, status=500, command=Command.DISABLE)


@pytest.mark.parametrize(("one", "why"), [(GONE, Pause.GONE), (DISABLED, Pause.DISABLED)])
def test_who_says_so_is_paused_until_a_person_has_acted(one, why):
    health = told(WELL, one)
    assert (health.state, health.paused, health.paused_at) == (State.PAUSED, why, NOW)
    assert h.may_go(health) is None
    assert told(health, GOOD, *[BAD] * 10, now=NOW + HOUR).paused is why  # what was on its way
    assert h.may_go(told(health, *[BAD] * 10)) is None


def test_a_delivery_may_be_taken_and_no_more_wanted():
    health = told(WELL, GOOD._replace(command=Command.DISABLE))
    assert (health.paused, health.failures) == (Pause.DISABLED, 0)


@pytest.mark.parametrize(
    ("succeeded", "first", "last", "pauses"),
    [
        (-5 * DAY, -12 * HOUR, 0.0, True),
        (-5 * DAY + 1, -12 * HOUR, 0.0, False),
        (-5 * DAY, -12 * HOUR + 1, 0.0, False),
        (-50 * DAY, -11 * HOUR, 0.0, False),
        (-5 * DAY, -5 * DAY, 0.0, True),
        (None, -5 * DAY, 0.0, True),
        (None, -5 * DAY + 1, 0.0, False),
    ],
)
def test_five_days_without_a_success_and_twelve_hours_of_failures_pause(succeeded, first, last, pauses):
    succeeded_at = None if succeeded is None else NOW + succeeded
    health = Health(succeeded_at=succeeded_at, failing_since=NOW + first, failures=3)
    assert (told(health, BAD, now=NOW + last).paused is Pause.FAILING) == pauses


def test_a_thousand_failures_within_eleven_hours_do_not_pause():
    health = told(Health(succeeded_at=NOW - 30 * DAY), *[BAD] * 1000, every=11 * HOUR / 1000)
    assert (health.failures, health.paused) == (1000, None)


def failing(**more):
    """Paused now after five days without success."""
    return replace(told(Health(failing_since=NOW - 5 * DAY, failures=9), BAD), **more)


def test_after_five_days_there_is_a_probe_every_hour():
    health = failing()
    assert (health.paused, h.may_go(health), h.places(health, 8)) == (Pause.FAILING, NOW + HOUR, 1)
    assert told(health, BAD, now=NOW + 60).probe_at == NOW + HOUR  # it was on its way
    assert told(health, BAD, now=NOW + HOUR).probe_at == NOW + 2 * HOUR
    for answer in (REFUSED, throttled(None), throttled(0.0)):  # it goes on asking no oftener for it
        assert told(health, answer, now=NOW + HOUR).probe_at == NOW + 2 * HOUR


def test_a_probe_that_succeeds_ends_the_pause():
    health = told(failing(sequence=4), GOOD, now=NOW + HOUR)
    assert health == Health(sequence=4, succeeded_at=NOW + HOUR, ramp=1)
    assert h.revives(failing(), health)
    assert told(failing(), GOOD, now=NOW + 60).state is State.OK  # it was on its way when it paused


def test_a_pause_that_may_end_by_itself_becomes_one_that_does_not_and_never_the_other_way():
    health = told(failing(), GONE, now=NOW + HOUR)
    assert (health.paused, health.paused_at, h.may_go(health)) == (Pause.GONE, NOW, None)
    assert health.url_digest == failing().url_digest
    assert h.pause(health, Pause.PERSON, APP, NOW + 2 * HOUR) is health
    assert h.pause(failing(), Pause.FAILING, APP, NOW + 2 * HOUR) == failing()
    assert h.pause(failing(), Pause.PERSON, APP, NOW).paused is Pause.PERSON
    assert h.may_go(h.pause(WELL, Pause.FAILING, APP, NOW)) == NOW + HOUR


def test_a_person_ends_any_pause():
    for why in Pause:
        paused = h.pause(Health(sequence=2, failures=3, trips=1, untold=True), why, APP, NOW)
        health = h.resumed(paused)
        assert paused.trips == 0  # it was shut off, and is no more
        assert health == Health(sequence=2, ramp=1)


def test_a_person_knows_better_than_a_wish_to_be_left_alone_that_has_not_passed():
    health = told(shut(), throttled(600.0))
    assert h.released(health, NOW + 599) == h.resumed(replace(health, quiet_until=0.0, throttles=0))
    assert h.released(health, NOW + 600) == h.resumed(health)
    assert h.released(told(WELL, GOOD), NOW) == told(WELL, GOOD)


def test_after_a_person_has_resumed_it_takes_twelve_hours_of_failures_to_pause_again():
    health = h.resumed(failing(succeeded_at=NOW - 9 * DAY))
    assert told(health, BAD, BAD, every=11 * HOUR).paused is None
    assert told(health, BAD, BAD, every=12 * HOUR).paused is Pause.FAILING


def test_nothing_that_came_of_another_url_holds_back():
    for health in (shut(sequence=3), told(shut(), throttled(600.0)), told(WELL, GONE), told(WELL, GOOD, BAD)):
        assert h.renewed(health) == Health(sequence=health.sequence, succeeded_at=health.succeeded_at, ramp=1)


def test_a_callback_that_pauses_costs_no_digest_for_its_url_never_changes():
    callback = replace(APP, name="notify:3")
    for health in (told(WELL, GONE, endpoint=callback), h.pause(WELL, Pause.UNPERMITTED, callback, NOW)):
        assert health.url_digest == ""
        assert h.pause(health, Pause.PERSON, callback, NOW).url_digest == ""
        assert not h.is_moved(health, callback.url)
        digested_once = replace(health, url_digest=digest(callback.url, "notify:3 1"))
        assert not h.is_moved(digested_once, callback.url)


def test_another_url_is_noticed_and_neither_url_can_be_read_from_what_is_kept():
    health = told(WELL, GONE)
    assert not h.is_moved(health, APP.url)
    assert h.is_moved(health, APP.url + "?token=other")
    assert not h.is_moved(WELL, APP.url)
    assert "example" not in repr(health)
    elsewhere = h.pause(WELL, Pause.GONE, receiver(), NOW + 1)
    assert elsewhere.url_digest != health.url_digest  # of the same URL: nobody can compare them


def test_whoever_resumes_it_or_mends_its_url_wants_all_that_waits_to_go():
    assert [why for why in Resumption if why.is_asked_for] == [Resumption.PERSON, Resumption.URL]


@pytest.mark.parametrize("why", [*Pause, *Resumption])
def test_a_reason_is_for_programs_and_for_people(why):
    told = reason(why)
    assert told.code == why.value
    assert told.text


@pytest.mark.parametrize(
    ("why", "says"),
    [
        (Pause.FAILING, "nothing for 5 days; it is tried once an hour"),
        (Pause.GONE, "it answered 410"),
        (Pause.DISABLED, "webhook-delivery: disable"),
        (Pause.UNPERMITTED, "notify_urls and notify_secrets"),
        (Resumption.ANSWERED, "it takes webhooks again"),
        (Resumption.URL, "its URL was changed"),
        (Resumption.CONFIG, "the config permits it again"),
    ],
)
def test_a_reason_says_what_happened(why, says):
    assert says in reason(why).text


def test_who_was_paused_by_a_person_is_not_said_to_have_been_resumed_by_one():
    assert reason(Pause.PERSON).text.startswith("somebody paused it")
    assert reason(Resumption.PERSON).text == "somebody resumed it"


# --- clocks


@pytest.mark.parametrize("jump", [-400 * DAY, -DAY, DAY, 20_000 * DAY])
def test_a_clock_that_is_set_makes_nothing_longer_or_shorter(jump):
    for health in (failing(quiet_until=NOW + 60), shut(succeeded_at=NOW - 4 * DAY), told(WELL, throttled(9.0))):
        moved = h.stepped(health, jump)
        assert h.may_go(moved) - jump == h.may_go(health)
        assert h.is_moved(moved, APP.url) == h.is_moved(health, APP.url)
        later = max(h.may_go(health), NOW) + 7 * HOUR
        for one in (GOOD, BAD, throttled(60.0)):
            assert h.stepped(told(health, one, now=later), jump) == told(moved, one, now=later + jump)
    assert h.stepped(WELL, 0.0) is WELL


def test_a_clock_that_is_set_moves_the_past_along_and_makes_no_wish_of_none():
    moved = h.stepped(failing(), DAY)
    assert (moved.paused_at, moved.failing_since) == (NOW + DAY, NOW - 4 * DAY)
    assert h.may_go(h.stepped(told(WELL, GOOD), DAY)) == 0.0


def test_what_a_clock_that_was_ahead_wrote_silences_nobody_for_long():
    ahead = NOW + 9000 * DAY
    now = h.believed(told(WELL, throttled(60.0), now=ahead), NOW)
    assert h.may_go(now) == 0.0
    now = h.believed(told(WELL, *[BAD] * 5, now=ahead), NOW)
    assert (now.probe_at, now.failing_since) == (NOW + 2160, NOW)
    now = h.believed(told(Health(failing_since=ahead - 5 * DAY, succeeded_at=ahead - 6 * DAY), BAD, now=ahead), NOW)
    assert (now.probe_at, now.paused_at, now.succeeded_at) == (NOW + HOUR, NOW, NOW)


def test_a_day_that_was_asked_for_by_a_clock_a_minute_ahead_is_waited_for():
    health = told(WELL, throttled(DAY), now=NOW + 60)
    assert h.believed(health, NOW) == health


def test_what_is_possible_is_believed():
    for health in (WELL, told(WELL, throttled(DAY)), shut(), failing(), told(WELL, GONE)):
        assert h.believed(health, NOW) == health


# --- whatever comes

attempts = st.sampled_from([GOOD, BAD, REFUSED, throttled(), throttled(90.0), UNAVAILABLE, attempt(O.TIMEOUT_TOTAL)])


@given(st.lists(st.tuples(attempts, st.floats(0, 3 * HOUR), st.floats(0, 1)), max_size=60))
def test_whatever_comes_the_endpoint_is_tried_again_within_a_day_and_by_one_at_least(story):
    health, recent, now = WELL, (), NOW
    for one, gap, draw in story:
        now += gap
        health, recent = h.heard(health, recent, one, APP, now, draw)
        assert h.may_go(health) <= now + DAY
        assert 1 <= h.places(health, APP.max_in_flight) <= APP.max_in_flight
        assert (health.failures == 0) == (health.failing_since is None) == (health.failure is None)
        assert h.believed(health, now) == health
        assert len(recent) <= 60
