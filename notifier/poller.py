"""Loop 1: observe a source, announce what changed."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from notifier.core.budget import Budget
from notifier.core.callbacks import NOBODY, Calling
from notifier.core.diff import noticed_after
from notifier.core.events import addressed, event_for
from notifier.core.model import Answer, Change, Endpoint, Event, LookKind, Registration, SourceState, Trouble
from notifier.core.questions import Question
from notifier.core.rhythm import LONGEST_SLEEP
from notifier.core.sweep import put_off
from notifier.core.trouble import failing, left, recovered, unfailing
from notifier.credentials import AFTER_ANOTHER, Credentials
from notifier.hands import Hands
from notifier.hearing import Hearing
from notifier.numbering import register, with_tasks
from notifier.providers.base import Malformed, ProviderError, Refused, Unavailable, sound
from notifier.store import Announcement, Outlook, Store
from notifier.telling import tell_announced, tell_resting, tell_rests, tell_skipped
from notifier.watched import Watched

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds until the next pass over a source at which nothing at all is to be asked before."""
AFTER_NEWS = 0.005
"""Seconds until it is asked what comes next at a source that told something new: meanwhile the webhook goes out."""
LATER = 5.0
"""For so many times the shortest gap between two looks at the same, a question that could not be answered goes behind
all others, once the source has rested."""
LONG_HOLD = 60.0
"""A provider's own word that nothing goes for more seconds than this outlives a loss of power."""
SHARED = "credential"
"""What failed of a source where another source met with it."""
STOPPED = "; nothing more is asked until a reload (notifier reload), or a restart"


