"""`notifier watch`: follow uploads by their names."""

from collections.abc import Sequence

import click

from notifier.cli.control import Control, client
from notifier.cli.options import Named
from notifier.cli.tables import as_json, show_json
from notifier.cli.uploads import show_uploads


def _labels(_context: click.Context, _parameter: click.Parameter, given: Sequence[str]) -> dict[str, str] | None:
    """KEY=VALUE, each once; None where there is none."""
    pairs = [one.partition("=") for one in given]
    for text, (key, mark, _) in zip(given, pairs, strict=True):
        if not key or not mark:
            raise click.BadParameter(f"{text!r} is no KEY=VALUE")
    return {key: value for key, _, value in pairs} or None


@click.command()
@click.argument("source", type=Named())
@click.argument("ids", type=Named(), metavar="ID...", nargs=-1, required=True)
@click.option("--kind", help="What it is, where a source has several kinds: video, image.")
@click.option("--label", "labels", metavar="K=V", multiple=True, callback=_labels, help="Goes into every event of it.")
@click.option("--notify-url", metavar="URL", help="Who is told of it besides; held to notify_urls of the config.")
@click.option("--notify-format", metavar="FORMAT", help="encoding_com (the default), standard or cloudevents.")
@as_json
@client
def watch(
    control: Control,
    *,
    source: str,
    ids: tuple[str, ...],
    json_: bool,
    **more: object,
) -> None:
    """Follow uploads, known to the provider or not yet, and look at them next.

    \b
    Examples:
      notifier watch posts 7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6 --label order=A-17
      notifier watch media v_81 --kind video --notify-url https://app.example.com/cb
    """  # noqa: D301  # \b is click's: keep these lines
    items = [control.post("uploads", source=source, id=id_, **more) for id_ in ids]
    page = {"items": items, "next": None}
    if json_:
        show_json(page)
    else:
        show_uploads(page, control.now)
        click.echo(f"watch: notifier events --follow --source {source}", err=True)
