"""The ledger finds whatever should not be, and nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from notifier.core.model import Status
from notifier.demo.ledger import Ledger, Receipt

A, B = ("posts", "a"), ("media", "b")
WANTED = {"app": ("upload.*",), "ops": ("upload.failed", "source.*")}


def receipt(at, endpoint, upload, status, sequence, *, accepted=True):
    event = f"evt_{upload[1]}{sequence}"
    return Receipt(at, endpoint, accepted, None, event, f"upload.{status}", upload, sequence)


def seen(ledger, upload, *statuses, at=0.0, old=False):
    for n, status in enumerate(statuses):
        ledger.became(upload, Status(status), at + n, old=old)
        ledger.showed(upload, at + n + 0.25)


def told(ledger, *receipts):
    for each in receipts:
        ledger.received(each)
    return ledger.verdict()


def test_all_is_well_where_everything_arrived():
    ledger = Ledger(WANTED)
    seen(ledger, A, "processing", "failed")
    verdict = told(
        ledger,
        receipt(0.5, "app", A, "processing", 1),
        receipt(1.5, "app", A, "failed", 2),
        receipt(1.75, "ops", A, "failed", 2),
    )
    assert verdict.wrong == ()
    assert (verdict.changes, verdict.shown, verdict.owed, verdict.arrived, verdict.webhooks) == (2, 2, 2, 2, 3)
    assert (verdict.median_delay, verdict.worst_delay) == (0.5, 0.75)


def test_nothing_happened_nothing_is_wrong():
    verdict = Ledger(WANTED).verdict()
    assert verdict.wrong == ()
    assert (verdict.median_delay, verdict.worst_delay) == (None, None)


def call(at, upload, word, *, accepted=True):
    return Receipt(at, "old", accepted, None, f"7 {word}", word, upload, is_signed=False)


CALLED = {"old": ("upload.completed", "upload.partial", "upload.failed")}


def test_who_is_called_as_by_encoding_com_is_told_in_its_words():
    ledger = Ledger(CALLED, frozenset(CALLED))
    seen(ledger, A, "processing", "partial")
    seen(ledger, B, "failed")
    verdict = told(ledger, call(1.5, A, "Finished", accepted=False), call(2, A, "Finished"), call(2, B, "Error"))
    assert verdict.wrong == ()
    assert (verdict.owed, verdict.understood, verdict.verified, verdict.retried) == (2, 3, 0, 1)


def test_a_call_that_tells_another_end_is_untrue_and_the_right_one_lost():
    ledger = Ledger(CALLED, frozenset(CALLED))
    seen(ledger, A, "completed")
    verdict = told(ledger, call(1, A, "Error"))
    assert verdict.untrue == ("old: Error of posts/a, which nobody had said",)
    assert verdict.lost == ("old: no upload.completed of posts/a",)


def test_a_missing_webhook_is_lost_for_each_endpoint_that_wants_it():
    ledger = Ledger(WANTED)
    seen(ledger, A, "failed")
    assert told(ledger, receipt(1, "app", A, "failed", 1)).lost == ("ops: no upload.failed of posts/a",)


def test_an_upload_at_rest_that_nobody_asked_for_is_lost_too():
    ledger = Ledger(WANTED)
    ledger.became(A, Status.COMPLETED, 1.0)
    assert ledger.verdict().lost == ("app: no upload.completed of posts/a, for which nobody asked",)


def test_what_passed_between_two_looks_is_owed_nobody():
    ledger = Ledger(WANTED)
    ledger.became(A, Status.FAILED, 1.0)
    seen(ledger, A, "processing", "completed", at=2.0)
    assert told(ledger, receipt(4, "app", A, "completed", 1)).wrong == ()


def test_each_of_two_rests_in_the_same_status_is_owed():
    ledger = Ledger(WANTED)
    seen(ledger, A, "completed", "processing", "completed")
    once = told(ledger, receipt(0.5, "app", A, "completed", 1))
    assert (once.owed, len(once.lost)) == (2, 1)
    assert told(ledger, receipt(3, "app", A, "completed", 3)).lost == ()


def test_what_was_so_before_is_owed_nobody_and_has_no_delay():
    ledger = Ledger(WANTED)
    seen(ledger, A, "completed", old=True)
    verdict = told(ledger, receipt(9, "app", A, "completed", 1))
    assert (verdict.changes, verdict.owed, verdict.wrong, verdict.worst_delay) == (0, 0, (), None)


def test_the_same_status_again_is_no_change():
    ledger = Ledger(WANTED)
    assert ledger.became(A, Status.PROCESSING, 1.0) is not None
    assert ledger.became(A, Status.PROCESSING, 2.0) is None


def test_a_status_that_was_never_shown_is_untrue():
    ledger = Ledger(WANTED)
    seen(ledger, A, "processing")
    ledger.became(A, Status.COMPLETED, 5.0)
    verdict = told(ledger, receipt(6, "app", A, "completed", 1), receipt(6, "app", B, "failed", 1))
    assert verdict.untrue == (
        "app: upload.completed of posts/a, which nobody had said",
        "app: upload.failed of media/b, which nobody had said",
    )


def test_a_status_that_was_told_before_it_was_shown_is_untrue():
    ledger = Ledger(WANTED)
    seen(ledger, A, "failed", at=5.0)
    assert len(told(ledger, receipt(4, "app", A, "failed", 1)).untrue) == 1


def test_a_source_event_and_a_detail_are_no_claims_about_a_status():
    ledger = Ledger(WANTED)
    detail = replace(receipt(1, "app", A, "x", 1), type="upload.updated")
    assert told(ledger, Receipt(1, "ops", True, None, "evt_s", "source.failing"), detail).wrong == ()


def test_a_later_event_before_an_earlier_one_is_disorder():
    ledger = Ledger(WANTED)
    seen(ledger, A, "processing", "completed")
    verdict = told(
        ledger,
        receipt(2, "app", A, "completed", 2),
        receipt(3, "app", A, "processing", 1),
        receipt(4, "app", A, "completed", 2),
    )
    assert verdict.disordered == ("app: posts/a no. 1 after no. 2",)
    assert verdict.duplicates == 1


def test_a_refused_webhook_is_retried_once_it_is_taken():
    ledger = Ledger(WANTED)
    seen(ledger, A, "failed")
    refused = receipt(1, "app", A, "failed", 1, accepted=False)
    verdict = told(ledger, refused, refused, replace(refused, endpoint="ops"), replace(refused, accepted=True))
    assert (verdict.refused, verdict.retried, verdict.verified) == (3, 1, 4)
    assert verdict.lost == ("ops: no upload.failed of posts/a",)


def test_a_bad_signature_is_wrong_and_counts_for_nothing():
    ledger = Ledger(WANTED)
    verdict = told(ledger, Receipt(1, "app", accepted=False, fault="No matching signature found"))
    assert verdict.unverified == ("app: No matching signature found",)
    assert (verdict.verified, verdict.webhooks) == (0, 0)


def test_all_is_shown_once_the_last_of_each_upload_is():
    ledger = Ledger(WANTED)
    assert ledger.all_shown()
    ledger.became(A, Status.QUEUED, 0.0)
    assert not ledger.all_shown()
    ledger.showed(A, 1.0)
    assert ledger.all_shown()
    ledger.showed(A, 2.0)
    assert ledger.truths[A][0].shown_at == 1.0


def test_an_outcome_is_a_word_or_two():
    good = Receipt(1, "app", accepted=True)
    assert good.outcome == "verified"
    assert replace(good, accepted=False).outcome == "answered 503"
    assert replace(good, fault="too old").outcome == "NOT VERIFIED: too old"


LIVES = st.dictionaries(
    st.sampled_from([("posts", name) for name in "abcd"]),
    st.lists(st.sampled_from(["queued", "processing", "completed", "failed"]), min_size=1, max_size=5).map(
        lambda words: [word for n, word in enumerate(words) if n == 0 or word != words[n - 1]]
    ),
    min_size=1,
)


def faithful(lives):
    """A ledger of these lives, and the receipts of a daemon that saw and told all of it."""
    ledger = Ledger({"app": ("upload.*",)})
    receipts = []
    for upload, statuses in lives.items():
        seen(ledger, upload, *statuses)
        receipts += [receipt(n + 0.5, "app", upload, status, n + 1) for n, status in enumerate(statuses)]
    return ledger, receipts


@given(LIVES)
def test_a_faithful_daemon_has_a_good_verdict(lives):
    ledger, receipts = faithful(lives)
    verdict = told(ledger, *receipts)
    assert verdict.wrong == ()
    assert verdict.arrived == verdict.owed
    assert verdict.webhooks == verdict.changes


@given(LIVES, st.data())
def test_a_dropped_webhook_of_a_settled_upload_is_found(lives, data):
    ledger, receipts = faithful(lives)
    settled = [each for each in receipts if each.type in {"upload.completed", "upload.failed"}]
    if settled:
        receipts.remove(data.draw(st.sampled_from(settled)))
    assert len(told(ledger, *receipts).lost) == min(len(settled), 1)


@given(LIVES, st.data())
def test_a_repeated_webhook_is_a_duplicate_and_nothing_else(lives, data):
    ledger, receipts = faithful(lives)
    receipts.append(replace(data.draw(st.sampled_from(receipts)), at=99.0))
    verdict = told(ledger, *receipts)
    assert (verdict.duplicates, verdict.wrong) == (1, ())


@given(LIVES, st.data())
def test_two_webhooks_of_an_upload_that_change_places_are_found(lives, data):
    ledger, receipts = faithful(lives)
    pairs = [n for n in range(len(receipts) - 1) if receipts[n].upload == receipts[n + 1].upload]
    if pairs:
        n = data.draw(st.sampled_from(pairs))
        receipts[n], receipts[n + 1] = receipts[n + 1], receipts[n]
    assert len(told(ledger, *receipts).disordered) == min(len(pairs), 1)
