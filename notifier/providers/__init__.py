"""What the APIs say. Each module wraps one kind of API; this list is all that makes it known."""

from notifier.providers import encoding_com, http_json, schedpilot, upload_post, xenonflare
from notifier.providers.base import Provider

PROVIDERS: dict[str, Provider] = {
    one.name: one
    for one in (
        upload_post.PROVIDER,
        xenonflare.PROVIDER,
        schedpilot.PROVIDER,
        encoding_com.PROVIDER,
        http_json.PROVIDER,
    )
}
