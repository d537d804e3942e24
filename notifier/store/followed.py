"""What the poller asks of the store: sources, listings, uploads, and the one transaction that announces."""

import asyncio
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifier.core.budget import Budget
from notifier.core.lives import Lives
from notifier.core.model import Endpoint, Event, ListingState, Observation, SourceState, Upload
from notifier.store import compared, moments, numbers, outlook
from notifier.store.compared import Compared
from notifier.store.database import Database
from notifier.store.outlook import Outlook
from notifier.store.owing import Owing
from notifier.store.rows import (
    budget_of,
    budget_row,
    lives_of,
    lives_row,
    upload_row,
    uploads_of,
)

UPDATE = """UPDATE uploads SET kind = ?, ref = ?, sequence = ?, snapshot = ?, open = ?, changed_at = ?,
        stalled = ?, misses = ?, missing_since = ?, due_at = ?, fingerprint = ?, batch_fingerprint = ?
    WHERE media_id = ?"""
OTHERS = "id NOT IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Announcement:
    """All that one look changes, to be written together or not at all."""

    source: SourceState
    listing: ListingState | None = None
    uploads: Sequence[Upload] = ()
    lives: Mapping[str, Lives] = field(default_factory=dict)
    owed: Sequence[tuple[Event, Sequence[Endpoint]]] = ()
    lasts: bool = True
    """Whether a loss of power must not take it back: False where the next look would find, and write, the same.

    What is owed lasts in any case.
    """


