"""event × format → bytes: the `standard` format, as Standard Webhooks 1.0.0 shapes a body."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def standard(id_: str, type_: str, at: float, data: dict[str, Any]) -> bytes:
    """Compact UTF-8 JSON: `{"id", "type", "timestamp", "data"}`, in this order."""
    document = {"id": id_, "type": type_, "timestamp": iso(at, always_ms=True), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


@overload
def iso(moment: float, *, always_ms: bool = ...) -> str: ...
@overload
def iso(moment: float | None, *, always_ms: bool = ...) -> str | None: ...
def iso(moment: float | None, *, always_ms: bool = False) -> str | None:
    """RFC 3339 in UTC with `Z`, with milliseconds where there are any or they are asked for."""
    if moment is None:
        return None
    time = EPOCH + timedelta(milliseconds=round(moment * 1000))
    precision = "milliseconds" if always_ms or time.microsecond else "seconds"
    return time.replace(tzinfo=None).isoformat(timespec=precision) + "Z"
