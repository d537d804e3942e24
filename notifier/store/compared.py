"""Rows of an answer × what is known of the uploads that they speak of → whether they say anything new."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from json import dumps
from typing import Any, NamedTuple

from notifier.core.model import Observation, Upload
from notifier.store.rows import uploads_of

CHANGED = """SELECT j.key FROM json_each(:rows) AS j
    LEFT JOIN uploads AS u ON u.media_id = coalesce(
        (SELECT media_id FROM uploads WHERE source = :source AND id = j.value->>1 AND kind = j.value->>0),
        (SELECT media_id FROM uploads WHERE source = :source AND id = j.value->>3 AND kind = j.value->>0))
    WHERE iif(:batched, u.batch_fingerprint, u.fingerprint) IS NOT j.value->>2 OR u.misses > 0 OR u.due_at <= :now"""
"""Each row beside what is known by its id, or else by the other id that it has."""
LACKING = """source = :source AND open = 1 AND id NOT IN (SELECT value->>1 FROM json_each(:rows))
    AND id NOT IN (SELECT ifnull(value->>3, '') FROM json_each(:rows))"""
"""What has not settled, and no row speaks of."""


class Compared(NamedTuple):
    """What an answer says beside what is known."""

    fresh: set[int]
    """The places of the rows that say anything new."""
    known: dict[str, list[Upload]]
    """The uploads with the ids of these rows, of whatever kind, followed or no more."""
    lacking: list[Upload] | None
    """Those that have not settled and are not spoken of; None where they were not asked for."""


def compared(
    db: sqlite3.Connection, source: str, seen: Sequence[Observation], parameters: Mapping[str, Any], *, alone: bool
) -> Compared:
    """As `Followed.compared` says."""
    fresh = {row[0] for row in db.execute(CHANGED, parameters)}
    ids = {id_ for place in fresh for id_ in seen[place].ids}
    lacking = uploads_of(db, source, LACKING, parameters) if alone else None
    return Compared(fresh, known(db, source, parameters["source"], ids) if ids else {}, lacking)


def known(db: sqlite3.Connection, source: str, number: int, ids: Iterable[str]) -> dict[str, list[Upload]]:
    """The uploads with these ids, of whatever kind."""
    where = "source = ? AND id IN (SELECT value FROM json_each(?))"
    by_id: dict[str, list[Upload]] = {}
    for upload in uploads_of(db, source, where, (number, dumps(list(ids)))):
        by_id.setdefault(upload.id, []).append(upload)
    return by_id
