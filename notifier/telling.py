"""What the log is told of the looks: what was announced because of one, and what could not be read in its answer."""

import logging
from collections.abc import Sequence

from notifier.core.model import Answer, Trouble
from notifier.core.questions import Question
from notifier.store import Announcement
from notifier.watched import Watched

log = logging.getLogger(__name__)

REMEMBERED = 1000
"""Questions of a source in whose answers something could not be read; of uploads each has its own."""


def tell_announced(news: Announcement) -> None:
    """What is owed from now on, one line an event."""
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


def tell_rests(source: str, trouble: Trouble, seconds: float) -> None:
    """The provider wants to be left alone for so long."""
    fields = {"source": source, "reason": trouble.text, "seconds": round(seconds, 1)}
    log.warning("rests", extra={"fields": fields})


def tell_resting(one: Watched, ids: Sequence[str]) -> None:
    """Uploads are followed under ids that none can have at their provider."""
    for id_ in ids:
        fields = {"source": one.source.name, "upload": id_, "reason": f"expected {one.provider.ids}"}
        log.warning("no id of its provider: nothing is asked", extra={"fields": fields})


def tell_skipped(one: Watched, question: Question, answer: Answer) -> None:
    """Name the rows that could not be read: once, for as long as the same ones cannot.

    A question that is asked no more is forgotten when many others have met with such rows since.
    """
    before = one.skipped.pop(question.subject, ())
    if answer.skipped:
        one.skipped[question.subject] = answer.skipped
    if len(one.skipped) > REMEMBERED:
        del one.skipped[next(iter(one.skipped))]
    if answer.skipped and answer.skipped != before:
        fields = {"source": one.source.name, "rows": len(answer.skipped), "reason": "; ".join(answer.skipped[:3])}
        log.warning("skipped", extra={"fields": fields})
