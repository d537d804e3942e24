"""What is promised of webhooks, judged by what came: pure functions, and nobody asks the process.

Who judges has kept what each endpoint was sent and answered with 2xx (receipts, in their order), what the provider's
answers showed, and what people asked for. A function is a promise; where it is broken, what is raised says at which
endpoint, of what, and where in its lane.
"""

import json
from bisect import bisect_right
from collections import Counter
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from notifier.core.events import event_id, is_operators

PLACES = 8
"""Requests that may be on their way to an endpoint at once."""
ROUNDS = 3
"""So often, at most, do all places of an endpoint have a body come from the answer to one until it is committed.

What was sent already comes, and what may go once the commits end that had begun; the next one has the answer in it.
"""


class Receipt(NamedTuple):
    """What came to an endpoint that answered 2xx."""

    body: bytes
    is_replay: bool = False
    """Whether its header said so."""

    @property
    def id(self):
        return read(self.body)["id"]


class Drop(NamedTuple):
    """Somebody asked that what is owed to an endpoint be given up."""

    at: float
    """When that was over."""
    id: str | None = None
    """Of which event; None: of all that were announced before."""


# --- what came


@cache
def read(body):
    """The event, which nobody may change: who judges while webhooks come reads each of them again and again."""
    return json.loads(body)


def firsts(who, receipts):
    """The events in the order in which each came first. Whatever comes again has the same bytes."""
    bodies = {}
    for one in receipts:
        assert bodies.setdefault(one.id, one.body) == one.body, f"{who}: {one.id} has changed"
    return [read(body) for body in bodies.values()]


def lanes(events):
    """The same by what they are about: the id of an upload, else the type's first word and a name."""
    found = {}
    for event in events:
        found.setdefault(about(event), []).append(event)
    return found


def about(event):
    kind, data = event["type"].split(".")[0], event["data"]
    return data["upload"]["id"] if kind == "upload" else f"{kind} {data[kind]}"


def sequence(event):
    """Its place in its lane, from 1. Those of operators have it in their ids alone; 0: such an id has no place."""
    if not is_operators(event["type"]):
        return event["data"]["sequence"]
    name = about(event).split(" ", 1)[1]
    places = range(1, 10_000)
    return next((n for n in places if event_id("", event["type"], name, n) == event["id"]), 0)


def moment(event):
    """When it was announced."""
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def statuses(lane):
    return [event["data"]["upload"]["status"] for event in lane]


def is_part(some, whole):
    """Whether these come among the others, in this order."""
    rest = iter(whole)
    return all(any(one == other for other in rest) for one in some)


# --- order, and nothing lost


def is_ordered(who, events):
    """Of each lane what is newer comes later, be it that something is missing."""
    for name, lane in lanes(events).items():
        came = [sequence(event) for event in lane]
        assert all(one < other for one, other in pairwise([0, *came])), f"{who}: {name} came as {came}"


def is_complete(who, events, *, ordered=True):
    """Of each lane everything came, and in its order unless the endpoint asked for none."""
    for name, lane in lanes(events).items():
        came = [sequence(event) for event in lane]
        told = came if ordered else sorted(came)
        assert told == list(range(1, len(lane) + 1)), f"{who}: {name} came as {came}"


def lacks_only_what_was_dropped(who, events, announced, drops=()):
    """Of what is missing somebody asked, after it was announced, that it be given up."""
    got = {event["id"] for event in events}
    lost = not_dropped([event for event in announced if event["id"] not in got], drops)
    what = [f"{event['type']}, {sequence(event)} of {about(event)}" for event in lost]
    assert not lost, f"{who}: nobody gave up what is missing: {what}"


def not_dropped(missing, drops):
    """Which of these nobody gave up."""
    return [
        event
        for event in missing
        if not any(one.at >= moment(event) and one.id in {None, event["id"]} for one in drops)
    ]


def lacks_only_what_was_replaced(who, events, announced):
    """What is missing was replaced by something newer of its lane, as `order = "latest"` has it."""
    got = {event["id"] for event in events}
    for name, lane in lanes(announced).items():
        for place, event in enumerate(lane):
            replaced = any(replaces(newer["type"], event["type"]) for newer in lane[place + 1 :])
            assert event["id"] in got or replaced, f"{who}: {event['type']} {place + 1} of {name} is missing"


