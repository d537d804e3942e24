"""provider × source → how its uploads can be asked for, and where they stand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from notifier.core.diff import NOT_FOUND
from notifier.core.model import ListingState, LookKind, Upload
from notifier.core.rhythm import Listing
from notifier.core.sweep import GIVE_UP_AFTER, state_of


def any_id(_: str) -> bool:
    """Whether an upload can have this id, where nothing is known of them."""
    return True


@dataclass(frozen=True, slots=True)
class Ways:
    """How uploads can be asked for at a source."""

    single: bool
    batch: int
    """Ids that one look may name; 0: it has no such look."""
    listings: tuple[Listing, ...]
    many_kinds: bool
    discover: bool
    is_id: Callable[[str], bool] = any_id
    """Whether one can have this id. What was followed under another, as at another provider, is asked for no more."""

    @property
    def direct(self) -> bool:
        """Whether an upload can be asked for by its id."""
        return self.single or bool(self.batch)

    def shows(self, listing: Listing, upload: Upload) -> bool:
        """Whether an upload stands in this collection; one that was never seen may."""
        if not self.is_id(upload.id):
            return False
        if self.many_kinds and upload.kind not in {"", listing.collection.removesuffix("s")}:
            return False
        return not listing.word or upload.ref in {None, listing.word}

    def ought_to_show(self, listing: Listing, upload: Upload) -> bool:
        """Whether an upload stands in this collection for certain: it was seen there, or in no other it may."""
        return self.shows(listing, upload) and (_was_seen(upload) or self._places(upload) == 1)

    def is_unsure(self, upload: Upload) -> bool:
        """Whether an upload was never seen, and may stand in any of several lists."""
        return not _was_seen(upload) and self._places(upload) > 1

    def _places(self, upload: Upload) -> int:
        return sum(self.shows(one, upload) for one in self.listings if one.kind is LookKind.LIST)

    @property
    def lists(self) -> list[str]:
        """The names of the collections that show all there is."""
        return [one.name for one in self.listings if one.kind is LookKind.LIST]

    def usable(self, progress: Mapping[str, ListingState]) -> list[Listing]:
        """The lists and feeds that show what is watched: those whose first sweep is over, and which answer."""
        read = [(one, state_of(progress, one)) for one in self.listings]
        return [
            one
            for one, state in read
            if one.kind is not LookKind.SCHEDULE
            and state.failures < GIVE_UP_AFTER
            and (state.baseline_at is not None or not self.discover)
        ]

    def feed(self, progress: Mapping[str, ListingState]) -> Listing | None:
        """The feed that shows all that settles, if there is one and it answers."""
        return next((one for one in self.usable(progress) if one.kind is LookKind.FEED), None)


def _was_seen(upload: Upload) -> bool:
    return upload.snapshot is not None and upload.snapshot.reason != NOT_FOUND
