"""What may be asked to be owed again, and how fast that goes."""

import pytest
from things import receiver

from notifier.core.model import Phase, Rate
from notifier.core.replay import MOST, OVER, USUAL_RATE, Selection, per_second, step_of


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "name one of them"),
        ({"since": 1.0}, "name one of them"),
        ({"endpoint": "app", "phases": (Phase.WAITING,)}, "choose from delivered, dead, superseded, dropped"),
        ({"event": "evt_1", "phases": ()}, "choose from"),
        ({"event": "evt_1", "latest": True}, "goes to an endpoint"),
        ({"event": "evt_1", "endpoint": "app", "latest": True}, "name that, and nothing else"),
        ({"endpoint": "app", "since": 1.0, "latest": True}, "name that, and nothing else"),
        ({"endpoint": "app", "phases": (Phase.DEAD,), "latest": True}, "name that, and nothing else"),
    ],
)
def test_a_selection_that_means_nothing_is_refused_with_what_would(given, why):
    with pytest.raises(ValueError, match=why):
        Selection(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"event": "evt_1"},
        {"endpoint": "app"},
        {"event": "evt_1", "endpoint": "app", "phases": (Phase.DEAD,)},
        {"endpoint": "app", "since": 1.0},
        {"endpoint": "app", "latest": True},
    ],
)
def test_by_event_endpoint_time_and_phase_it_may_be_chosen(given):
    assert Selection(**given).phases == given.get("phases", OVER)


def test_what_waits_is_not_owed_again():
    assert set(OVER) == set(Phase) - {Phase.WAITING}


@pytest.mark.parametrize(
    ("rate", "wanted", "at_once"),
    [
        (Rate(0, 1), USUAL_RATE, 10),
        (Rate(50, 1), 50, 50),
        (Rate(90, 60), 1.5, 1),
        (Rate(6, 60), 0.1, 1),
        (Rate(1e6, 1), 1e6, MOST),
    ],
)
def test_an_endpoints_own_rate_holds_or_ten_a_second(rate, wanted, at_once):
    assert per_second(receiver(rate=rate)) == wanted
    assert step_of(wanted) == at_once


def test_where_no_endpoint_is_named_it_is_ten_a_second():
    assert per_second(None) == USUAL_RATE
