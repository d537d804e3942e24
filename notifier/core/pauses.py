"""Why an endpoint is paused, and what ended that: a word for programs, a sentence for people."""

from enum import StrEnum

from notifier.core.model import Reason


class Pause(StrEnum):
    """Why an endpoint is paused. Only `failing` may end by itself, and `unpermitted` by another config."""

    FAILING = "failing"
    GONE = "gone"
    DISABLED = "disabled"
    PERSON = "person"
    UNPERMITTED = "unpermitted"
    """A callback that was asked for when the config permitted it."""


class Resumption(StrEnum):
    """What ended a pause, or whatever else held an endpoint back."""

    ANSWERED = "answered"
    PERSON = "person"
    URL = "url"
    CONFIG = "config"

    @property
    def is_asked_for(self) -> bool:
        """Whether all that waits is due, be it that the endpoint was well."""
        return self in {Resumption.PERSON, Resumption.URL}


PAUSED = {
    Pause.FAILING: "it has taken nothing for 5 days; it is tried once an hour and goes on when it takes something",
    Pause.GONE: "it answered 410: it does not want webhooks any more; resume it, or change its URL",
    Pause.DISABLED: "it answered with webhook-delivery: disable; resume it, or change its URL",
    Pause.PERSON: "somebody paused it; resume it, or change its URL",
    Pause.UNPERMITTED: "the config permits it no more: see notify_urls and notify_secrets of [server]",
}
RESUMED = {
    Resumption.ANSWERED: "it takes webhooks again",
    Resumption.PERSON: "somebody resumed it",
    Resumption.URL: "its URL was changed",
    Resumption.CONFIG: "the config permits it again",
}
"""Apart from the words of pauses: `person` is the same key in both."""


def reason(why: Pause | Resumption) -> Reason:
    """The same for programs and for people."""
    return Reason(why.value, PAUSED[why] if isinstance(why, Pause) else RESUMED[why])
