"""What the calls of the API ask and act upon."""

from collections.abc import Callable
from dataclasses import dataclass

from notifier.replays import Replays
from notifier.sender import Sender
from notifier.store import Store


@dataclass(frozen=True, slots=True)
class Control:
    """The parts of the running daemon that people can look at and turn."""

    store: Store
    sender: Sender
    replays: Replays
    clock: Callable[[], float]
