"""A store to try by itself: what a test does not care about is filled in."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from world import endpoint

from notifier.core.model import Attempt, Delivery, Endpoint, Event, Observation, Order, Outcome, Phase, Status, Upload
from notifier.core.retry import Next
from notifier.store import Announcement, Result, Store

NOW = 1_800_000_000.0
APP = endpoint("app")
LATEST = endpoint("latest", order=Order.LATEST)
NONE = endpoint("none", order=Order.NONE)
ENDPOINTS = (APP, LATEST, NONE)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    """A store in which the source "posts" and three endpoints have their place."""
    store = await Store.open(path)
    try:
        await store.enrol({"posts": "fake"}, [one.name for one in ENDPOINTS])
        yield store
    finally:
        await store.close()


async def follow(store: Store, uploads: list[Upload]) -> list[Upload]:
    """Follow these, without tasks."""
    return [one for one, _ in await store.follow([(one, 0) for one in uploads])]


def upload(id_: str = "u1", **more) -> Upload:
    return Upload(**{"media_id": 0, "source": "posts", "kind": "post", "id": id_, "followed_at": NOW, **more})


def seen(id_: str = "u1", status: Status = Status.PROCESSING, **more) -> Observation:
    return Observation("post", id_, status, status.value, **more)


def event(lane: int, sequence: int, type_: str = "upload.processing", **more) -> Event:
    id_ = f"evt_{lane}_{sequence}"
    about = {"id": id_, "at": NOW, "status": None, "upload": f"u{lane}" if lane > 0 else None, "body": id_.encode()}
    return Event(type=type_, source="posts", lane=lane, sequence=sequence, **{**about, **more})


async def announce(store: Store, *events: Event, to: tuple[Endpoint, ...] = (APP,), budgets=None, **more) -> None:
    """Owe these events to these endpoints."""
    state = await store.source("posts")
    await store.announce(Announcement(state, owed=[(one, to) for one in events], **more), budgets)


async def due(store: Store, name: str = "app", now: float = NOW, limit: int = 100) -> list[Delivery]:
    found, _ = await store.due(now, {name: limit})
    return found


def ids(found: Iterable[Delivery]) -> list[str]:
    """The events of these deliveries."""
    return [one.event for one in found]


def result(delivery: Delivery, phase: Phase = Phase.DELIVERED, due_at: float | None = None) -> Result:
    good = phase is Phase.DELIVERED
    attempt = Attempt(NOW, 0.5, Outcome.DELIVERED if good else Outcome.HTTP_5XX, 200 if good else 503, "note", "head")
    return Result(delivery, attempt, Next(phase, delivery.slots + 1, due_at))


def retried(delivery: Delivery, after: float = 60.0) -> Result:
    return result(delivery, Phase.WAITING, NOW + after)


async def altered(store: Store, sql: str, parameters: Sequence[object] = ()) -> None:
    """Write by a statement what no method of the store would."""
    await store.database.write(lambda db: db.execute(sql, parameters).fetchall())


async def deliveries(store: Store, columns: str, where: str = "1 = 1") -> list[tuple]:
    """Columns of the deliveries, in the order of their making."""
    return [
        tuple(row) for row in await store.database.rows(f"SELECT {columns} FROM deliveries WHERE {where} ORDER BY id")
    ]


async def one_upload(store: Store, **more) -> Upload:
    """An upload that is followed, and has a snapshot where one is given."""
    (followed,) = await follow(store, [upload()])
    if more:
        followed = replace(followed, **more)
        await announce(store, uploads=[followed])
    return followed
