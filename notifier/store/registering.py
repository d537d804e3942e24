"""What programs ask to be followed, and no more: an upload by its name, known to the provider or not yet."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from notifier.core.callbacks import NOBODY, Calling, origin
from notifier.core.model import SETTLED, Callback, Registration, Upload
from notifier.core.ways import any_id
from notifier.store import latest, numbers
from notifier.store.errors import UnknownNameError
from notifier.store.followed import Followed
from notifier.store.rows import UPLOAD_COLUMNS, upload_of, uploads_of

LOOKED_AT = 2000
"""Rows that one page of a list looks at, at most."""
LISTED = "SELECT media_id FROM uploads WHERE media_id < :before ORDER BY media_id DESC LIMIT :most"
OPEN = """SELECT u.media_id FROM json_each(:sources) AS s JOIN uploads AS u ON u.media_id IN (
        SELECT media_id FROM uploads INDEXED BY uploads_open
        WHERE source = s.value AND open = 1 AND media_id < :before ORDER BY media_id DESC LIMIT :most)
    ORDER BY u.media_id DESC LIMIT :most"""
"""Of each source the last, which an index has, and of these the last."""
ROWS = f"SELECT source, open, {UPLOAD_COLUMNS} FROM uploads WHERE media_id IN ({{}}) ORDER BY media_id DESC"  # noqa: S608  # our own words
ANNOUNCED = "SELECT position, id, type, at, status, sequence FROM events WHERE lane = ? ORDER BY sequence DESC LIMIT ?"
KNOWN = "SELECT number FROM endpoints WHERE url = ? AND format = ?"
NEXT = "UPDATE counters SET next = next + 1 WHERE name = 'callback' RETURNING next - 1"
NAMED = "source = ? AND id = ? ORDER BY unfollowed_at IS NOT NULL, kind"
AGAIN = """UPDATE uploads SET registered = 1, due_at = :now, open = open OR snapshot IS NULL, labels = :labels,
        callback = coalesce(:callback, callback),
        followed_at = iif(unfollowed_at IS NULL, followed_at, :now), unfollowed_at = NULL
    WHERE media_id = :media_id"""
DUE = "SELECT media_id, id FROM uploads WHERE source = ? AND due_at IS NOT NULL"
REST = """UPDATE uploads SET due_at = NULL, open = open AND snapshot IS NOT NULL
    WHERE media_id IN (SELECT value FROM json_each(?))"""
FORGET_BASELINES = """UPDATE listings SET baseline_at = NULL, baseline_pages = 0, page = 1, cursor = NULL
    WHERE source = ? AND (baseline_at IS NOT NULL OR baseline_pages > 0)"""
UNFOLLOW = """UPDATE uploads SET unfollowed_at = :now, registered = 0, due_at = NULL, open = 0, snapshot = NULL,
        labels = '{}', changed_at = NULL, stalled = 0, misses = 0, missing_since = NULL, fingerprint = NULL,
        batch_fingerprint = NULL, callback = NULL
    WHERE media_id = :media_id"""

COUNTED = """SELECT source, snapshot->>'status', count(*) FROM uploads INDEXED BY uploads_status
    WHERE unfollowed_at IS NULL GROUP BY source, snapshot->>'status'"""


class SeveralError(LookupError):
    """Several uploads have this id; the message says by which kind each can be named."""


class Registered(NamedTuple):
    """What came of a registration."""

    upload: Upload
    is_new: bool
    """It was not followed before."""


class Registering(Followed):
    """The part of the store that follows what somebody names."""

    async def register(self, asked: Sequence[Registration], now: float, calling: Calling = NOBODY) -> list[Registered]:
        """Follow these, and look at them next: those too that were followed already, settled or not.

        An upload that was followed once and then no more goes on with its media id and its sequence. To a callback that
        comes when its upload has settled the last event of that is owed, as `calling` says. Raises `SeveralError`.
        """
        registered = await self.database.write(self._register, asked, now, calling)
        if any(one.callback is not None for one in asked):
            self.has_callbacks = True
            self.announced.ring()
        return registered

    async def unfollow(self, source: str, id_: str, kind: str | None, now: float) -> Upload:
        """Follow an upload no more; answers it as it was. What is owed of it stays owed.

        Its place is kept, so that no list makes it new again. Raises `UnknownNameError` and `SeveralError`.
        """
        return await self.database.write(self._unfollow, source, id_, kind, now)

    async def align(self, source: str, is_id: Callable[[str], bool], *, discovers: bool) -> list[str]:
        """Let what is remembered of a source agree with its config.

        What is due under an id that none of its uploads can have is asked for no more; answers these ids. While only
        what is registered is followed, nothing that its lists show is remembered as known: it is old, not new, should
        more be followed again.
        """
        if discovers and is_id is any_id:
            return []
        return await self.database.write_unsynced(partial(_align, discovers=discovers), self._sources[source], is_id)

    async def named(self, source: str, id_: str, kind: str | None = None) -> Upload:
        """An upload that is followed; raises `UnknownNameError` and `SeveralError`."""
        return await self.database.read(self._followed, source, id_, kind)

    async def uploads(
        self,
        source: str | None = None,
        status: str | None = None,
        before: int | None = None,
        most: int = 100,
        *,
        is_open: bool | None = None,
    ) -> tuple[list[Upload], int | None]:
        """At most so many that are followed, of all or one source and status, by media id downwards from `before`.

        `is_open`: only those that have not settled, or only the others. Also what to give as `before` for those that
        follow; None: there are none. They may be fewer, and even none, and others follow all the same: no more rows are
        looked at than a moment allows. Raises `UnknownNameError`.
        """
        if source is not None:
            self.source_number(source)
        names = {number: name for name, number in self._sources.items()}
        is_each_meant = status is None and (is_open or (source is None and is_open is None))
        reach = most + 1 if is_each_meant else LOOKED_AT
        parameters = {
            "before": 1 << 31 if before is None else before,
            "most": reach,
            "sources": json.dumps([number for number, name in names.items() if source in {None, name}]),
        }
        looked = list(await self.database.rows(ROWS.format(OPEN if is_open else LISTED), parameters))
        found: list[Upload] = []
        for number, open_, *row in looked:
            upload = upload_of(names[number], row)
            known = upload.snapshot and upload.snapshot.status
            is_meant = source in {None, upload.source} and status in {None, known} and is_open in {None, bool(open_)}
            if upload.unfollowed_at is None and is_meant:
                found.append(upload)
            if len(found) > most:
                return found[:most], found[most - 1].media_id
        return found, int(looked[-1][2]) if len(looked) == reach else None

    async def by_status(self) -> dict[str, dict[str | None, int]]:
        """How many are followed at each source where any are, by their status; None: none was seen yet."""
        names = {number: name for name, number in self._sources.items()}
        found: dict[str, dict[str | None, int]] = {}
        for number, status, count in await self.database.rows(COUNTED):
            found.setdefault(names[number], {})[status] = count
        return found

    async def told(self, media_id: int, most: int = 100) -> list[tuple[int, str, str, float, str | None, int]]:
        """What was announced of an upload, the newest first: position, id, type, moment, status, sequence."""
        return [tuple(row) for row in await self.database.rows(ANNOUNCED, (media_id, most))]

    def _unfollow(self, db: sqlite3.Connection, source: str, id_: str, kind: str | None, now: float) -> Upload:
        upload = self._followed(db, source, id_, kind)
        db.execute(UNFOLLOW, {"now": now, "media_id": upload.media_id})
        return upload

    def _followed(self, db: sqlite3.Connection, source: str, id_: str, kind: str | None) -> Upload:
        one = _only([each for each in self._named(db, source, id_, kind) if each.unfollowed_at is None])
        if one is None:
            raise UnknownNameError(
                f"no upload {id_!r} is followed at {source!r}: `notifier watch` or POST /v1/uploads follows one"
            )
        return one

    def _named(self, db: sqlite3.Connection, source: str, id_: str, kind: str | None) -> list[Upload]:
        rows = uploads_of(db, source, NAMED, (self._sources.get(source), id_))
        return [one for one in rows if kind is None or one.kind in {kind, ""}]

    def _register(
        self, db: sqlite3.Connection, asked: Sequence[Registration], now: float, calling: Calling
    ) -> list[Registered]:
        return [self._register_one(db, one, now, calling) for one in asked]

    def _register_one(self, db: sqlite3.Connection, asked: Registration, now: float, calling: Calling) -> Registered:
        found = self._named(db, asked.source, asked.id, asked.kind)
        known = _only([one for one in found if one.unfollowed_at is None])
        place = known or next(iter(found), None)
        media_id = place.media_id if place else self._take_place(db, asked, now)
        labels = asked.labels if asked.labels is not None or known is None else known.labels
        callback = None if asked.callback is None else _callback(db, asked.callback)
        parameters = {"media_id": media_id, "labels": json.dumps(dict(labels or {})), "callback": callback}
        db.execute(AGAIN, {"now": now, **parameters})
        (upload,) = uploads_of(db, asked.source, "media_id = ?", (media_id,))
        if callback is not None and (known is None or known.callback != upload.callback):
            _tell(db, upload, calling, now)
        return Registered(upload, known is None)

    def _take_place(self, db: sqlite3.Connection, asked: Registration, now: float) -> int:
        media_id = numbers.media_id(db, asked.media_id)
        place: tuple[Any, ...] = (media_id, self._sources[asked.source], asked.kind or "", asked.id, now)
        db.execute(
            "INSERT INTO uploads (media_id, source, kind, id, registered, followed_at) VALUES (?, ?, ?, ?, 1, ?)", place
        )
        return media_id


def _callback(db: sqlite3.Connection, asked: Callback) -> int:
    """The number of a callback, which it gets with its first registration; none is ever given out again."""
    for row in db.execute(KNOWN, (asked.url, asked.format)).fetchall():
        return int(row[0])
    ((number,),) = db.execute(NEXT)
    made = replace(asked, number=-number)
    values = (made.number, made.name, made.url, made.format, origin(made.url))
    db.execute("INSERT INTO endpoints (number, name, url, format, origin) VALUES (?, ?, ?, ?, ?)", values)
    return made.number


def _align(db: sqlite3.Connection, source: int, is_id: Callable[[str], bool], *, discovers: bool) -> list[str]:
    if not discovers:
        db.execute(FORGET_BASELINES, (source,))
    odd = {media_id: id_ for media_id, id_ in db.execute(DUE, (source,)) if not is_id(id_)}
    if odd:
        db.execute(REST, (json.dumps(list(odd)),))
    return list(odd.values())


def _tell(db: sqlite3.Connection, upload: Upload, calling: Calling, now: float) -> None:
    """Owe the upload's callback, which is new to it, the last event of what has settled: there may come no other."""
    seen, callback = upload.snapshot, upload.callback
    if seen is None or seen.status not in SETTLED or callback is None:
        return
    endpoint = calling.endpoint(callback)
    (event,) = latest.lacking(db, upload.media_id - 1, 1, callback.number, endpoint).values()
    if event is not None:
        latest.owe(db, callback.number, endpoint, {upload.media_id: event}, now)


def _only(found: Sequence[Upload]) -> Upload | None:
    """The one upload that is meant; None where there is none."""
    if len(found) > 1:
        kinds = " or ".join(sorted(one.kind for one in found))
        raise SeveralError(f"{found[0].source!r} has several uploads {found[0].id!r}: say of which kind it is, {kinds}")
    return next(iter(found), None)
