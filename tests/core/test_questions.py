"""What to ask next."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import CADENCE, DAY, HOUR, NOW, flat, seen, upload, watch

from notifier.core import questions
from notifier.core.book import Book
from notifier.core.diff import NOT_FOUND
from notifier.core.lives import presumed
from notifier.core.model import ListingState, Look, LookKind, Status
from notifier.core.pace import Pace, Why, worth
from notifier.core.questions import (
    PATIENCE,
    Question,
    batch,
    chosen,
    discovering,
    first_due,
    is_soon,
    scarcely,
    single,
    watching,
)
from notifier.core.rhythm import Listing
from notifier.core.sweep import GIVE_UP_AFTER
from notifier.core.ways import Ways

S = Status
VIDEOS = Listing(LookKind.LIST, "videos", active=30, idle=300)
IMAGES = Listing(LookKind.LIST, "images", active=30, idle=300)
HISTORY = Listing(LookKind.FEED, "history", active=30, idle=300)
SCHEDULE = Listing(LookKind.SCHEDULE, "schedule", active=60, idle=300)
READ = ListingState("videos", page=1, due_at=NOW, baseline_at=NOW - 1000, swept_at=NOW - 1000)
PACE = Pace(price=5, floor=2, caps=((600, 10), (1800, 30), (inf, 300)), audit=600)
LISTS = Ways(single=True, batch=0, listings=(VIDEOS,), many_kinds=False, discover=True)
FEEDS = replace(LISTS, listings=(HISTORY, SCHEDULE))
BATCHES = Ways(single=False, batch=3, listings=(VIDEOS,), many_kinds=False, discover=True)
BLIND = replace(LISTS, single=False)
BOTH_READ = {name: replace(READ, collection=name) for name in ("videos", "images", "history", "schedule")}


def number(count, status=S.PROCESSING, kind="post", **more):
    snapshot = seen(status, id=f"u{count}", kind=kind, **more)
    return replace(upload(snapshot, kind=kind, followed_at=NOW - 60), media_id=count, id=f"u{count}")


def book(*uploads, at=NOW, whole=True, mean=1e6):
    """Uploads that were seen at this moment; they settle so rarely that their caps say when to look."""
    one = Book(CADENCE, (1 / mean,) * len(presumed(60, 1)), {})
    for each in uploads:
        one.note(each, at, shown=True, whole=whole)
    return one


def asked(book_, ways=LISTS, progress=None, now=NOW, pace=PACE):
    return list(watching(book_, ways, BOTH_READ if progress is None else progress, pace, now))


def stand(book_, id_, row):
    """Where in its list an upload was seen last."""
    book_.place(book_.of([id_])[0], row)


def ids(question):
    return [one.id for one in question.uploads]


def test_at_stake_is_the_subject_of_a_question_and_of_a_batch_each_id_that_it_names():
    (page, *_) = asked(book(number(1), number(2)))
    assert page.at_stake == page.subject == "list videos"
    assert questions.batch([number(1), number(2)], NOW, Why.CAP).at_stake == "batch u1 u2"
    assert questions.single(number(1), NOW, Why.CAP, many_kinds=False).at_stake == "get u1"


# --- single looks, and several at once


@pytest.mark.parametrize(
    ("kind", "many_kinds", "collection"),
    [("video", True, "videos"), ("", True, ""), ("post", False, ""), ("", False, "")],
)
def test_an_upload_is_asked_for_where_it_is_known_to_be(kind, many_kinds, collection):
    one = upload(kind=kind)
    question = single(one, NOW, Why.FIRST, many_kinds=many_kinds)
    assert question == Question(Look(LookKind.GET, collection, id="u1"), NOW, Why.FIRST, (one,))
    assert question.subject == "get u1"


def test_a_look_at_an_upload_bears_what_the_provider_needs_to_judge_it():
    one = upload(seen(scheduled_at=NOW + 60), ref="job_id")
    look = single(one, NOW, Why.CAP, many_kinds=False).look
    assert look == Look(LookKind.GET, id="u1", ref="job_id", scheduled_at=NOW + 60)


def test_several_uploads_are_asked_for_in_one_look():
    uploads = [replace(number(1), ref="job_id"), number(2)]
    question = batch(uploads, NOW, Why.PRICE)
    assert question.look == Look(LookKind.BATCH, ids=("u1", "u2"), refs=("job_id", None))
    assert (question.uploads, question.subject) == (tuple(uploads), "batch")


# --- where an upload is shown


@pytest.mark.parametrize(
    ("kind", "many_kinds", "shown"),
    [("video", True, True), ("image", True, False), ("", True, True), ("image", False, True)],
)
def test_a_collection_shows_uploads_of_its_kind(kind, many_kinds, shown):
    assert replace(LISTS, many_kinds=many_kinds).shows(VIDEOS, upload(kind=kind)) is shown


def test_a_whole_collection_shows_whatever_part_of_it_an_upload_was_seen_in():
    assert LISTS.shows(VIDEOS, upload(ref="queued"))


def test_a_list_shows_nothing_under_an_id_that_none_of_its_uploads_can_have():
    ways = replace(LISTS, is_id=str.isdigit)
    assert [ways.shows(VIDEOS, replace(upload(), id=id_)) for id_ in ("17", "u17")] == [True, False]


@pytest.mark.parametrize(
    ("listings", "snapshot", "kind", "ought"),
    [
        ((VIDEOS,), None, "video", True),
        ((VIDEOS,), seen(), "video", True),
        ((VIDEOS,), seen(), "image", False),
        ((VIDEOS, IMAGES), None, "video", True),
        ((VIDEOS, IMAGES), None, "", False),
        ((VIDEOS, IMAGES), seen(), "video", True),
        ((VIDEOS, IMAGES), seen(S.UNKNOWN, reason=NOT_FOUND), "", False),
        ((VIDEOS, HISTORY), None, "video", True),
        ((HISTORY,), None, "", False),
    ],
)
def test_an_upload_ought_to_be_shown_where_it_was_seen_or_where_there_is_no_other_list(listings, snapshot, kind, ought):
    ways = replace(LISTS, listings=listings, many_kinds=True)
    assert ways.ought_to_show(listings[0], upload(snapshot, kind=kind)) is ought


@pytest.mark.parametrize(
    ("snapshot", "kind", "unsure"),
    [
        (None, "", True),
        (None, "video", False),
        (None, "audio", False),
        (seen(), "", False),
        (seen(S.UNKNOWN, reason=NOT_FOUND), "", True),
    ],
)
def test_unsure_is_where_an_upload_stands_that_was_never_seen_and_may_be_in_several_lists(snapshot, kind, unsure):
    ways = replace(LISTS, listings=(VIDEOS, IMAGES), many_kinds=True)
    assert ways.is_unsure(upload(snapshot, kind=kind)) is unsure


@pytest.mark.parametrize(("ref", "shown"), [("failed", True), (None, True), ("queued", False)])
def test_a_part_of_a_collection_shows_what_was_seen_there(ref, shown):
    assert LISTS.shows(replace(VIDEOS, word="failed"), upload(ref=ref)) is shown


@pytest.mark.parametrize(
    ("state", "discover", "usable"),
    [
        (READ, True, True),
        (None, True, False),
        (None, False, True),
        (replace(READ, baseline_at=None), True, False),
        (replace(READ, failures=GIVE_UP_AFTER - 1), True, True),
        (replace(READ, failures=GIVE_UP_AFTER), True, False),
        (replace(READ, failures=GIVE_UP_AFTER), False, False),
    ],
)
def test_a_list_shows_what_is_watched_once_it_was_read_and_while_it_answers(state, discover, usable):
    progress = {} if state is None else {"videos": state}
    assert replace(LISTS, discover=discover).usable(progress) == ([VIDEOS] if usable else [])


@pytest.mark.parametrize(("each", "batch_", "direct"), [(True, 0, True), (False, 5, True), (False, 0, False)])
def test_an_upload_can_be_asked_for_alone_or_in_a_batch(each, batch_, direct):
    assert replace(LISTS, single=each, batch=batch_).direct is direct


def test_the_feed_is_the_one_that_was_read_and_answers():
    ways = replace(LISTS, listings=(VIDEOS, SCHEDULE, HISTORY))
    assert ways.feed(BOTH_READ) == HISTORY
    assert ways.feed({}) is None
    assert ways.feed({**BOTH_READ, "history": replace(READ, failures=GIVE_UP_AFTER)}) is None
    assert LISTS.feed(BOTH_READ) is None


# --- what is watched: nothing


@pytest.mark.parametrize("ways", [LISTS, FEEDS, BATCHES, BLIND])
def test_where_nothing_is_open_nothing_is_asked(ways):
    assert asked(book(number(1, S.COMPLETED)), ways) == []


# --- in a feed


def test_a_feed_shows_all_that_is_watched_and_each_is_audited_in_its_turn():
    feed, audit = asked(book(number(1), number(2)), FEEDS)
    assert (feed.look, feed.due_at, feed.why) == (Look(LookKind.FEED, "history"), NOW + 10, Why.CAP)
    assert (feed.listing, feed.progress, feed.uploads) == (HISTORY, BOTH_READ["history"], ())
    assert (ids(audit), audit.due_at, audit.why) == (["u1"], NOW + 600, Why.AUDIT)


def test_the_audit_goes_to_what_was_not_asked_for_the_longest():
    one = book(number(1), number(2), at=NOW - 100)
    one.unchanged(one.of(["u1"]), NOW - 50, whole=True)
    _, audit = asked(one, FEEDS)
    assert (ids(audit), audit.due_at) == (["u2"], NOW + 500)


def test_an_audit_that_failed_is_put_off():
    one = book(number(1), at=NOW - 700)
    one.note(number(2), NOW, shown=True, whole=True)
    one.of(["u1"])[0].due = NOW + 12
    _, audit = asked(one, FEEDS)
    assert (ids(audit), audit.due_at) == (["u1"], NOW + 12)


def test_what_is_watched_alone_is_better_asked_for_itself():
    (question,) = asked(book(number(1)), FEEDS)
    assert (question.look, question.due_at, question.why) == (Look(LookKind.GET, id="u1"), NOW + 10, Why.CAP)


def test_a_feed_that_was_not_read_to_its_end_shows_what_was_born_since_and_the_others_are_asked_for():
    one = book(number(1), *(replace(number(each), followed_at=NOW - 30) for each in (2, 3)))
    one.read_since["history"] = NOW - 60
    feed, audit, other = asked(one, FEEDS)
    assert (feed.look, feed.due_at, feed.why) == (Look(LookKind.FEED, "history"), NOW + 10, Why.CAP)
    assert (ids(audit), audit.why) == (["u2"], Why.AUDIT)
    assert (ids(other), other.due_at, other.why) == (["u1"], NOW + 10, Why.CAP)
    one.read_since["history"] = NOW - 30
    (alone,) = asked(one, FEEDS)
    assert (ids(alone), alone.due_at, alone.why) == (["u1"], NOW + 10, Why.CAP)


def test_where_a_feed_shows_all_that_settles_no_list_is_read_for_it():
    ways = replace(FEEDS, listings=(VIDEOS, HISTORY))
    assert [question.look.kind for question in asked(book(number(1), number(2)), ways)] == [LookKind.FEED, LookKind.GET]
    assert [question.look.kind for question in asked(book(number(1)), ways)] == [LookKind.GET]
    silent = {**BOTH_READ, "history": replace(READ, failures=GIVE_UP_AFTER)}
    assert asked(book(number(1), number(2)), ways, silent)[0].look.kind is LookKind.LIST


def test_no_audit_is_left_out_for_good():
    feed, audit = asked(book(number(1), number(2)), FEEDS)
    assert (feed.is_covered, audit.is_covered) == (False, True)
    assert not audit.is_overdue(audit.due_at + 3599)
    assert audit.is_overdue(audit.due_at + 3601)


@pytest.mark.parametrize("ways", [FEEDS, LISTS, BATCHES])
def test_a_look_says_what_is_watched_of_what_it_shows(ways):
    one = book(number(1), number(2), mean=60)
    assert asked(one, ways)[0].reach == tuple(one)


def test_a_look_at_one_upload_says_that_it_shows_it():
    one = book(number(1), mean=60)
    assert asked(one, replace(LISTS, discover=False))[0].reach == tuple(one)


def test_many_that_are_likely_over_bring_a_look_forward():
    feed, _ = asked(book(*(number(n) for n in range(50)), mean=60), FEEDS)
    assert (NOW + 3 < feed.due_at < NOW + 4, feed.why) == (True, Why.PRICE)


def test_a_feed_is_not_read_before_the_floor():
    one = book(number(1), number(2), at=NOW - 60)
    one.looked["feed history"] = NOW - 1
    assert asked(one, FEEDS)[0].due_at == NOW + 1


def test_a_feed_that_is_mid_way_through_its_pages_is_read_on_before_its_first_page_is_read_again():
    progress = {**BOTH_READ, "history": replace(READ, page=3)}
    feed, _ = asked(book(number(1), number(2)), FEEDS, progress)
    assert (feed.look.page, feed.progress) == (3, progress["history"])


def test_a_feed_that_does_not_answer_shows_nothing_and_each_is_asked_for_itself():
    progress = {**BOTH_READ, "history": replace(READ, failures=GIVE_UP_AFTER)}
    one = book(number(1), at=NOW - 1)
    one.note(number(2), NOW, shown=True, whole=True)
    (question,) = asked(one, FEEDS, progress)
    assert (ids(question), question.due_at, question.why) == (["u1"], NOW + 9, Why.CAP)


def test_what_was_never_seen_is_no_subject_of_an_audit():
    one = book(number(1))
    one.note(replace(number(2), snapshot=None, registered=True), NOW - 900, shown=False, whole=False)
    questions = asked(one, FEEDS)
    assert [(question.look.kind, ids(question)) for question in questions] == [
        (LookKind.FEED, []),
        (LookKind.GET, ["u1"]),
    ]


def test_what_is_to_run_later_is_neither_looked_at_nor_audited_before():
    sooner, later = (number(n, S.SCHEDULED, scheduled_at=NOW + n * DAY) for n in (1, 2))
    (question,) = asked(book(sooner), FEEDS)
    assert question.due_at == NOW + DAY + 5
    feed, audit = asked(book(sooner, later), FEEDS)
    assert (feed.due_at, audit.due_at) == (NOW + DAY + 5, NOW + DAY + 5)


# --- in lists


def test_each_page_that_holds_something_open_is_read():
    one = book(number(1), number(2))
    one.note(number(3), NOW - 4, shown=True, whole=True)
    stand(one, "u3", 100)
    first, second, audit = asked(one)
    assert (first.look, first.due_at, first.progress) == (Look(LookKind.LIST, "videos"), NOW + 10, BOTH_READ["videos"])
    assert (second.look, second.due_at, second.progress) == (Look(LookKind.LIST, "videos", 2), NOW + 6, None)
    assert (first.subject, second.subject) == ("list videos", "list videos 2")
    assert (ids(audit), audit.why) == (["u3"], Why.AUDIT)


def test_each_kind_is_looked_for_in_its_own_collection_and_an_unknown_one_in_all():
    ways = replace(LISTS, listings=(VIDEOS, IMAGES), many_kinds=True)
    videos, _ = asked(book(number(1, kind="video")), ways)
    assert videos.look.collection == "videos"
    unknown = replace(number(2), kind="")
    both = asked(book(unknown), ways)
    assert [question.look.collection for question in both[:2]] == ["videos", "images"]


def test_a_word_is_asked_for_as_it_is():
    ways = replace(LISTS, listings=(replace(VIDEOS, word="queued"),))
    question, _ = asked(book(number(1)), ways, {"videos:queued": replace(READ, collection="videos:queued")})
    assert question.look == Look(LookKind.LIST, "videos", word="queued")
    assert question.subject == "list videos:queued"


def test_what_is_not_where_it_ought_to_be_is_asked_for_by_itself():
    lost = book(number(1))
    lost.note(number(2), NOW - 3, shown=True, whole=True)
    stand(lost, "u2", None)
    page, audit, alone = asked(lost)
    assert (page.look.page, ids(audit), audit.why) == (1, ["u1"], Why.AUDIT)
    assert (ids(alone), alone.due_at, alone.why) == (["u2"], NOW + 7, Why.CAP)


def test_where_an_upload_cannot_be_asked_for_the_list_is_all_there_is():
    one = book(replace(number(1), snapshot=None, registered=True))
    (question,) = asked(one, BLIND)
    assert question.look.kind is LookKind.LIST
    stand(one, "u1", None)
    assert asked(one, BLIND) == []


def test_a_page_is_read_for_one_upload_only_where_the_page_is_worth_reading_anyway():
    undiscovered = replace(LISTS, discover=False)
    assert [question.look.kind for question in asked(book(number(1)), undiscovered)] == [LookKind.GET]
    assert asked(book(number(1), number(2)), undiscovered)[0].look.kind is LookKind.LIST
    assert asked(book(number(1)), LISTS)[0].look.kind is LookKind.LIST
    assert asked(book(number(1)), replace(BLIND, discover=False))[0].look.kind is LookKind.LIST


def test_what_was_never_seen_is_on_no_page_yet_where_it_can_be_asked_for():
    never = replace(number(1), snapshot=None, registered=True)
    assert asked(book(never)) == []
    assert asked(book(never, number(2)))[0].due_at == NOW + 10


# --- in batches


def test_a_batch_names_the_most_urgent():
    one = book(*(number(n) for n in range(1, 5)), at=NOW - 8)
    one.note(number(1), NOW, shown=True, whole=True)
    (question,) = asked(one, BATCHES)
    assert (sorted(ids(question)), question.due_at, question.why) == (["u2", "u3", "u4"], NOW + 2, Why.CAP)


def test_a_batch_is_filled_with_what_is_not_due_yet_for_that_is_free():
    one = book(number(1), at=NOW - 30)
    one.note(number(2), NOW, shown=True, whole=True)
    (question,) = asked(one, BATCHES)
    assert (ids(question), question.due_at) == (["u1", "u2"], NOW - 20)


def test_a_batch_leaves_out_what_was_put_off_and_where_nothing_else_is_there_waits_for_it():
    one = book(number(1), number(2), at=NOW - 30)
    one.of(["u1"])[0].due = NOW + 60
    assert ids(asked(one, BATCHES)[0]) == ["u2"]
    assert ids(asked(one, BATCHES, now=NOW + 60)[0]) == ["u1", "u2"]
    one.of(["u2"])[0].due = NOW + 30
    (question,) = asked(one, BATCHES)
    assert (ids(question), question.due_at) == (["u2"], NOW + 30)


def test_where_not_all_fit_a_second_batch_names_those_of_whom_most_is_expected():
    one = book(*(number(n) for n in range(1, 4)), at=NOW - 1)
    for n in (4, 5, 6):
        one.note(number(n), NOW, shown=True, whole=True)
        one.of([f"u{n}"])[0].life = flat(0.1)
    stale, dear = asked(one, BATCHES)
    assert (sorted(ids(stale)), stale.due_at, stale.why) == (["u1", "u2", "u3"], NOW + 9, Why.CAP)
    assert (sorted(ids(dear)), dear.due_at, dear.why) == (["u4", "u5", "u6"], NOW + 2, Why.PRICE)
    assert dear.reach == tuple(one.of(ids(dear)))


def test_where_only_a_cap_makes_a_batch_due_there_is_no_second_one():
    assert len(asked(book(*(number(n) for n in range(6)), at=NOW - 5), BATCHES)) == 1
    assert len(asked(book(*(number(n) for n in range(3)), mean=0.1), BATCHES)) == 1


def test_a_batch_is_not_repeated_before_the_floor():
    (question,) = asked(book(*(number(n) for n in range(3)), mean=0.01), BATCHES)
    assert question.due_at == NOW + PACE.floor


# --- the planner as a whole

books = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0, 4000), st.floats(0, 300), st.sampled_from([1.0, 60.0, 1e5])), max_size=15
)


@given(books, st.sampled_from([LISTS, FEEDS, BATCHES, BLIND]))
def test_the_planner_is_deterministic_and_passes_neither_floor_nor_cap(rows, ways):
    def planned():
        one = book()
        for count, (page, age, ago, mean) in enumerate(rows):
            each = replace(number(count), followed_at=NOW - age - ago)
            one.note(each, NOW - ago, shown=True, whole=True)
            one.of([each.id])[0].life = flat(mean)
            stand(one, each.id, 100 * (page - 1) if page else None)
        one.looked = {"list videos": NOW - 1, "feed history": NOW - 1}
        return one, asked(one, ways)

    one, questions = planned()
    assert questions == planned()[1]
    shown = {watch.upload.id: one.page_of(watch, "videos") for watch in one}
    for question in questions:
        if question.listing:
            floor = NOW - 1 + PACE.floor if question.progress else 0.0
            all_, page = question.look.kind is LookKind.FEED, question.look.page
            reach = [each for each in one if all_ or shown[each.upload.id] == page]
        else:
            reach, floor = one.of(question.look.ids or [question.look.id]), 0.0
        assert question.due_at >= floor
        if question.why is not Why.AUDIT:
            assert question.due_at <= max([floor, *(each.seen + PACE.floor for each in reach)]) or (
                question.due_at <= min(each.cap_at(PACE) for each in reach)
            )
    if ways is BLIND:
        assert {question.look.page for question in questions} == set(shown.values()) - {0}
    elif one:
        assert questions


# --- which goes first


DEAR = tuple(watch(flat(1), NOW - HOUR, NOW - HOUR) for _ in range(2))


def due(why, at, name="x", **more):
    return Question(Look(LookKind.GET, id=name), at, why, **more)


def test_nothing_to_ask_is_no_question():
    assert first_due([], NOW) is None


def test_what_is_due_first_is_asked_first():
    later, sooner = due(Why.CAP, NOW + 9), due(Why.DISCOVER, NOW + 5)
    assert first_due([later, sooner], NOW) == sooner
    assert first_due([due(Why.AUDIT, NOW - 1), sooner], NOW) == due(Why.AUDIT, NOW - 1)


@pytest.mark.parametrize("why", [Why.CAP, Why.PRICE])
@pytest.mark.parametrize("other", [Why.FIRST, Why.DISCOVER, Why.AUDIT])
def test_what_is_watched_goes_before_the_rest_for_a_while(why, other):
    watched, rest = due(why, NOW), due(other, NOW - PATIENCE)
    assert first_due([rest, watched], NOW) == watched
    assert first_due([rest, watched], NOW + 1) == rest
    assert first_due([rest, due(why, NOW + 1)], NOW) == rest


def test_however_much_has_waited_for_too_long_every_other_look_is_at_what_is_watched():
    rest, watched = due(Why.FIRST, NOW - PATIENCE - 1), due(Why.CAP, NOW)
    assert first_due([rest, watched], NOW) == rest
    assert first_due([rest, watched], NOW, after_overdue=True) == watched
    assert chosen([rest, watched], NOW, lambda moment: moment) == rest
    assert chosen([rest, watched], NOW, lambda moment: moment, after_overdue=True) == watched
    assert first_due([rest], NOW, after_overdue=True) == rest


@pytest.mark.parametrize(
    ("other", "free_at", "goes"),
    [(NOW, NOW + 5, True), (NOW, NOW + 6, False), (NOW - PATIENCE - 1, NOW + 99, True), (NOW + 6, NOW + 99, False)],
)
def test_what_is_watched_never_waits_for_another_look_that_has_the_time(other, free_at, goes):
    watched, rest = due(Why.CAP, NOW + 5), due(Why.DISCOVER, other)
    assert chosen([rest, watched], NOW, lambda _: free_at) == (rest if goes else watched)
    assert chosen([rest], NOW, lambda _: free_at) == rest
    assert chosen([], NOW, lambda _: free_at) is None


def test_of_what_is_watched_and_due_the_most_worth_goes_first_and_of_equals_what_is_due_longer():
    early, late = due(Why.CAP, NOW - 9), due(Why.PRICE, NOW - 1, reach=DEAR)
    assert first_due([early, late], NOW) == late
    assert first_due([late, replace(early, reach=DEAR[:1])], NOW) == late
    assert first_due([early, replace(late, due_at=NOW + 1)], NOW) == early
    assert first_due([late, replace(late, due_at=NOW - 2)], NOW) == replace(late, due_at=NOW - 2)


def test_what_is_watched_is_never_overdue_however_long_it_has_waited():
    """Else the cheapest of it would go before what is worth more."""
    old, dear = due(Why.CAP, NOW - 2 * PATIENCE), due(Why.PRICE, NOW, reach=DEAR)
    assert first_due([old, dear], NOW) == dear


def test_what_other_looks_show_anyway_waits_for_an_hour_while_anything_watched_is_due():
    covered, watched = due(Why.AUDIT, NOW - 11 * PATIENCE, is_covered=True), due(Why.CAP, NOW)
    assert first_due([covered, watched], NOW) == watched
    assert first_due([replace(covered, due_at=NOW - 13 * PATIENCE), watched], NOW).is_covered
    assert first_due([covered, replace(watched, due_at=NOW + 1)], NOW) == covered


def test_of_what_has_waited_for_too_long_the_longest_goes_first():
    longer, long = due(Why.AUDIT, NOW - PATIENCE - 2), due(Why.DISCOVER, NOW - PATIENCE - 1)
    assert first_due([due(Why.CAP, NOW), long, longer, due(Why.CAP, NOW - 999)], NOW) == longer


@given(
    st.lists(st.tuples(st.sampled_from(Why), st.floats(0, 400)), min_size=1, max_size=8),
    st.floats(1, 60),
)
def test_nothing_starves_however_little_may_go(rhythms, each_takes):
    """Every look takes its time, and what is asked becomes due again after its own: nothing waits for ever."""
    waiting, now, longest = dict.fromkeys(range(len(rhythms)), NOW), NOW, 0.0
    for _ in range(200):
        question = first_due([due(why, waiting[n], n) for n, (why, _) in enumerate(rhythms)], now)
        now = max(now, question.due_at)
        longest = max(longest, now - question.due_at)
        now += each_takes
        waiting[question.look.id] = now + rhythms[question.look.id][1]
        longest = max([longest, *(now - at for at in waiting.values())])
    assert longest <= PATIENCE + (len(rhythms) + 1) * each_takes


# --- where few may go


def test_where_looks_must_be_far_apart_the_best_of_them_sets_the_price_of_all():
    one = book(*(number(n) for n in range(4)), mean=60)
    for n, row in enumerate((0, 0, 0, 100)):
        stand(one, f"u{n}", row)
    one.looked = {"list videos": NOW - 5, "list videos 2": NOW - 1}
    pace = scarcely(PACE, 60, one, LISTS, BOTH_READ)
    assert pace == replace(PACE, floor=60, price=worth(one.of(["u0", "u1", "u2"]), NOW + 55))
    assert pace.price > PACE.price


def test_where_nothing_shows_several_only_the_floor_is_raised():
    one = book(number(1), mean=60)
    assert scarcely(PACE, 60, one, FEEDS, BOTH_READ) == replace(PACE, floor=60)


def test_a_gap_that_is_short_changes_nothing():
    one = book(number(1), number(2))
    one.looked = {"feed history": NOW}
    assert scarcely(PACE, 1, one, FEEDS, BOTH_READ) == PACE


# --- discovering


def test_a_collection_that_was_never_read_is_read_first():
    (question,) = discovering(book(), LISTS, {})
    wanted = Question(
        Look(LookKind.LIST, "videos", 1), 0.0, Why.DISCOVER, listing=VIDEOS, progress=ListingState("videos")
    )
    assert question == wanted
    assert question.subject == "list videos"


def test_a_sweep_goes_on_where_it_stopped():
    progress = {
        "videos": ListingState("videos", 1, NOW + 9),
        "images": ListingState("images", 3, NOW + 5, cursor="abc"),
    }
    videos, images = discovering(book(), replace(LISTS, listings=(VIDEOS, IMAGES)), progress)
    assert (videos.look, videos.due_at) == (Look(LookKind.LIST, "videos"), NOW + 9)
    assert (images.look, images.due_at) == (Look(LookKind.LIST, "images", 3, "abc"), NOW + 5)


def test_a_part_of_a_collection_is_read_for_itself():
    part = replace(VIDEOS, word="failed")
    progress = {"videos:failed": ListingState("videos:failed", 2, NOW)}
    (question,) = discovering(book(), replace(LISTS, listings=(part,)), progress)
    assert question.look == Look(LookKind.LIST, "videos", 2, word="failed")
    assert question.subject == "list videos:failed 2"


PLANNED = number(1, S.SCHEDULED, scheduled_at=NOW + HOUR)


@pytest.mark.parametrize(
    ("ways", "progress", "uploads", "collections"),
    [
        (FEEDS, {}, (), ["history", "schedule"]),
        (replace(FEEDS, discover=False), {}, (), []),
        (replace(FEEDS, discover=False), {}, (number(1),), []),
        (replace(FEEDS, discover=False), {}, (number(1, S.SCHEDULED),), []),
        (replace(FEEDS, discover=False), {}, (PLANNED,), ["schedule"]),
        (replace(FEEDS, discover=False), {"history": replace(READ, page=2)}, (), ["history"]),
        (replace(FEEDS, discover=False), {"history": replace(READ, failures=1)}, (), ["history"]),
        (replace(BLIND, discover=False), {}, (), []),
        (replace(BLIND, discover=False), {}, (number(1),), []),
        (replace(BATCHES, discover=False), {}, (), []),
    ],
)
def test_where_nothing_new_is_wanted_only_what_is_needed_for_the_known_is_read(ways, progress, uploads, collections):
    questions = discovering(book(*uploads), ways, progress)
    assert [question.look.collection for question in questions] == collections


@pytest.mark.parametrize("nowhere", [True, False])
@pytest.mark.parametrize(("ways", "direct"), [(BLIND, False), (LISTS, True), (BATCHES, True)])
def test_a_list_is_read_for_what_is_not_where_it_ought_to_be_and_cannot_be_asked_for(ways, direct, nowhere):
    one = book(number(1), number(2))
    if nowhere:
        stand(one, "u2", None)
    questions = list(discovering(one, replace(ways, discover=False), {}))
    assert bool(questions) is (nowhere and not direct)


def test_a_list_is_read_every_quarter_of_an_hour_for_what_is_not_where_it_ought_to_be():
    one, ways = book(number(1)), replace(BLIND, discover=False)
    stand(one, "u1", None)
    for state, due_at in ((replace(READ, swept_at=NOW - 100), NOW + 800), (replace(READ, swept_at=None), NOW)):
        (question,) = discovering(one, ways, {"videos": state})
        assert question.due_at == due_at


def test_a_list_is_read_from_when_something_is_due_that_nothing_else_can_show():
    ways, progress = replace(BLIND, discover=False), {"videos": replace(READ, due_at=NOW - 5)}
    (question,) = discovering(book(), replace(ways, listings=(VIDEOS,)), progress, NOW + 60)
    assert question.due_at == NOW + 60
    (question,) = discovering(book(), replace(ways, listings=(VIDEOS,)), progress, NOW - 60)
    assert question.due_at == NOW - 5


@pytest.mark.parametrize(("ahead", "soon"), [(599, True), (600, False), (DAY, False), (-60, True), (None, False)])
def test_a_job_is_soon_to_run_in_its_last_ten_minutes(ahead, soon):
    planned = number(1, S.SCHEDULED, scheduled_at=None if ahead is None else NOW + ahead)
    assert is_soon(book(planned), NOW) is soon
    assert is_soon(book(planned, number(2)), NOW) is soon


def test_what_runs_already_is_not_soon_to_run():
    assert not is_soon(book(number(1, scheduled_at=NOW - 60)), NOW)
    assert not is_soon(book(replace(number(1), snapshot=None, registered=True)), NOW)


def test_a_feed_that_was_not_read_to_the_birth_of_what_is_watched_is_read_although_nothing_is_to_be_discovered():
    ways = replace(LISTS, listings=(HISTORY, VIDEOS), discover=False)
    for one, since, read in (
        (book(number(1)), -inf, []),
        (book(number(1)), NOW - 61, []),
        (book(number(1)), NOW - 60, ["feed history"]),
        (book(), NOW - 60, []),
    ):
        one.read_since["history"] = since
        assert [question.subject for question in discovering(one, ways, BOTH_READ)] == read
