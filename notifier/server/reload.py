"""/v1/reload: the config as it is now, put in force whole or not at all."""

from http import HTTPStatus

from notifier.config import ConfigError
from notifier.reloads import TooLong
from notifier.server import models
from notifier.server.control import Control
from notifier.server.problems import ConfigFault, Problem
from notifier.server.routes import Answer, Call, Route, api
from notifier.server.taking import Nothing
from notifier.store import OtherProviderError


def routes(control: Control) -> list[Route]:
    """What can be asked of the config; the second path is where Prometheus has it."""
    words, told = "Put the config as it is now in force", {200: models.Reload}

    async def reload(_: Call[Nothing]) -> Answer:
        try:
            verdict = await control.reloads.reload()
        except ConfigError as error:
            faults = [ConfigFault.model_validate(fault, from_attributes=True) for fault in error.faults]
            words = "the config has faults, and the old one stays in force: mend them, and reload again"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, words, faults) from None
        except OtherProviderError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        except TooLong as error:
            raise Problem(HTTPStatus.GATEWAY_TIMEOUT, str(error)) from None
        return HTTPStatus.OK, models.Reload(
            verdict="applied", changes=list(verdict.changes), warnings=list(verdict.warnings)
        )

    return [api("POST", path, words, reload, told, takes=Nothing) for path in ("/v1/reload", "/-/reload")]
