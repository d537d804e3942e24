"""What somebody names × the sources → uploads that are followed and looked at next, or followed no more."""

from collections.abc import Callable, Mapping

from notifier.config.faults import Wrong
from notifier.config.urls import check_endpoint, is_refused
from notifier.core.callbacks import NOBODY, UNSIGNED, Calling
from notifier.core.model import Callback, Registration, Upload
from notifier.core.render import FORMATS
from notifier.numbering import register
from notifier.store import Registered, Store
from notifier.watched import Watched

NONE_ALLOWED = "none: notify_urls of [server] names no URL that may be asked for"


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
        calling: Calling = NOBODY,
        own_port: int | None = None,
    ) -> None:
        """`ring` is called with a source's name when there is something to ask it.

        `calling` says which callbacks may be asked for; none at the `own_port` of the daemon.
        """
        self._store = store
        self._watched = watched
        self._ring = ring
        self._clock = clock
        self._calling = calling
        self._own_port = own_port

    def adopt(self, calling: Calling) -> None:
        """From now on these callbacks may be asked for."""
        self._calling = calling

    def provider(self, source: str) -> str | None:
        """The provider of a source; None where the source left the config."""
        one = self._watched.get(source)
        return None if one is None else one.provider.name

    def look_by(self, upload: Upload) -> float | None:
        """Until when it is looked at, alone or with others, as far as the budget lets it; None: lists alone show it.

        Until the first pass over its source has read what is open there, by its own rhythm alone.
        """
        one = self._watched.get(upload.source)
        watch = None if one is None else one.book.watches.get(upload.media_id)
        moments = (upload.due_at, None if one is None or watch is None else watch.cap_at(one.provider.pace))
        return min((at for at in moments if at is not None), default=None)

    async def register(self, asked: Registration) -> Registered:
        """Follow an upload, and look at it next; raises `CannotRegister`, `SeveralError`."""
        one = self._watched.get(asked.source)
        if one is None:
            raise CannotRegister("source", f"the name of a source: {', '.join(self._watched) or 'there is none'}")
        if asked.kind is not None and asked.kind not in one.kinds:
            raise CannotRegister("kind", f"what uploads of this source are: {' or '.join(one.kinds)}")
        if not one.provider.is_id(asked.id):
            raise CannotRegister("id", one.provider.ids)
        if asked.callback is not None:
            self._check(asked.callback)
        async with self._store.writing[asked.source]:
            (came,) = await register(self._store, one.provider.name, [asked], self._clock(), self._calling)
            one.named(came.upload, self._clock(), is_new=came.is_new)
        self._ring(asked.source)
        return came

    def _check(self, callback: Callback) -> None:
        how = self._calling.template
        if not callback.url.lower().startswith(("https:", "http:")):
            raise CannotRegister("notify_url", 'a URL that begins with "https://": mail and queues are not called')
        try:
            check_endpoint(callback.url, allow_http=how.allow_http, own_port=self._own_port)
        except Wrong as wrong:
            text = str(wrong)
            words = text.removeprefix("expected ") if text.startswith("expected ") else f"another one: {text}"
            raise CannotRegister("notify_url", words) from None
        if is_refused(callback.url, how.allow_networks):
            raise CannotRegister("notify_url", "a public address, or one in allow_networks of [delivery]")
        if not self._calling.permits(callback.url):
            words = "a URL that notify_urls of [server] stands for" if self._calling.allowed else NONE_ALLOWED
            raise CannotRegister("notify_url", words)
        if callback.format not in FORMATS:
            raise CannotRegister("notify_format", " or ".join(FORMATS))
        if not self._calling.can_tell(callback.format):
            words = f"{UNSIGNED}: to sign others notify_secrets of [server] must hold a secret"
            raise CannotRegister("notify_format", words)

    async def look(self, source: str) -> None:
        """Look at a source of the config at once: at all that is open there, and at each of its lists to the end."""
        one = self._watched[source]
        async with self._store.writing[source]:
            await self._store.look_anew(source, self._clock())
            one.hurry(await self._store.open_uploads(source))
        self._ring(source)

    async def unfollow(self, source: str, id_: str, kind: str | None = None) -> Upload:
        """Follow an upload no more, and answer it as it was; what is owed of it stays owed.

        Raises `UnknownNameError`, `SeveralError`, `NamedByConfigError`.
        """
        one = self._watched.get(source)  # None: it left the config, and yet a look at it may be under way
        if one is not None and id_ in one.source.uploads:
            raise NamedByConfigError(f"the config names {id_!r} under uploads of {source!r}: take it out there")
        self._store.source_number(source)  # before a lock is made for it, which stays
        async with self._store.writing[source]:
            upload = await self._store.unfollow(source, id_, kind, self._clock())
            if one is not None:
                one.forget(upload)
        return upload
