"""Rows of an answer × what is known of the uploads that they speak of → whether they say anything new."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from json import dumps
from typing import Any

from notifier.core.model import Observation, Upload
from notifier.store.rows import uploads_of

CHANGED = """SELECT j.key FROM json_each(:rows) AS j
    LEFT JOIN uploads AS u ON u.media_id = coalesce(
        (SELECT media_id FROM uploads WHERE source = :source AND id = j.value->>1 AND kind = j.value->>0),
        (SELECT media_id FROM uploads WHERE source = :source AND id = j.value->>3 AND kind = j.value->>0))
    WHERE iif(:batched, u.batch_fingerprint, u.fingerprint) IS NOT j.value->>2 OR u.misses > 0 OR u.due_at <= :now"""
"""Each row beside what is known by its id, or else by the other id that it has."""
PAIRS = """SELECT iif(count(*) = json_array_length(:rows), json_group_object(u.media_id, j.value->>2), '')
    FROM json_each(:rows) AS j CROSS JOIN uploads AS u
    ON u.source = :source AND u.id = j.value->>1 AND u.kind = j.value->>0"""
"""The rows first: SQLite would go through all uploads of the source for them."""
MOVED = """SELECT 1 FROM json_each(:pairs) AS j LEFT JOIN uploads AS u ON u.media_id = j.key
    WHERE u.fingerprint IS NOT j.value OR u.misses > 0 OR u.due_at <= :now LIMIT 1"""
"""As `CHANGED` tells of a list, but by the number of each upload: no row is taken apart, and no name looked up."""


def changed(
    db: sqlite3.Connection, source: str, seen: Sequence[Observation], parameters: Mapping[str, Any]
) -> tuple[set[int], dict[str, list[Upload]]]:
    """As `Followed.changed` says."""
    places = {row[0] for row in db.execute(CHANGED, parameters)}
    ids = {id_ for place in places for id_ in seen[place].ids}
    return places, known(db, source, parameters["source"], ids) if ids else {}


def known(db: sqlite3.Connection, source: str, number: int, ids: Iterable[str]) -> dict[str, list[Upload]]:
    """The uploads with these ids, of whatever kind."""
    where = "source = ? AND id IN (SELECT value FROM json_each(?))"
    by_id: dict[str, list[Upload]] = {}
    for upload in uploads_of(db, source, where, (number, dumps(list(ids)))):
        by_id.setdefault(upload.id, []).append(upload)
    return by_id


def pairs(db: sqlite3.Connection, source: int, rows: str) -> str:
    """As `Followed.pairs` says."""
    ((found,),) = db.execute(PAIRS, {"rows": rows, "source": source}).fetchall()
    return str(found)


def unmoved(db: sqlite3.Connection, pairs: str, now: float) -> bool:
    """As `Followed.unmoved` says."""
    return db.execute(MOVED, {"pairs": pairs, "now": now}).fetchone() is None
