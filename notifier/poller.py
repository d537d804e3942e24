"""Loop 1: observe a source, announce what changed."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from notifier.core.events import event_for, receivers
from notifier.core.model import (
    Answer,
    Baseline,
    Endpoint,
    Event,
    Observation,
    Rate,
    Source,
    SourceState,
    Trouble,
    Upload,
)
from notifier.core.pace import LONGEST_HOLD, Listing, back_off, bucket, held_until, limit_told
from notifier.core.questions import Question, first_due, put_off, read_on
from notifier.core.reading import Reading, Rules, denied, sighted, unannounced, unspoken
from notifier.core.trouble import failing, recovered
from notifier.providers.base import Client, Malformed, Provider, ProviderError, Refused, Unavailable
from notifier.store import Announcement, Store

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds until the next pass over a source at which nothing at all is to be asked."""


@dataclass(slots=True)
class Watched:
    """A source, how its provider behaves, and the client that asks it."""

    source: Source
    provider: Provider
    client: Client
    then: Question | None = None
    """The question asked last, in another form: it goes first. Where it is forgotten, all is asked from the start."""
    failed: object = None
    """The subject whose failure was reported: its next good answer is the recovery. Where forgotten: any is."""
    failed_due_at: float = 0.0
    """When that subject was to be asked again: a good answer to what was due later shows that it no longer is."""
    tries: dict[object, int] = field(default_factory=dict)
    """How often in a row a question could not be answered, by its subject."""
    skipped: dict[object, Sequence[str]] = field(default_factory=dict)
    """What could not be read in the last answer to a question, by its subject."""
    limit: Rate = field(init=False)
    """The provider's limit: as documented, until its answers tell another."""
    listings: Sequence[Listing] = field(init=False)
    rules: Rules = field(init=False)

    def __post_init__(self) -> None:
        self.limit = self.provider.limit
        kinds = self.source.kinds or self.provider.kinds
        wanted = [one for one in self.provider.listings if not kinds or one.collection in kinds]
        self.listings = wanted if self.source.discover else []
        self.rules = Rules(self.provider.cadence, self.provider.vanishing, self.source.stalled_after)


