"""Whom an attempt speaks against: for every outcome and every status."""

import pytest
from things import attempt

from notifier.core.blame import Blame, blame
from notifier.core.model import Outcome

BY_OUTCOME = {
    Outcome.DELIVERED: Blame.NONE,
    Outcome.LOCAL: Blame.NONE,
    Outcome.ABORTED: Blame.DELIVERY,
    Outcome.HTTP_429: Blame.THROTTLE,
    Outcome.HTTP_3XX: Blame.ENDPOINT,
    Outcome.HTTP_5XX: Blame.ENDPOINT,
    Outcome.HTTP_410: Blame.ENDPOINT,
    Outcome.DNS: Blame.ENDPOINT,
    Outcome.CONNECT: Blame.ENDPOINT,
    Outcome.TLS: Blame.ENDPOINT,
    Outcome.TIMEOUT_CONNECT: Blame.ENDPOINT,
    Outcome.TIMEOUT_FIRST_BYTE: Blame.ENDPOINT,
    Outcome.TIMEOUT_TOTAL: Blame.ENDPOINT,
    Outcome.PROTOCOL: Blame.ENDPOINT,
    Outcome.RESET: Blame.ENDPOINT,
    Outcome.REFUSED_ADDRESS: Blame.ENDPOINT,
}


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.HTTP_4XX])
def test_every_outcome_speaks_against_somebody_or_nobody(outcome):
    assert blame(attempt(outcome)) is BY_OUTCOME[outcome]


@pytest.mark.parametrize("status", [400, 402, 406, 409, 411, 412, 413, 414, 415, 418, 422, 423, 451, 499])
def test_a_body_that_is_not_wanted_says_nothing_about_the_receiver(status):
    assert blame(attempt(Outcome.HTTP_4XX, status=status)) is Blame.DELIVERY


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 408, 425])
def test_what_any_delivery_would_have_been_answered_speaks_against_the_endpoint(status):
    assert blame(attempt(Outcome.HTTP_4XX, status=status)) is Blame.ENDPOINT


def test_to_be_left_alone_for_a_while_changes_no_blame():
    assert blame(attempt(Outcome.HTTP_5XX, status=503, retry_after=60.0)) is Blame.ENDPOINT
    assert blame(attempt(Outcome.HTTP_429, status=429, retry_after=60.0)) is Blame.THROTTLE
