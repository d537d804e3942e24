"""`notifier secret new`: a fresh secret that webhooks are signed with."""

import secrets

import click

from notifier.core.signing import HALF, pair_of, shared_secret


@click.group()
def secret() -> None:
    """Make the secrets that webhooks are signed with.

    \b
    Examples:
      notifier secret new
      notifier secret new --asymmetric
    """  # noqa: D301  # \b is click's: keep these lines


@secret.command()
@click.option("--asymmetric", is_flag=True, help="A pair: whsk_ signs, and stays here; whpk_ is for who verifies.")
def new(*, asymmetric: bool) -> None:
    """Print a fresh secret of 32 random bytes: nothing knows it, and nothing keeps it.

    \b
    Examples:
      notifier secret new >app-webhook
      notifier secret new --asymmetric
    """  # noqa: D301  # as above
    if not asymmetric:
        click.echo(shared_secret(secrets.token_bytes(HALF)))
        click.echo("it goes into the endpoint's `secrets`, and to the receiver, which verifies with it", err=True)
        return
    for half in pair_of(secrets.token_bytes(HALF)):
        click.echo(half)
    click.echo("whsk_ goes into the endpoint's `secrets`; the receiver gets whpk_ alone, and verifies v1a", err=True)