def replaces(newer, older):
    """A status replaces what is older of its upload, a detail older details, the rest nothing."""
    if is_operators(newer) or newer == "upload.stalled":
        return False
    return newer != "upload.updated" or older == "upload.updated"


# --- no event without a cause


def tells_nothing_else(who, events, announced):
    """Nothing but what was announced."""
    known = {event["id"] for event in announced}
    other = [(event["type"], about(event)) for event in events if event["id"] not in known]
    assert not other, f"{who}: nobody else was told of {other}"


def is_as_shown(who, events, shown):
    """Each upload's statuses are such as answers showed of it, in their order."""
    for name, lane in lanes(events).items():
        if not is_operators(lane[0]["type"]):
            told, were = statuses(lane), shown.get(name, [])
            assert is_part(told, were), f"{who}: {name} was told as {told}, and shown as {were}"


def tells_all(who, events, shown):
    """Each upload was told as everything that it was shown as."""
    told = {name: statuses(lane) for name, lane in lanes(events).items() if not is_operators(lane[0]["type"])}
    assert told == shown, f"{who}: by upload, what was told and what was shown: {differing(told, shown)}"


def last_told(events):
    """Of each upload what it was told as last."""
    return {name: statuses(lane)[-1] for name, lane in lanes(events).items() if not is_operators(lane[0]["type"])}


def has_arrived(who, events, last):
    """Of each upload its last status was told last, and of no other upload anything."""
    told = last_told(events)
    assert told == last, f"{who}: by upload, what came last and what should have: {differing(told, last)}"


def differing(one, other):
    """By name what the one has and what the other, where that is not the same; None is nothing."""
    return {name: (one.get(name), other.get(name)) for name in one | other if one.get(name) != other.get(name)}


def takes_turns(who, lane, begins, ends, causes, *, is_over=False):
    """Trouble begins and ends by turns, each as often, at most, as there was a cause for it; `causes` by type."""
    types = [event["type"] for event in lane]
    expected = [(begins, ends)[place % 2] for place in range(len(types))]
    assert types == expected, f"{who}: {about(lane[0])} was told as {types}"
    assert not is_over or types[-1] == ends, f"{who}: {about(lane[0])} was told as {types}, and that is over"
    for type_, count in Counter(types).items():
        most = causes.get(type_, 0)
        assert count <= most, f"{who}: {count} {type_} of {about(lane[0])}, of {most} causes"


# --- what comes again


def repeats(receipts):
    """How many came that had come before."""
    return len(receipts) - len({one.id for one in receipts})


def repeats_only_what_was_on_its_way(who, receipts, kills, answered, *, is_sound=True):
    """What comes again is a replay, or was on its way at the first kill since; answers how many others there are.

    `kills` has how many receipts there were at each, `answered` how many when the one with this number was answered.
    Where the daemon is not `is_sound`, it may lose an answer and live on.
    """
    last, found = {}, Counter()
    for number, one in enumerate(receipts):
        if one.is_replay:
            continue
        if (before := last.get(one.id)) is not None:
            kill = bisect_right(kills, before)
            found[kill] += 1
            if is_sound:
                was_killed = kill < len(kills) and kills[kill] <= number
                assert was_killed, f"{who}: {one.id} came again, without a kill and not as a replay"
                since = kills[kill] - answered.get(before, kills[kill])
                assert since <= ROUNDS * PLACES, f"{who}: {one.id} came again, {since} after its answer"
        last[one.id] = number
    assert all(count <= PLACES for count in found.values()), f"{who}: repeats by kill: {found}"
    return found.total()


def nothing_is_replayed(who, receipts):
    """Where nobody asked for it nothing says that it is a replay."""
    assert not [one.id for one in receipts if one.is_replay], f"{who}: nobody asked for a replay"


# --- politeness


def is_polite(who, moments, count, seconds):
    """No stretch of so many seconds holds more requests than that, however often the daemon was killed in it."""
    for first, last in zip(moments, moments[count:], strict=False):
        assert last - first >= seconds, f"{who}: {count + 1} requests within {last - first:.3f} s"
