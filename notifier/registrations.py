"""What somebody names × the sources → uploads that are followed and looked at next, or followed no more."""

from collections.abc import Callable, Mapping

from notifier.core.model import Registration, Upload
from notifier.numbering import register
from notifier.store import Registered, Store
from notifier.watched import Watched


class CannotRegister(ValueError):
    """A registration that cannot be; `where` names the member that is at fault, the message what was expected."""

    def __init__(self, where: str, expected: str) -> None:
        super().__init__(expected)
        self.where = where


class NamedByConfigError(LookupError):
    """What the config names is followed as long as it does."""


class Registrations:
    """Follows what programs and people name, beside what the config names and lists show."""

    def __init__(
        self,
        store: Store,
        watched: Mapping[str, Watched],
        ring: Callable[[str], object],
        clock: Callable[[], float],
    ) -> None:
        """`ring` is called with a source's name when there is something to ask it."""
        self._store = store
        self._watched = watched
        self._ring = ring
        self._clock = clock

    async def register(self, asked: Registration) -> Registered:
        """Follow an upload, and look at it next; raises `CannotRegister`, `SeveralError`."""
        one = self._watched.get(asked.source)
        if one is None:
            raise CannotRegister("source", f"the name of a source: {', '.join(self._watched) or 'there is none'}")
        if asked.kind is not None and asked.kind not in one.kinds:
            raise CannotRegister("kind", f"what uploads of this source are: {' or '.join(one.kinds)}")
        async with one.writing:
            (came,) = await register(self._store, one.provider.name, [asked], self._clock())
            one.named(came.upload, self._clock(), is_new=came.is_new)
        self._ring(asked.source)
        return came

    async def unfollow(self, source: str, id_: str, kind: str | None = None) -> Upload:
        """Follow an upload no more, and answer it as it was; what is owed of it stays owed.

        Raises `UnknownNameError`, `SeveralError`, `NamedByConfigError`.
        """
        one = self._watched.get(source)
        if one is None:  # it left the config
            return await self._store.unfollow(source, id_, kind, self._clock())
        if id_ in one.source.uploads:
            raise NamedByConfigError(f"the config names {id_!r} under uploads of {source!r}: take it out there")
        async with one.writing:
            upload = await self._store.unfollow(source, id_, kind, self._clock())
            one.forget(upload)
        return upload
