"""Judges requests as a receiver in Python would.

Reads one a line: the key, webhook-id, webhook-timestamp, webhook-signature and, in base64, the body, with tabs between
them. Prints a line for each.
"""

import hmac
import json
import sys
import time
from base64 import b64decode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # for v1a alone


def judge(key: str, id_: str, timestamp: str, signatures: str, body: bytes) -> str:
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return "not of now"
    kind, encoded = key.split("_")
    known, content = b64decode(encoded), f"{id_}.{timestamp}.".encode() + body
    for element in signatures.split(" "):
        scheme, signature = element.split(",")
        if fits(f"{kind} {scheme}", known, content, b64decode(signature)):
            json.loads(body)
            return "good"
    return "not signed by this key"


def fits(scheme: str, key: bytes, content: bytes, signature: bytes) -> bool:
    if scheme == "whsec v1":
        return hmac.compare_digest(hmac.digest(key, content, "sha256"), signature)
    if scheme == "whpk v1a":
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
        except InvalidSignature:
            return False
        return True
    return False


for line in sys.stdin:
    *heads, encoded_body = line.rstrip("\n").split("\t")
    print(judge(*heads, b64decode(encoded_body)))
