"""SchedPilot's posts with a row for each account, where the rows of one post stand on two pages."""

import pytest
from providing import discreet

from notifier.core.model import Look, LookKind, Status
from notifier.providers.base import Malformed
from notifier.providers.schedpilot import ending, posts

SECOND_PAGE = Look(LookKind.LIST, "posts", 2)
THIRD_PAGE = Look(LookKind.LIST, "posts", 3)
WORDS = {"a": "posted", "b": "failed", "c": "posted", "d": "posted", "e": "posted"}


def page(rows, total):
    """A page of four rows at most; "2a" is the row of the account "a" in the post "2"."""
    told = [{"post_id": post, "account_id": account, "status": WORDS[account]} for post, account in rows]
    return {"posts": told, "total": total, "per_page": 4}


@pytest.mark.parametrize(
    ("above", "rows", "totals", "whole"),
    [
        (("1a", "1b", "1c", "2a"), ("2b", "2c", "3a"), (12, 12), {"2": True, "3": True}),
        (("1a", "1b", "1c", "2a"), ("2b", "2c", "3a", "3b"), (13, 13), {"2": True, "3": False}),
        (("1b", "2a", "2b", "2c"), ("3a", "3b", "4a"), (12, 12), {"2": True, "3": True, "4": True}),
        (("2a", "2b", "2c", "2d"), ("2e", "3a"), (12, 12), {"2": False, "3": True}),
        # rows may be missing between the pages: there are fewer since, or more, or nobody knows
        (("1a", "1b", "1c", "2a"), ("2b", "2c", "3a"), (12, 11), {"2": False, "3": True}),
        (("1b", "2a", "2b", "3a"), ("3a", "3b", "4a"), (12, 13), {"3": False, "4": False}),
        (("1b", "2a", "2b", "3a"), ("2b", "3a", "3b", "4a"), (12, 14), {"2": False, "3": True, "4": False}),
        (("1a", "1b", "1c", "2a"), ("2b", "2c", "3a"), (None, 12), {"2": False, "3": True}),
        (("1a", "1b", "1c", "2a"), ("2b", "2c", "3a"), (12, None), {"2": False, "3": True}),
    ],
)
def test_the_rows_of_a_post_are_put_together_where_none_can_be_missing_between_its_pages(above, rows, totals, whole):
    before, after = totals
    answer = posts(page(rows, after), THIRD_PAGE, above=ending(page(above, before), SECOND_PAGE, 0.0))
    assert {each.id: each.complete for each in answer.observations} == whole


def test_a_post_is_judged_by_the_rows_of_both_pages():
    above = ending(page(("1a", "1b", "1c", "2b"), 12), SECOND_PAGE, 0.0)
    (second, _) = posts(page(("2a", "3a"), 12), THIRD_PAGE, above=above).observations
    assert (second.id, second.status, second.raw_status) == ("2", Status.PARTIAL, "posted")
    assert [target.name for target in second.targets] == ["b", "a"]


def test_of_an_account_that_both_pages_tell_of_the_later_word_counts():
    above, below = page(("1a", "1b", "1c", "2a"), 12), page(("2a", "3a"), 12)
    below["posts"][0]["status"] = "failed"
    second, _ = posts(below, THIRD_PAGE, above=ending(above, SECOND_PAGE, 0.0)).observations
    assert (second.status, len(second.targets)) == (Status.FAILED, 1)


def test_accounts_of_one_number_at_two_platforms_are_two():
    rows = page(("2a", "2b", "3a"), 3)
    for row, platform in zip(rows["posts"], ("x", "linkedin", "x"), strict=True):
        row |= {"account_id": "7", "platform": platform}
    second, _ = posts(rows, Look(LookKind.LIST, "posts")).observations
    assert [(target.name, target.raw_status) for target in second.targets] == [
        ("x:7", "posted"),
        ("linkedin:7", "failed"),
    ]


def test_the_page_before_makes_up_for_no_page_of_which_nothing_can_be_read():
    above = ending(page(("1a", "2b"), 12), SECOND_PAGE, 0.0)
    with pytest.raises(Malformed) as caught:
        posts({"posts": [{"post_id": "2"}], "total": 12, "per_page": 4}, THIRD_PAGE, above=above)
    discreet(caught.value)
