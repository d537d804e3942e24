"""What a look has found: good, doubtful, or a fault, which is in the way; each but the good with its cure."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is. A doubt is in the way of nothing."""

    GOOD = "good"
    DOUBT = "doubt"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line; it tells no secret."""

    grade: Grade
    about: str
    text: str
    cure: str = ""


def good(about: str, text: str) -> Finding:
    """All is well."""
    return Finding(Grade.GOOD, about, text)


def doubt(about: str, text: str, cure: str) -> Finding:
    """It works, but perhaps not as it was meant."""
    return Finding(Grade.DOUBT, about, text, cure)


def fault(about: str, text: str, cure: str) -> Finding:
    """It is in the way of something."""
    return Finding(Grade.FAULT, about, text, cure)
