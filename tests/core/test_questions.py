"""What to ask next, and how far we have read."""

import pytest
from things import NOW, seen, upload

from notifier.core.model import Answer, ListingState, Look, LookKind
from notifier.core.pace import Listing
from notifier.core.questions import GIVE_UP_AFTER, MAX_PAGES, Question, first_due, put_off, read_on

VIDEOS = Listing(LookKind.LIST, "videos", active=30, idle=300)
IMAGES = Listing(LookKind.LIST, "images", active=30, idle=300)
READ = ListingState("videos", page=1, due_at=NOW, baseline_at=NOW - 1000)


def ask(listings=(), progress=None, one=None, *, many_kinds=False):
    return first_due(listings, progress or {}, one, many_kinds=many_kinds)


def on(progress, *, more=True, news=True, active=True, now=NOW):
    question = Question(Look(LookKind.LIST, "videos"), NOW, listing=VIDEOS, progress=progress)
    return read_on(question, Answer(more=more), news=news, active=active, now=now)


def test_nothing_to_ask_is_no_question():
    assert ask() is None


def test_a_collection_that_was_never_read_comes_first():
    question = ask((VIDEOS,), one=upload(seen(), due_at=1.0))
    assert question == Question(Look(LookKind.LIST, "videos", 1), 0.0, listing=VIDEOS, progress=ListingState("videos"))
    assert question.subject == (LookKind.LIST, "videos")


def test_what_is_due_first_is_asked_first_and_a_sweep_where_it_stopped():
    progress = {"videos": ListingState("videos", 1, NOW + 9), "images": ListingState("images", 3, NOW + 5)}
    later, sooner = upload(seen(), due_at=NOW + 7), upload(seen(), due_at=NOW + 4)
    assert ask((VIDEOS, IMAGES), progress, later).look == Look(LookKind.LIST, "images", 3)
    question = ask((VIDEOS, IMAGES), progress, sooner, many_kinds=True)
    assert (question.upload, question.due_at, question.listing, question.progress) == (sooner, NOW + 4, None, None)


@pytest.mark.parametrize(
    ("kind", "many_kinds", "collection"),
    [("video", True, "videos"), ("", True, ""), ("post", False, ""), ("", False, "")],
)
def test_an_upload_is_asked_for_where_it_is_known_to_be(kind, many_kinds, collection):
    question = ask(one=upload(kind=kind, due_at=NOW), many_kinds=many_kinds)
    assert question.look == Look(LookKind.GET, collection, id="u1")
    assert question.subject == (LookKind.GET, "u1")


def test_a_look_at_an_upload_bears_what_the_provider_needs_to_judge_it():
    one = upload(seen(scheduled_at=NOW + 60), ref="job_id", due_at=NOW)
    assert ask(one=one).look == Look(LookKind.GET, id="u1", ref="job_id", scheduled_at=NOW + 60)


def test_an_upload_without_a_due_time_is_due():
    assert ask(one=upload()).due_at == 0.0


# --- reading on


def test_a_look_at_an_upload_reads_no_collection():
    assert read_on(ask(one=upload()), Answer(more=True), news=True, active=True, now=NOW) is None


def test_a_first_sweep_goes_to_the_end_and_only_then_there_is_a_baseline():
    fresh = ListingState("videos")
    second = on(fresh, news=False)
    assert second == ListingState("videos", page=2, due_at=NOW, baseline_at=None)
    assert on(second, more=False, now=NOW + 1) == ListingState("videos", 1, NOW + 31, baseline_at=NOW + 1)


def test_a_later_sweep_goes_on_while_there_is_news():
    assert on(READ) == ListingState("videos", 2, NOW, READ.baseline_at)
    assert on(READ, news=False) == ListingState("videos", 1, NOW + 30, READ.baseline_at)
    assert on(READ, more=False) == ListingState("videos", 1, NOW + 30, READ.baseline_at)


def test_nothing_open_is_read_at_the_idle_rhythm():
    assert on(READ, more=False, active=False).due_at == NOW + 300


def test_a_sweep_has_an_end_even_where_the_provider_knows_none():
    assert on(ListingState("videos", MAX_PAGES - 1)).page == MAX_PAGES
    assert on(ListingState("videos", MAX_PAGES)) == ListingState("videos", 1, NOW + 30, NOW)


def test_a_page_of_which_nothing_could_be_read_is_read_again_and_makes_no_baseline():
    question = Question(Look(LookKind.LIST, "videos"), NOW, listing=VIDEOS, progress=ListingState("videos", page=2))
    unread = read_on(question, Answer(skipped=("row 1: broken",)), news=False, active=False, now=NOW)
    assert unread == ListingState("videos", page=2, due_at=NOW + 300, baseline_at=None)
    read = read_on(question, Answer((seen(),), skipped=("row 1: broken",)), news=False, active=False, now=NOW)
    assert read == ListingState("videos", page=1, due_at=NOW + 300, baseline_at=NOW)


def test_a_page_that_cannot_be_had_is_asked_for_again_and_in_the_end_from_the_beginning():
    progress = ListingState("videos", page=3, due_at=NOW)
    assert put_off(progress, 1, NOW + 5) == ListingState("videos", page=3, due_at=NOW + 5)
    assert put_off(progress, GIVE_UP_AFTER, NOW + 5) == ListingState("videos", page=1, due_at=NOW + 5)
    assert put_off(None, 1, NOW + 5) is None
