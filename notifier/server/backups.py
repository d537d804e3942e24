"""/v1/backup: a copy of the live database."""

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from notifier.server import models
from notifier.server.control import Control
from notifier.server.problems import Problem
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Taken
from notifier.store.backup import CannotCopyError

LOCAL_ONLY = "files are written for those on this machine alone: ask over the control socket"


def _absolute(path: str) -> str:
    if not Path(path).is_absolute() or "\0" in path:
        raise ValueError("expected the whole path of a file, from / on")
    return path


class Ask(Taken):
    """Where it is to be."""

    path: Annotated[str, AfterValidator(_absolute)]


def routes(control: Control) -> list[Route]:
    """What can be asked of the database."""
    made = {201: models.Backup}
    return [api("POST", "/v1/backup", "Copy the live database to a file", _Backups(control).make, made, takes=Ask)]


class _Backups:
    def __init__(self, control: Control) -> None:
        self._store = control.store
        self._making = asyncio.Lock()

    async def make(self, call: Call[Ask]) -> Answer:
        """One at a time, as the daemon's user, and nothing that is there is replaced."""
        if call.who == "token":
            raise Problem(HTTPStatus.FORBIDDEN, LOCAL_ONLY)
        if self._making.locked():
            raise Problem(HTTPStatus.CONFLICT, "a copy is being made: ask again when it is done")
        async with self._making:
            try:
                size = await self._store.backup(Path(call.given.path))
            except CannotCopyError as error:
                raise Problem(HTTPStatus.CONFLICT, str(error)) from None
        return HTTPStatus.CREATED, models.Backup(path=call.given.path, bytes=size)
