"""Where an upload stands among several lists."""

from dataclasses import replace

import pytest
from things import seen, upload

from notifier.core.model import LookKind
from notifier.core.rhythm import Listing
from notifier.core.ways import Ways

VIDEOS = Listing(LookKind.LIST, "media", active=30, idle=60, word="video")
IMAGES = replace(VIDEOS, word="image")
POSTS = Listing(LookKind.LIST, "posts", active=30, idle=60)
LATEST = Listing(LookKind.FEED, "latest", active=30, idle=60)
WAYS = Ways(single=False, batch=0, listings=(VIDEOS, IMAGES, POSTS, LATEST), many_kinds=True, discover=True)


def test_the_lists_are_those_that_show_all_there_is():
    assert WAYS.lists == [VIDEOS.name, IMAGES.name, POSTS.name]


@pytest.mark.parametrize(
    ("kind", "snapshot", "places"),
    [
        ("post", None, [POSTS]),
        ("media", None, []),
        ("", None, []),
        ("media", seen(), [VIDEOS, IMAGES]),
        ("", seen(), [VIDEOS, IMAGES, POSTS]),
    ],
    ids=["in one alone", "in one of two", "in one of three", "seen in one of two", "seen in one of three"],
)
def test_a_list_ought_to_show_what_was_seen_there_or_can_stand_in_no_other(kind, snapshot, places):
    one = replace(upload(snapshot), kind=kind)
    assert [listing for listing in WAYS.listings[:3] if WAYS.ought_to_show(listing, one)] == places
    assert WAYS.is_unsure(one) is (not places)
