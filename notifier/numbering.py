"""Beside an answer: the numbers by which what is new in it goes in the manner of Encoding.com."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from notifier.core.callbacks import NOBODY, Calling
from notifier.core.model import Observation, Registration, Upload
from notifier.core.reading import Reading
from notifier.core.tasks import numbered, own_number, wanted
from notifier.store import Registered, Store

log = logging.getLogger(__name__)


async def follow(
    store: Store, provider: str, new: Sequence[tuple[Upload, Observation]]
) -> list[tuple[Upload, list[int]]]:
    """Follow what is not followed yet; Encoding.com's own ids are the media ids of its uploads.

    Each comes with numbers for its tasks, for `with_tasks`, where it was shown whole and any of ours will do.
    """
    asked = [(replace(one, media_id=own_number(provider, one.id)), _of_ours(seen, provider)) for one, seen in new]
    followed = await store.follow(asked)
    for (one, _), (given, _) in zip(asked, followed, strict=True):
        _tell_taken(one, "media_id", one.media_id, given.media_id)
    return followed


async def register(
    store: Store, provider: str, asked: Sequence[Registration], now: float, calling: Calling = NOBODY
) -> list[Registered]:
    """The same of what somebody names, known to the provider or not yet; raises `SeveralError`.

    `calling` says how its callbacks are sent to.
    """
    named = [replace(one, media_id=own_number(provider, one.id)) for one in asked]
    registered = await store.register(named, now, calling)
    for one, came in zip(named, registered, strict=True):
        if came.upload.sequence == 0:
            _tell_taken(came.upload, "media_id", one.media_id, came.upload.media_id)
    return registered


async def with_tasks(
    store: Store, provider: str, readings: Sequence[Reading], ours: Mapping[int, list[int]]
) -> list[Reading]:
    """The readings, every part of their snapshots with its number; it is kept before anything is told of it.

    `ours` has those that were given out already, by media id. One that is not used is given to nobody else.
    """
    lacking = {one.upload.media_id: numbers for one in readings if (numbers := _wanted(one, provider))}
    there = {id_: ours[id_] for id_, numbers in lacking.items() if numbers == [0] * len(ours.get(id_, ()))}
    asked = {id_: numbers for id_, numbers in lacking.items() if id_ not in there}
    given = there | (await store.give_tasks(asked) if asked else {})
    return [_numbered(one, provider, lacking.get(one.upload.media_id, ()), given) for one in readings]


def _of_ours(seen: Observation, provider: str) -> int:
    """How many numbers it will want, if any will do. What is shown by half becomes no snapshot, and wants none yet."""
    numbers = wanted(seen, provider) if seen.complete else []
    return 0 if any(numbers) else len(numbers)


def _wanted(reading: Reading, provider: str) -> list[int]:
    return [] if reading.upload.snapshot is None else wanted(reading.upload.snapshot, provider)


def _numbered(reading: Reading, provider: str, asked: Iterable[int], given: dict[int, list[int]]) -> Reading:
    upload, change = reading.upload, reading.change
    if upload.snapshot is None or upload.media_id not in given:
        return reading
    numbers = given[upload.media_id]
    for one, number in zip(asked, numbers, strict=True):
        _tell_taken(upload, "task", one, number)
    seen = numbered(upload.snapshot, provider, numbers)
    change = None if change is None else replace(change, seen=seen)
    return Reading(replace(upload, snapshot=seen), change)


def _tell_taken(upload: Upload, what: str, asked: int, given: int) -> None:
    if asked and asked != given:
        fields = {"source": upload.source, "upload": upload.id, what: asked, "instead": given}
        log.warning("number taken: another one is given out", extra={"fields": fields})