class Poller:
    """Asks every source what is due, one look at a time, and announces what came of it."""

    def __init__(
        self,
        store: Store,
        watched: Iterable[Watched],
        endpoints: Sequence[Endpoint],
        clock: Callable[[], float],
        draw: Callable[[], float],
        calling: Calling = NOBODY,
    ) -> None:
        """`clock` tells the moment, `draw` a random number from 0 to 1; `calling` says how callbacks are sent to."""
        self.watched = {one.source.name: one for one in watched}
        self.hands = Hands()
        """Taken by whoever calls `poll`, for as long as that lasts."""
        self._store = store
        self._endpoints = endpoints
        self._clock = clock
        self._draw = draw
        self._calling = calling
        self.credentials = Credentials(self.watched.values())
        """What is used of what each may ask, and which of their sources goes first."""

    async def open(self) -> None:
        """Give sources and endpoints their place in the store, follow what the config names; passes read the rest."""
        providers = {name: one.provider.name for name, one in self.watched.items()}
        await self._store.enrol(providers, [endpoint.name for endpoint in self._endpoints])
        self.credentials.remember(await self._store.budgets())
        for one in self.watched.values():
            await self._register(one)
        await self._put_back(0.0)

    def adopt(
        self,
        watched: Iterable[Watched],
        endpoints: Sequence[Endpoint],
        calling: Calling,
        budgets: Mapping[str, Budget],
    ) -> None:
        """Ask these from now on, and announce to these endpoints; `budgets` is what the store remembers.

        Of a source that the config has as before nothing is forgotten. A look that is under way ends as it began.
        """
        wanted = {one.source.name: one for one in watched}
        present = {}
        for name, one in wanted.items():
            before = self.watched.get(name, one)
            present[name] = before if before.source == one.source else one
            if present[name] is one:
                one.looks = before.looks
        self.watched.clear()
        self.watched.update(present)
        self._endpoints, self._calling = endpoints, calling
        self.credentials.remember(budgets)
        accounts = {name: one.account for name, one in wanted.items()}
        self.credentials.adopt(list(present.values()), accounts, self._clock())
        self.resume()

    def resume(self) -> None:
        """Ask the sources again whose credentials were refused."""
        self.credentials.resume()

    async def _register(self, one: Watched) -> None:
        name, now = one.source.name, self._clock()
        known = await self._store.known(name, one.source.uploads)
        new = [id_ for id_ in one.source.uploads if all(each.unfollowed_at for each in known.get(id_, ()))]
        if new:
            await register(self._store, one.provider.name, [Registration(name, id_) for id_ in new], now)

    async def believe_no_later(self, jump: float) -> None:
        """Our clock was put forward by `jump` seconds, or back: bring forward what it makes due too late, and go on."""
        async with AsyncExitStack() as held:  # lest an answer write moments of the clock as it was over it
            for name in list(self.watched):
                await held.enter_async_context(self._store.writing[name])
            await self._put_back(jump)
        for one in [one for one in self.watched.values() if one.is_opened]:
            await self._open(one)

    async def _put_back(self, jump: float) -> None:
        now = self._clock()
        await self._store.put_back(-jump, now)
        self.credentials.believe(jump, now)

    async def _open(self, one: Watched) -> None:
        name, now = one.source.name, self._clock()
        listed = now + max((listing.idle for listing in one.ways.listings), default=0.0)
        async with self._store.writing[name]:  # lest an answer or a registration come in between
            rests_until = self.credentials.rests_until(one, now)
            await self._store.believe_no_later({name: listed}, now + LONGEST_SLEEP, rests_until)
            tell_resting(one, await self._store.align(name, one.ways.is_id, discovers=one.ways.discover))
            lives = await self._store.lives([name])
            one.open(await self._store.open_uploads(name), lives[name], now)

    async def poll(self, name: str) -> float:
        """One pass over a source: at most one look. Answers the moment at which to come back."""
        one = self.watched[name]
        if not one.is_opened:  # only now: before a reload, what was under way there may have told of more since
            await self._register(one)
            await self._open(one)
            one.is_opened = True
        one.comes_at = await self._pass(name, one)
        return one.comes_at

    async def _pass(self, name: str, one: Watched) -> float:
        now = self._clock()
        if one.refused is not None:
            await self._tell_refused(one, one.refused)
        if one.is_accepted:
            await self._tell_accepted(one)
        outlook = await self._store.outlook(name, one.ways.batch, now)
        question, at = self._next(one, outlook, now)
        if question is None or at > now:
            return at
        log.debug("looking", extra={"fields": {"source": name, "at": question.subject, "why": question.why.value}})
        one.looks.late = now - max(question.due_at, outlook.state.hold_until) if question.due_at else 0.0  # at once
        began = asyncio.get_running_loop().time()
        after = await self._look(one, outlook.state, question, now)
        one.looks.durations.add(asyncio.get_running_loop().time() - began)
        if after is None:
            with self.hands.let_go():
                await asyncio.sleep(AFTER_NEWS)
            after = await self._store.outlook(name)
        return self._next(one, after, self._clock())[1]

    def _next(self, one: Watched, outlook: Outlook, now: float) -> tuple[Question | None, float]:
        """What is to be asked next, and the moment at which to do it, or to come back: `now` where it may go."""
        has_left = self.watched.get(one.source.name) is not one  # by a reload while we waited
        question = None if one.is_stopped or has_left else one.then or self._question(one, outlook, now)
        if question is None:
            self.credentials.withdraws(one)
            return None, now + IDLE
        ready, may_go = max(question.due_at, outlook.state.hold_until), self.credentials.may_go(one, now)
        if ready > now:
            self.credentials.withdraws(one)
        else:
            self.credentials.waits(one)
        if max(ready, may_go) > now:
            return question, min(max(ready, may_go), now + IDLE)
        return question, now if self.credentials.is_first(one) else now + AFTER_ANOTHER

    async def _look(self, one: Watched, state: SourceState, question: Question, now: float) -> Outlook | None:
        """Ask, and write what comes of it. Answers as `Store.announce` does."""
        self.credentials.spend(one, now, self._draw())
        await self._store.spend(one.account, self.credentials.budget(one))
        one.asked(question, now)
        try:
            with self.hands.let_go():
                answer = sound(question.look, await one.client.observe(question.look, now))
        except ProviderError as error:
            async with self._store.writing[one.source.name]:
                return await self._failed(one, state, question, error)
        async with self._store.writing[one.source.name]:
            return await self._answered(one, state, question, answer)

    def _question(self, one: Watched, outlook: Outlook, now: float) -> Question | None:
        spent = self.credentials.budget(one)
        return one.question(outlook, spent, now, lambda moment: self.credentials.free_after(one, moment, now))

    # --- nothing came of it

    async def _failed(
        self, one: Watched, state: SourceState, question: Question, error: ProviderError
    ) -> Outlook | None:
        """Nothing was observed: the source rests, and its trouble is told when it begins."""
        now = self._clock()
        one.looks.failed(error.code)
        trouble = Trouble(error.code, f"{error}{STOPPED if isinstance(error, Refused) else ''}")
        log.debug("failed", extra={"fields": {"source": state.name, "reason": trouble.text}})
        failures = state.failures + 1
        limited = isinstance(error, Unavailable) and error.limited
        if isinstance(error, Unavailable) and limited:
            tell_rests(state.name, trouble, self.credentials.limited(one, error.retry_after, now, self._draw()))
        if isinstance(error, Refused):
            self.credentials.refuse(one, trouble)
        rest = 0.0 if limited else error.rest(failures, self._draw())
        state = replace(state, failures=failures, hold_until=now + rest)
        told = None
        worse = isinstance(error, Refused) and state.trouble is not None and state.trouble.code != trouble.code
        if worse or (state.trouble is None and (not limited or failures > 1)):
            state, told = failing(state, one.provider.name, trouble, question.at_stake, now)
        # What was asked goes behind the others, so that one question without an answer does not hold them up.
        later = now + rest + LATER * one.provider.pace.floor
        again = one.put_off(question, later)
        if question.look.kind is LookKind.BATCH and isinstance(error, Malformed):
            again = one.halve(question.look.ids, later)
        if state.failed and left(state.failed, question.at_stake) != state.failed:
            state = replace(state, failed_due_at=again)
        asked = await self._store.as_now(question.uploads)
        uploads = [replace(upload, due_at=later) for upload in asked if upload.due_at is not None]
        progress = one.sweeps.wanted(put_off(question.progress, later), now)
        return await self._announce(one, Announcement(state, progress, uploads, owed=self._owed([told])))

    async def _tell_refused(self, one: Watched, trouble: Trouble) -> None:
        """Another source met with the refusal of the credential: this one says that it is failing, too."""
        one.refused = None
        state = await self._store.source(one.source.name)
        if state.trouble is None or state.trouble.code != trouble.code:
            state, told = failing(state, one.provider.name, trouble, SHARED, self._clock())
            await self._announce(one, Announcement(state, owed=self._owed([told])))

    async def _tell_accepted(self, one: Watched) -> None:
        """The credential is good again, as another source found: this one recovers, where that was all it suffered."""
        one.is_accepted = False
        state, now = await self._store.source(one.source.name), self._clock()
        if state.failed == SHARED:
            state, told = recovered(state, one.provider.name, SHARED, now, now)
            await self._announce(one, Announcement(state, owed=self._owed([told])))

    # --- something did

    async def _answered(self, one: Watched, state: SourceState, question: Question, answer: Answer) -> Outlook | None:
        """The provider spoke: what it said is compared with the snapshots and written, with what is owed for it."""
        now = self._clock()
        tell_skipped(one, question, answer)
        self.credentials.heed(one, answer, now)
        one.looks.succeeded(now)
        if answer.then is not None:  # half an answer is none yet, and no recovery
            one.then = replace(question, look=answer.then)
            return await self._announce(one, Announcement(state, lasts=False))
        hearing, failures = Hearing(self._store, one, question, answer, now), state.failures
        state = unfailing(state, await hearing.left_of(state.failed))
        state, told = recovered(state, one.provider.name, question.at_stake, question.due_at, now)
        self.credentials.accept(one)
        found = await hearing.readings()
        readings = await with_tasks(self._store, one.provider.name, found, hearing.tasks)
        changes = [reading.change for reading in readings if reading.change is not None]
        for change in changes:
            one.book.learn(change)
        uploads, lives = [reading.upload for reading in readings], one.book.learned()
        owed = [*self._owed([told]), *(self._told(each, event_for(each, one.provider.name, now)) for each in changes)]
        is_held = self.credentials.budget(one).hold_until > now + LONG_HOLD
        lasts = bool(uploads or lives) or is_held or hearing.lasts(failures)
        progress = one.sweeps.wanted(hearing.progress, now)
        news = Announcement(state, progress, uploads, lives=lives, owed=owed, lasts=lasts)
        outlook = await self._announce(one, news)
        for change in changes:
            one.looks.noticed(noticed_after(change, self.credentials.budget(one).skew))
        hearing.note(readings)
        return outlook

    def _owed(self, events: Iterable[Event | None]) -> list[tuple[Event, list[Endpoint]]]:
        return [addressed(event, self._endpoints) for event in events if event is not None]

    def _told(self, change: Change, event: Event) -> tuple[Event, list[Endpoint]]:
        """To whom a change of an upload is owed: whoever wants it, and whom its registration named."""
        callback = change.upload.callback
        called = [] if callback is None else [self._calling.endpoint(callback)]
        return addressed(event, [*self._endpoints, *called])

    async def _announce(self, one: Watched, news: Announcement) -> Outlook | None:
        """Write it, then tell the log; never the other way round. Answers as `Store.announce` does."""
        outlook = await self._store.announce(news, {one.account: self.credentials.budget(one)})
        for event, _ in news.owed:
            one.looks.announced(event.type)
        tell_announced(news)  # at once: there may be an attempt to tell of before anything else is awaited
        return outlook
