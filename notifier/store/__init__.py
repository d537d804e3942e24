"""SQLite: the only SQL in Python. Every public method is one transaction and takes a batch."""

from pathlib import Path

from notifier.store.backup import Copying
from notifier.store.callbacks import Callbacks, Called, Room
from notifier.store.compared import Compared
from notifier.store.database import Database
from notifier.store.drop import Dropping
from notifier.store.errors import NewerDatabaseError, OtherProviderError, StoreError, UnknownNameError
from notifier.store.followed import Announcement
from notifier.store.history import DeliveryRow, EventRow, History, Queue, Tried
from notifier.store.media import Media
from notifier.store.outlook import Outlook
from notifier.store.owed import GivenUp, Owed, Result, Standing
from notifier.store.registering import Registered, Registering, SeveralError
from notifier.store.replay import Replay, Replaying
from notifier.store.retention import Place, Retention
from notifier.store.rows import Page

__all__ = [
    "Announcement",
    "Called",
    "Compared",
    "DeliveryRow",
    "EventRow",
    "GivenUp",
    "NewerDatabaseError",
    "OtherProviderError",
    "Outlook",
    "Page",
    "Place",
    "Queue",
    "Registered",
    "Replay",
    "Result",
    "Room",
    "SeveralError",
    "Standing",
    "Store",
    "StoreError",
    "Tried",
    "UnknownNameError",
]


class Store(Registering, Callbacks, Owed, Replaying, Dropping, History, Media, Retention, Copying):
    """What is followed and what is owed, in one file."""

    @classmethod
    async def open(cls, path: Path) -> "Store":
        """Open or create the database at `path`; raises `StoreError`."""
        return cls(await Database.open(path))

    async def ping(self) -> None:
        """Read something, also where the transactions are; raises `StoreError` where the database does not answer.

        Whatever a transaction waits for, its disk or another program, this waits for, too.
        """
        await self.database.rows("SELECT count(*) FROM counters")
        await self.database.look(lambda db: db.execute("SELECT 1"))

    async def close(self) -> None:
        """End the transaction in progress, then close."""
        await self.database.close()
