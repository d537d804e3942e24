"""endpoint × format → keys that are missing, or that belong to another format."""

from notifier.config.faults import Findings, KeyPath
from notifier.config.keys import MISSING
from notifier.config.models import EndpointTable
from notifier.core.encoding_com import ENCODING_COM

KEYS = ("body", "body_format", "output", "announce_ready", "notify_upload")
"""Those of an endpoint that is called as Encoding.com would call it."""


def mimics(endpoint: EndpointTable) -> bool:
    """Whether the endpoint is called as Encoding.com would call it: unsigned, and only at the end."""
    return endpoint.format == ENCODING_COM


def check_format(endpoint: EndpointTable, path: KeyPath, findings: Findings) -> None:
    """Everything about the keys of an endpoint that depends on its format."""
    if findings.at_fault((*path, "format")):
        return
    written = endpoint.model_fields_set
    if mimics(endpoint) and "secrets" in written:
        findings.fault(
            (*path, "secrets"),
            f'format "{ENCODING_COM}" signs nothing: leave this key out; a token may stand in the url, or in headers',
        )
    if mimics(endpoint):
        return
    if "secrets" not in written:
        findings.fault((*path, "secrets"), MISSING)
    for key in KEYS:
        if key in written:
            findings.fault((*path, key), f'not a key of format "{endpoint.format}": expected format = "{ENCODING_COM}"')