class Followed(Owing):
    """The half of the store that remembers what providers said."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.writing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By source: held from the reading of uploads to the writing of what comes of them, lest two overwrite it."""
        self._outlooks: dict[str, Outlook] = {}
        """By source: the last one that was told."""

    async def source(self, name: str) -> SourceState:
        """What is remembered of an enrolled source."""
        return await self.database.read(outlook.source, name)

    async def in_trouble(self) -> set[str]:
        """The names of the sources that are in trouble."""
        return {row[0] for row in await self.database.rows("SELECT name FROM sources WHERE trouble_code IS NOT NULL")}

    async def outlook(self, source: str, most: int = 1, now: float = 0.0) -> Outlook:
        """What a pass over an enrolled source looks at; several that were seen, `most`, only where one of them is due.

        One trip for all of it, and none where nothing was written of the source since it was told, as by `announce`
        after a look that found no news: there is a pass before every look.
        """
        known = self._outlooks.get(source)
        if known is None or not known.holds(self.database.written) or known.is_several(most, now):
            known = await self.database.look(outlook.read, self.database.written, source, most, now)
            if len(known.slow) <= 1:
                self._outlooks[source] = known
        return known

    async def as_now(self, uploads: Sequence[Upload]) -> list[Upload]:
        """These uploads, all of one source, as they stand now, as far as they are still followed."""
        numbers = json.dumps([one.media_id for one in uploads])
        where = "media_id IN (SELECT value FROM json_each(?)) AND unfollowed_at IS NULL"
        return await self._uploads(uploads[0].source, where, (numbers,)) if uploads else []

    async def open_uploads(self, source: str, without: Iterable[str] = ()) -> list[Upload]:
        """All uploads at a source that have not settled, but for those with these ids: asked all the time, and few."""
        where, parameters = f"source = ? AND open = 1 AND {OTHERS}", (self._sources[source], json.dumps(list(without)))
        return await self.database.look(uploads_of, source, where, parameters)

    async def open_count(self, source: str) -> int:
        """How many they are."""
        sql = "SELECT count(*) FROM uploads WHERE source = ? AND open = 1"
        ((count,),) = await self.database.rows(sql, (self._sources[source],))
        return int(count)

    async def look_anew(self, source: str, now: float) -> None:
        """Let all that is open at a source be due, and its lists to the end; from page 1 after a first sweep."""
        await self.database.write(_look_anew, self._sources[source], now)

    async def listed(self, source: str, without: Iterable[str] = ()) -> list[Upload]:
        """All that its lists ought to show, but for those with these ids: those seen and not gone, and registered."""
        there = "(snapshot IS NULL AND registered = 1) OR snapshot->>'status' <> 'gone'"
        where = f"source = ? AND ({there}) AND {OTHERS}"
        return await self._uploads(source, where, (self._sources[source], json.dumps(list(without))))

    async def compared(
        self,
        source: str,
        seen: Sequence[Observation],
        rows: str,
        now: float,
        *,
        batched: bool = False,
        alone: bool = False,
    ) -> Compared:
        """Which of these say anything that is not known, and what is known of them.

        `rows` are the same as JSON, each a kind, an id, a fingerprint and the other id that it has, or null. Also those
        about uploads that were missed, or are due: they are to be read whatever they say. `alone`: they are all that
        the source shows, so tell also what else is open there.
        """
        parameters = {"rows": rows, "source": self._sources[source], "now": now, "batched": batched}
        return await self.database.look(compared.compared, source, seen, parameters, alone=alone)

    def mark(self, source: str) -> int:
        """For `is_unmoved`: how many rows of uploads of a source were written so far, another number after each."""
        return self.database.written.uploads[self._sources[source]]

    def is_unmoved(self, source: str, mark: int, now: float) -> bool:
        """Whether rows that were compared at this `mark` and said nothing new say nothing new now, for certain.

        False: perhaps they do; compare them. They cannot while no upload of the source is written, or due.
        """
        known = self._outlooks.get(source)
        if known is None or not known.holds(self.database.written) or self.mark(source) != mark:
            return False
        return known.due_at > now

    async def lives(self, sources: Iterable[str]) -> dict[str, dict[str, Lives]]:
        """How long the uploads of each class at each of these sources took."""
        names = {self._sources[name]: name for name in sources}
        sql = "SELECT source, class, events, exposure FROM lives WHERE source IN (SELECT value FROM json_each(?))"
        found: dict[str, dict[str, Lives]] = {name: {} for name in names.values()}
        for source, class_, events, exposure in await self.database.rows(sql, (json.dumps(list(names)),)):
            found[names[source]][class_] = lives_of(events, exposure)
        return found

    async def known(self, source: str, ids: Iterable[str]) -> dict[str, list[Upload]]:
        """The uploads at a source with these ids, of whatever kind, followed or no more."""
        wanted = set(ids)
        return await self.database.read(compared.known, source, self._sources[source], wanted) if wanted else {}

    async def follow(self, new: Sequence[tuple[Upload, int]]) -> list[tuple[Upload, list[int]]]:
        """Follow these, each with so many tasks; answers them with their own media ids, and numbers for the tasks.

        What is followed already stays as it is, and gets no numbers. Given is the media id that each would have, or 0:
        that is its own unless another has it.
        """
        return await self.database.write_unsynced(self._follow, new) if new else []

    async def give_tasks(self, wanted: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
        """Numbers for the tasks of these uploads: the wanted one; for 0, or where another has that, one of ours."""
        return await self.database.write_unsynced(_give_tasks, wanted)

    async def believe_no_later(self, listings: Mapping[str, float], look: float, hold: float) -> None:
        """Bring forward what is due later than these moments, `listings` by source: a clock that was ahead wrote it."""
        numbered = [(self._sources[source], listing) for source, listing in listings.items()]
        await self.database.write_unsynced(moments.clamp, numbered, look, hold)

    async def put_back(self, seconds: float, now: float) -> None:
        """Bring forward by so many seconds what is due after `now`: our clock was put back by them.

        What has happened, happened now at the latest. Below 0: it was put forward, and nothing is missing, or open, for
        longer because of that.
        """
        await self.database.write(moments.put_back, seconds, now)

    async def budgets(self) -> dict[str, Budget]:
        """What is used of what each credential may be asked."""
        rows = await self.database.rows("SELECT name, state FROM budgets", ())
        return {name: budget_of(state) for name, state in rows}

    async def spend(self, name: str, budget: Budget) -> None:
        """Note a request before it is sent: a kill may forget allowance, never overdraw it."""
        await self.database.write_unsynced(_write_budgets, {name: budget})
        self._noted[name] = budget

    async def announce(self, news: Announcement, budgets: Mapping[str, Budget] | None = None) -> Outlook | None:
        """Snapshots, events, what is owed, how far we have read, and what is used by now: one transaction.

        Answers what is to be asked next, as `outlook` does of itself. None where anybody is owed an event: who is to
        bring it is rung for, and is not to wait for more than the commit.
        """
        write = self.database.write if news.lasts or news.owed else self.database.write_unsynced
        before = self._outlooks.pop(news.source.name, None)  # who is cut off here does not cut off the transaction
        used = {name: one for name, one in (budgets or {}).items() if self._noted.get(name) is not one}
        superseded, after = await write(self._announce, news, used, before)
        self._noted |= used
        self.superseded += superseded
        if after is not None:
            self._outlooks[news.source.name] = after
        if news.owed:
            self.announced.ring()
        return after

    async def _uploads(self, source: str, where: str, parameters: Sequence[Any]) -> list[Upload]:
        return await self.database.read(uploads_of, source, where, parameters)

    def _announce(
        self, db: sqlite3.Connection, news: Announcement, budgets: Mapping[str, Budget], before: Outlook | None
    ) -> tuple[Counter[str], Outlook | None]:
        number, written = news.source.number, self.database.written
        known = before if before is not None and before.holds(written) else None
        mark = written.uploads[number]
        _write_source(db, news.source)
        if news.listing is not None:
            _write_listing(db, number, news.listing)
        db.executemany(UPDATE, [upload_row(upload) for upload in news.uploads])
        _write_budgets(db, budgets)
        lives = [lives_row(number, name, lives) for name, lives in news.lives.items()]
        db.executemany("INSERT OR REPLACE INTO lives (source, class, events, exposure) VALUES (?, ?, ?, ?)", lives)
        superseded: Counter[str] = Counter()
        for event, endpoints in news.owed:
            superseded += self._owe(db, number, event, endpoints)
        if any(endpoints for _, endpoints in news.owed):
            return superseded, None
        if known is not None and written.uploads[number] == mark:
            return superseded, known.after(news.source, news.listing, written)
        return superseded, outlook.read(db, written, news.source.name)

    def _follow(self, db: sqlite3.Connection, new: Iterable[tuple[Upload, int]]) -> list[tuple[Upload, list[int]]]:
        return [self._follow_one(db, upload, tasks) for upload, tasks in new]

    def _follow_one(self, db: sqlite3.Connection, upload: Upload, tasks: int) -> tuple[Upload, list[int]]:
        number = self._sources[upload.source]
        where = "source = ? AND id = ? AND kind = ?"
        found = uploads_of(db, upload.source, where, (number, upload.id, upload.kind))
        if found:
            return found[0], []
        media_id = numbers.media_id(db, upload.media_id)
        db.execute(
            """INSERT INTO uploads (media_id, source, kind, id, ref, registered, labels, followed_at, due_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (media_id, number, upload.kind, upload.id, upload.ref, upload.registered, json.dumps(dict(upload.labels)),
             upload.followed_at, upload.due_at),
        )  # fmt: skip
        (stored,) = uploads_of(db, upload.source, "media_id = ?", (media_id,))
        return stored, [numbers.task(db, media_id, 0) for _ in range(tasks)]


def _write_source(db: sqlite3.Connection, source: SourceState) -> None:
    code, text = (None, None) if source.trouble is None else (source.trouble.code, source.trouble.text)
    db.execute(
        """UPDATE sources SET sequence = ?1, hold_until = ?2, failures = ?3, failing_since = ?4,
            trouble_code = ?5, trouble_text = ?6, failed = ?7, failed_due_at = ?8
            WHERE number = ?9 AND (sequence, hold_until, failures, failing_since, trouble_code, trouble_text, failed,
                failed_due_at) IS NOT (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)""",
        (source.sequence, source.hold_until, source.failures, source.failing_since, code, text,
         source.failed, source.failed_due_at, source.number),
    )  # fmt: skip


def _write_listing(db: sqlite3.Connection, source: int, listing: ListingState) -> None:
    db.execute(
        """INSERT OR REPLACE INTO listings
            (source, collection, page, due_at, baseline_at, swept_at, failures, cursor, baseline_pages)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (source, listing.collection, listing.page, listing.due_at, listing.baseline_at, listing.swept_at,
         listing.failures, listing.cursor, listing.baseline_pages),
    )  # fmt: skip


def _write_budgets(db: sqlite3.Connection, budgets: Mapping[str, Budget]) -> None:
    rows = [budget_row(name, budget) for name, budget in budgets.items()]
    sql = """INSERT INTO budgets (name, state) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET state = excluded.state WHERE state <> excluded.state"""
    db.executemany(sql, rows)


def _give_tasks(db: sqlite3.Connection, wanted: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    return {upload: [numbers.task(db, upload, one) for one in each] for upload, each in wanted.items()}


def _look_anew(db: sqlite3.Connection, source: int, now: float) -> None:
    listings = """UPDATE listings SET due_at = ?, swept_at = NULL, page = iif(baseline_at IS NULL, page, 1),
        cursor = iif(baseline_at IS NULL, cursor, NULL) WHERE source = ?"""
    uploads = "UPDATE uploads SET due_at = ? WHERE source = ? AND open = 1 AND due_at IS NOT NULL"
    for sql in (listings, uploads):
        db.execute(sql, (now, source))