class Poller:
    """Asks every source what is due, one look at a time, and announces what came of it."""

    def __init__(
        self,
        store: Store,
        watched: Iterable[Watched],
        endpoints: Sequence[Endpoint],
        clock: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        """`clock` tells the moment, `draw` a random number from 0 to 1."""
        self.watched = {one.source.name: one for one in watched}
        self._store = store
        self._endpoints = endpoints
        self._clock = clock
        self._draw = draw

    async def open(self) -> None:
        """Give sources and endpoints their place in the store and follow the uploads that the config names."""
        await self._store.enrol(self.watched, [endpoint.name for endpoint in self._endpoints])
        now = self._clock()
        for name, one in self.watched.items():
            known = await self._store.known(name, one.source.uploads)
            new = [id_ for id_ in one.source.uploads if id_ not in known]
            await self._store.follow([Upload(0, name, "", id_, now, registered=True, due_at=now) for id_ in new])

    async def poll(self, name: str) -> float:
        """One pass over a source: at most one look. Answers the moment at which to come back."""
        one = self.watched[name]
        question = one.then or await self._question(one)
        if question is None:
            return self._clock() + IDLE
        state = await self._store.source(name)
        allowance = bucket(one.source.budget, one.limit, one.source.reserve)
        now = self._clock()
        may_go = max(question.due_at, state.hold_until, allowance.may_go(state.tat, now))
        if may_go > now:
            return may_go
        state = replace(state, tat=allowance.spent(state.tat, now))
        await self._store.spend(state)
        one.then = None
        try:
            answer = _sound(question, await one.client.observe(question.look, now))
        except ProviderError as error:
            await self._failed(one, state, question, error)
        else:
            await self._answered(one, state, question, answer)
        return self._clock()

    async def _question(self, one: Watched) -> Question | None:
        name = one.source.name
        progress, upload = await self._store.listings(name), await self._store.next_upload(name)
        return first_due(one.listings, progress, upload, many_kinds=bool(one.provider.kinds))

    async def _failed(self, one: Watched, state: SourceState, question: Question, error: ProviderError) -> None:
        """Nothing was observed: the source rests, and its trouble is told when it begins."""
        now = self._clock()
        trouble = Trouble(_code(error), str(error))
        log.debug("failed", extra={"fields": {"source": state.name, "reason": trouble.text}})
        failures = state.failures + 1
        resumes_at = now + _rest(error, failures, self._draw())
        state = replace(state, failures=failures, hold_until=max(state.hold_until, resumes_at))
        told = None
        if state.trouble is None and (trouble.code != "limited" or failures > 1):
            one.failed = question.subject
            state, told = failing(state, one.provider.name, trouble, now)
        # What was asked goes behind the others, so that one question without an answer does not hold them up.
        later = resumes_at + one.provider.cadence.open[0][1]
        if one.failed == question.subject:
            one.failed_due_at = later
        tries = one.tries[question.subject] = one.tries.get(question.subject, 0) + 1
        progress = put_off(question.progress, tries, later)
        uploads = [] if question.upload is None else [replace(question.upload, due_at=later)]
        await self._announce(Announcement(state, progress, uploads, owed=self._owed([told])))

    async def _answered(self, one: Watched, state: SourceState, question: Question, answer: Answer) -> None:
        """The provider spoke: what it said is compared with the snapshots and written, with what is owed for it."""
        now = self._clock()
        one.tries.pop(question.subject, None)
        _tell_skipped(one, question, answer)
        one.limit = limit_told(answer.limit, one.limit)
        hold_until = held_until(answer.limit, one.source.reserve, one.limit, now)
        if answer.then is not None:  # half an answer is none yet, and no recovery
            one.then = replace(question, look=answer.then)
            await self._announce(Announcement(replace(state, hold_until=hold_until)))
            return
        state, told = replace(state, failures=0, hold_until=hold_until), None
        if one.failed in {None, question.subject} or question.due_at > one.failed_due_at:
            one.failed = None
            state, told = recovered(state, one.provider.name, now)
        pairs = await self._paired(one, answer.observations, now)
        readings = self._readings(one, question, answer, pairs, now)
        changes = [reading.change for reading in readings if reading.change is not None]
        events = [event_for(change, one.provider.name, now) for change in changes]
        news = any(upload.snapshot is None for upload, _ in pairs)
        active = news or await self._store.has_open(state.name)
        await self._announce(
            Announcement(
                state,
                read_on(question, answer, news=news, active=active, now=now),
                uploads=[reading.upload for reading in readings if reading.followed],
                forgotten=[reading.upload.media_id for reading in readings if not reading.followed],
                owed=self._owed([told, *events]),
            )
        )

    async def _paired(self, one: Watched, seen: Sequence[Observation], now: float) -> list[tuple[Upload, Observation]]:
        """Each upload spoken of, with the newest word on it; one that nobody followed is followed from here on."""
        name = one.source.name
        known = await self._store.known(name, {id_ for each in seen for id_ in (each.id, each.alias) if id_})
        found = [_spoken_of(each, known) for each in seen]
        new = [
            Upload(0, name, each.kind, each.id, now, each.ref)
            for each, upload in zip(seen, found, strict=True)
            if upload is None
        ]
        followed = iter(await self._store.follow(new))
        pairs: dict[int, tuple[Upload, Observation]] = {}
        for upload, each in zip(found, seen, strict=True):
            spoken_of = upload or next(followed)
            _, before = pairs.get(spoken_of.media_id, (None, None))
            if before is None or (each.updated_at or 0.0) >= (before.updated_at or 0.0):
                pairs[spoken_of.media_id] = (spoken_of, each)
        return list(pairs.values())

    def _readings(
        self, one: Watched, question: Question, answer: Answer, pairs: Iterable[tuple[Upload, Observation]], now: float
    ) -> list[Reading]:
        if answer.missing and question.upload is not None:
            return [denied(question.upload, now, one.rules)]
        if question.upload is not None and not answer.observations:
            return [unspoken(question.upload, now, one.rules)]
        progress = question.progress
        silent = progress is not None and progress.baseline_at is None and one.source.baseline is Baseline.SILENT
        return [
            unannounced(upload, seen, now, one.rules)
            if silent and upload.snapshot is None and not upload.registered
            else sighted(upload, seen, question.look.kind, now, one.rules)
            for upload, seen in pairs
        ]

    def _owed(self, events: Iterable[Event | None]) -> list[tuple[Event, list[Endpoint]]]:
        return [(event, list(receivers(event, self._endpoints))) for event in events if event is not None]

    async def _announce(self, news: Announcement) -> None:
        """Write it, then tell the log; never the other way round."""
        await self._store.announce(news)
        for event, endpoints in news.owed:
            fields = {
                "event": event.id,
                "type": event.type,
                "source": event.source,
                "upload": event.upload,
                "sequence": event.sequence,
                "deliveries": len(endpoints),
            }
            trouble = news.source.trouble if event.type == "source.failing" else None
            if trouble is not None:
                fields["reason"] = f"{trouble.code}: {trouble.text}"
            log.log(logging.WARNING if trouble else logging.INFO, "announced", extra={"fields": fields})


def _sound(question: Question, answer: Answer) -> Answer:
    said = answer.missing or answer.then or answer.observations or answer.skipped
    if question.upload is not None and not said:
        raise Malformed(f"asked for {question.look.id}, answered without a word of it")
    return answer


def _tell_skipped(one: Watched, question: Question, answer: Answer) -> None:
    """Name the rows that could not be read: once, for as long as the same ones cannot."""
    before = one.skipped.pop(question.subject, ())
    if answer.skipped:
        one.skipped[question.subject] = answer.skipped
    if answer.skipped and answer.skipped != before:
        fields = {"source": one.source.name, "rows": len(answer.skipped), "reason": "; ".join(answer.skipped[:3])}
        log.warning("skipped", extra={"fields": fields})


def _spoken_of(seen: Observation, known: dict[str, list[Upload]]) -> Upload | None:
    """The upload that an observation speaks of: by its id, or by the other id that it has."""
    uploads = known.get(seen.id, []) + known.get(seen.alias or "", [])
    return next((upload for upload in uploads if upload.kind in {seen.kind, ""}), None)


def _code(error: ProviderError) -> str:
    if isinstance(error, Refused):
        return "refused"
    if isinstance(error, Malformed):
        return "malformed"
    return "limited" if isinstance(error, Unavailable) and error.limited else "unavailable"


def _rest(error: ProviderError, failures: int, draw: float) -> float:
    """Seconds until the source may be asked again: what the provider asks for, else ever longer."""
    if isinstance(error, Unavailable) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_HOLD) + draw
    if isinstance(error, Unavailable) and error.limited:
        return min(60.0 * 2.0 ** min(failures - 1, 4), 900.0)
    return back_off(failures, draw, refused=isinstance(error, Refused))
