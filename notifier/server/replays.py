"""/v1/replay, /v1/replays: what is owed again."""

from http import HTTPStatus

from pydantic import model_validator

from notifier.core.callbacks import number_of
from notifier.core.model import Phase
from notifier.core.moments import moment as instant
from notifier.core.replay import OVER, Selection
from notifier.server import models
from notifier.server.control import Control
from notifier.server.models import Listed, Matching, known, moment
from notifier.server.problems import Problem
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Moment, Nothing, Page, Taken, numbered
from notifier.store import Replay


def routes(control: Control) -> list[Route]:
    """What can be asked of the replays."""
    replays, path = _Replays(control), "/v1/replays"
    asked, some = {200: Matching, 202: models.Replay}, {200: Listed[models.Replay]}
    return [
        api("POST", "/v1/replay", "Owe it again, same id and same bytes", replays.ask, asked, takes=Ask),
        api("GET", path, "Those that go on, and those done lately, the newest first", replays.list, some, takes=Page),
        api("DELETE", f"{path}/{{replay}}", "Owe nothing more by it", replays.cancel, {204: None}, takes=Nothing),
    ]


class Ask(Taken):
    """What is to be owed again."""

    event: str | None = None
    endpoint: str | None = None
    since: Moment | None = None
    """When it was announced, at the earliest."""
    phase: Phase | None = None
    latest: bool = False
    """Instead of these the last event of each upload that the endpoint wants and lacks."""
    dry_run: bool = False

    def selection(self) -> Selection:
        """The same for the daemon; raises `ValueError`."""
        since = None if self.since is None else instant(self.since)
        phases = OVER if self.phase is None else (self.phase,)
        return Selection(self.event, self.endpoint, since, phases, self.latest)

    @model_validator(mode="after")
    def _selects(self) -> "Ask":
        self.selection()
        return self


class _Replays:
    def __init__(self, control: Control) -> None:
        self._control, self._replays, self._clock = control, control.replays, control.clock

    async def ask(self, call: Call[Ask]) -> Answer:
        """It is noted; the steps are done afterwards, at the endpoint's rate."""
        selection = call.given.selection()
        if selection.endpoint is not None:
            await self._control.endpoint(selection.endpoint)
            if selection.latest and number_of(selection.endpoint) is not None:
                words = f"{selection.endpoint!r} is told of what named it, from then on: replay an event of that"
                raise Problem(HTTPStatus.CONFLICT, words)
        if call.given.dry_run:
            return HTTPStatus.OK, Matching(matching=await self._replays.matching(selection, self._clock()))
        return HTTPStatus.ACCEPTED, _told(await self._replays.ask(selection, self._clock()))

    async def list(self, call: Call[Page]) -> Answer:
        """As long as they are kept."""
        page = await self._control.store.replays(call.given.cursor, call.given.limit)
        items = [_told(replay) for replay in page.items]
        return HTTPStatus.OK, Listed[models.Replay](items=items, next=None if page.next is None else str(page.next))

    async def cancel(self, call: Call[Nothing]) -> Answer:
        """What it has owed again stays owed."""
        id_ = numbered(call.path, "replay")
        if not await self._replays.cancel(id_, self._clock()):
            raise Problem(HTTPStatus.CONFLICT, f"replay {id_} is done: what it owed again can only be dropped")
        return HTTPStatus.NO_CONTENT, None


def _told(replay: Replay) -> models.Replay:
    selection = replay.selection
    return models.Replay(
        id=replay.id,
        event=selection.event,
        endpoint=selection.endpoint,
        since=moment(selection.since),
        phases=list(selection.phases),
        latest=selection.latest,
        rate=replay.rate,
        count=replay.count,
        created_at=known(replay.created_at),
        done_at=moment(replay.done_at),
    )
