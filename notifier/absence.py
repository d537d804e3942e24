"""a complete sweep × what is known → what becomes of the uploads that it lacks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

from notifier.core.model import Upload
from notifier.core.reading import Reading, denied, missed, unspoken
from notifier.core.rhythm import Listing
from notifier.core.sweep import Sweep
from notifier.store import Store
from notifier.watched import Watched

CONFIRM_WITHIN = 60.0
"""Seconds within which an upload that is missing from its list is asked for by itself, or is about to be anyway."""


async def absent(
    store: Store, one: Watched, listing: Listing, sweep: Sweep, now: float, lacking: Sequence[Upload] | None = None
) -> list[Reading]:
    """The uploads that a complete sweep ought to have shown: no news, but to be asked for, where they can be.

    Where they cannot, each such sweep denies them once. All that was ever listed is compared from time to time
    only, be it because the list is doubted; what is open always: `lacking`, where that is known already.
    """
    ways, whole = one.ways, now >= one.sweeps.compares_at.get(listing.name, 0.0)
    known = store.listed if whole else store.open_uploads
    if whole or lacking is None:
        lacking = await known(one.source.name, without=sweep.spoken_of)
    missing = [upload for upload in lacking if ways.ought_to_show(listing, upload)]
    listed = sum(ways.ought_to_show(listing, each) for each in await known(one.source.name)) if missing else 0
    if not one.sweeps.shows(listing, listed, len(missing), len(sweep.ids), now, whole=whole):
        return []
    if ways.direct:
        soon = now + CONFIRM_WITHIN
        asked = [each for each in missing if each.snapshot and not each.misses and (each.due_at or inf) > soon]
        return [Reading(replace(each, due_at=now)) for each in asked]
    again_at = one.sweeps.compares_at.get(listing.name, now)
    denials = [missed(upload, now, again_at, one.rules) for upload in missing]
    return denials + _unsure(one, listing, sweep, lacking, now)


def _unsure(one: Watched, listing: Listing, sweep: Sweep, lacking: Iterable[Upload], now: float) -> list[Reading]:
    """What may stand in any of several lists is denied where a round of them lacks it.

    Until then the last list alone puts it off, lest those after it be read no more.
    """
    around = one.sweeps.rounded(sweep, listing.name, one.ways.lists)
    if around is None and listing.name != one.ways.lists[-1]:
        return []
    unsure = [(each, around is not None and around.lacks(each)) for each in lacking if one.ways.is_unsure(each)]
    return [(denied if lacks else unspoken)(each, now, one.rules) for each, lacks in unsure]
