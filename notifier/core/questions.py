"""listings × uploads → what to ask next, and, once it is answered, how far we have read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from notifier.core.model import Answer, ListingState, Look, LookKind, Upload
from notifier.core.pace import Listing

MAX_PAGES = 100
"""Pages of one sweep at most: what lies deeper is older than anything that still moves."""

GIVE_UP_AFTER = 100
"""Failures in a row after which a sweep begins anew: hours, so that an outage ends first and the rest is read."""


@dataclass(frozen=True, slots=True)
class Question:
    """A look, when it is due, and on whose behalf: an upload's, or a collection's."""

    look: Look
    due_at: float
    upload: Upload | None = None
    listing: Listing | None = None
    progress: ListingState | None = None

    @property
    def subject(self) -> tuple[LookKind, str]:
        """What the question is about, in whatever form it is asked."""
        return (self.look.kind, self.look.id or self.look.collection)


def first_due(
    listings: Iterable[Listing], progress: Mapping[str, ListingState], upload: Upload | None, *, many_kinds: bool
) -> Question | None:
    """The question that is due first: a page of a collection, or the upload that is to be looked at first."""
    questions = [_page(listing, progress.get(listing.name)) for listing in listings]
    if upload is not None:
        questions.append(_single(upload, many_kinds=many_kinds))
    return min(questions, key=lambda question: question.due_at, default=None)


def _page(listing: Listing, progress: ListingState | None) -> Question:
    progress = progress or ListingState(listing.name)
    look = Look(listing.kind, listing.collection, progress.page, word=listing.word)
    return Question(look, progress.due_at, listing=listing, progress=progress)


def _single(upload: Upload, *, many_kinds: bool) -> Question:
    collection = f"{upload.kind}s" if many_kinds and upload.kind else ""
    scheduled_at = None if upload.snapshot is None else upload.snapshot.scheduled_at
    look = Look(LookKind.GET, collection, id=upload.id, ref=upload.ref, scheduled_at=scheduled_at)
    return Question(look, upload.due_at or 0.0, upload=upload)


def put_off(progress: ListingState | None, failures: int, due_at: float) -> ListingState | None:
    """A page that could not be had is asked for again at `due_at`; after so many `failures` in a row, from page 1.

    Otherwise one page that is never answered would hide what comes to be on the first.
    """
    if progress is None:
        return None
    return replace(progress, page=1 if failures >= GIVE_UP_AFTER else progress.page, due_at=due_at)


def read_on(question: Question, answer: Answer, *, news: bool, active: bool, now: float) -> ListingState | None:
    """How far a collection has been read after a page of it; None where the question was about a single upload.

    The first sweep goes to the end, which makes it the baseline; a later one goes on while its pages hold `news`,
    uploads that were not followed. `active` says that something at the source is open, so that it is read more often.
    """
    progress, listing = question.progress, question.listing
    if progress is None or listing is None:
        return None
    every = listing.active if active else listing.idle
    if answer.skipped and not answer.observations:
        return replace(progress, due_at=now + every)  # nothing could be read: the same page again, and no baseline yet
    if answer.more and progress.page < MAX_PAGES and (news or progress.baseline_at is None):
        return replace(progress, page=progress.page + 1, due_at=now)
    baseline_at = now if progress.baseline_at is None else progress.baseline_at
    return replace(progress, page=1, due_at=now + every, baseline_at=baseline_at)
