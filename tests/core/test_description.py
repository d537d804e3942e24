"""What an API is taken for where its description does not say otherwise."""

from notifier.core.description import Description, ListCall, Paging, SingleCall


def test_what_is_not_described_is_as_usual():
    assert SingleCall("/videos/{id}") == SingleCall("/videos/{id}", item="@", missing=(404, 410))
    usual = ListCall("/videos", items="@", paging=Paging.NONE, more=None, cursor=None)
    assert ListCall("/videos") == usual


def test_what_is_described_of_nothing_tells_nothing():
    nothing = Description()
    assert (nothing.fields, nothing.statuses, nothing.target_statuses) == ({}, {}, {})
    assert (nothing.auth, nothing.ok, nothing.list, nothing.single, nothing.targets) == (None,) * 5
