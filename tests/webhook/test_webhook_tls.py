"""Who the other side is. The certificates are a test authority's, valid from 2025 to 2100 but for the expired one."""

import asyncio
import socket
import ssl
import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from receiving import OK, Names, Server, answer, nothing, receiver, serving

from notifier.core.model import Command, Outcome
from notifier.webhook import Limits
from notifier.webhook.connections import tls
from notifier.webhook.trust import EncryptedKey, context

CERTIFICATES = Path(__file__).parent / "certificates"


def identity(name):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    return context


@pytest.fixture
def trust():
    """What the client trusts by itself, and the test authority."""
    context = tls.__wrapped__()
    context.load_verify_locations(CERTIFICATES / "ca.pem")
    return context


async def attempt(server_tls, trust, host="receiver.example", sent=OK):
    names = Names({"receiver.example": ["127.0.0.1"]})
    async with (
        serving(answer(sent), tls=server_tls) as server,
        receiver(f"https://{host}:{server.port}/", names=names, trust=trust, more={"allow_http": False}) as one,
    ):
        found = await one.post("evt_1", b"{}")
        assert len(server.requests) == (found.status is not None)
        return found


@pytest.mark.parametrize("host", ["receiver.example", "127.0.0.1"])
async def test_a_certificate_of_a_known_authority_for_this_host_is_accepted(trust, host):
    assert (await attempt(identity("good"), trust, host)).outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("status", "order", "outcome", "obeyed"),
    [
        ("500 Oops", "abort-message", Outcome.ABORTED, Command.ABORT),
        ("500 Oops", "disable", Outcome.HTTP_5XX, Command.DISABLE),
        ("200 OK", "disable", Outcome.DELIVERED, Command.DISABLE),
        ("200 OK", "abort-message", Outcome.DELIVERED, None),
    ],
)
async def test_a_receiver_that_has_proven_who_it_is_is_obeyed(trust, status, order, outcome, obeyed):
    sent = f"HTTP/1.1 {status}\r\nWebhook-Delivery: {order}\r\nContent-Length: 0\r\n\r\n".encode()
    found = await attempt(identity("good"), trust, sent=sent)
    assert (found.outcome, found.command, found.status) == (outcome, obeyed, int(status[:3]))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("other", "Hostname mismatch, certificate is not valid for 'receiver.example'."),
        ("expired", "certificate has expired"),
        ("self_signed", "self-signed certificate"),
    ],
)
async def test_a_certificate_that_proves_nothing_is_refused_before_anything_is_sent(trust, name, why):
    found = await attempt(identity(name), trust)
    assert found.outcome is Outcome.TLS
    assert found.note == f"receiver.example has a certificate that is not accepted: {why}"


async def test_an_authority_that_the_system_does_not_know_is_none():
    found = await attempt(identity("good"), None)
    assert found.outcome is Outcome.TLS
    assert "unable to get local issuer certificate" in found.note


# --- the endpoint's own files


@pytest.mark.parametrize(
    ("ca_file", "outcome"), [("ca", Outcome.DELIVERED), ("self_signed", Outcome.TLS), (None, Outcome.TLS)]
)
async def test_an_endpoint_believes_the_authorities_of_its_ca_file_and_no_other(ca_file, outcome):
    more = {"ca_file": ca_file and str(CERTIFICATES / f"{ca_file}.pem")}
    async with (
        serving(answer(OK), tls=identity("good")) as server,
        receiver(f"https://127.0.0.1:{server.port}/", more=more) as one,
    ):
        assert (await one.post("evt_1", b"{}")).outcome is outcome


def asking(*, believed):
    """A receiver that wants a certificate of its clients, and believes this one."""
    context = identity("good")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(CERTIFICATES / f"{believed}.pem")
    return context


def split(folder, name):
    """Certificate and key, in a file each."""
    text = (CERTIFICATES / f"{name}.pem").read_text()
    (folder / "cert.pem").write_text(text[text.index("-----BEGIN CERTIFICATE") :])
    (folder / "key.pem").write_text(text[: text.index("-----BEGIN CERTIFICATE")])
    return {"client_cert": str(folder / "cert.pem"), "client_key": str(folder / "key.pem")}


async def as_client(more):
    tls = asking(believed="self_signed")
    more = {"ca_file": str(CERTIFICATES / "ca.pem"), **more}
    async with (
        serving(answer(OK), tls=tls) as server,
        receiver(f"https://127.0.0.1:{server.port}/", more=more) as one,
    ):
        return (await one.post("evt_1", b"{}")).outcome


async def test_we_prove_who_we_are_to_a_receiver_that_asks(tmp_path):
    assert await as_client({"client_cert": str(CERTIFICATES / "self_signed.pem")}) is Outcome.DELIVERED
    assert await as_client(split(tmp_path, "self_signed")) is Outcome.DELIVERED


async def test_a_receiver_that_asks_believes_no_other_certificate_and_none():
    assert await as_client({"client_cert": str(CERTIFICATES / "other.pem")}) is not Outcome.DELIVERED
    assert await as_client({}) is not Outcome.DELIVERED


def test_own_files_leave_everything_else_as_it_is():
    own = context(str(CERTIFICATES / "ca.pem"), str(CERTIFICATES / "good.pem"))
    assert own.verify_mode is ssl.CERT_REQUIRED
    assert own.check_hostname
    assert own.minimum_version is ssl.TLSVersion.TLSv1_2
    assert [one["subject"] for one in own.get_ca_certs()] == [((("commonName", "test authority"),),)]


def test_an_encrypted_key_is_no_question_to_the_terminal(tmp_path):
    key = load_pem_private_key((CERTIFICATES / "good.pem").read_bytes(), None)
    encrypted = tmp_path / "key.pem"
    encrypted.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))
    with pytest.raises(EncryptedKey):
        context(None, str(CERTIFICATES / "good.pem"), str(encrypted))


def old_identity():
    """A receiver that speaks nothing newer than TLS 1.1."""
    old = identity("good")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    return old


def shake_hands(listener, context):
    """Accept one connection; a blocking socket, because asyncio's server says nothing when a handshake fails."""
    connection, _ = listener.accept()
    with connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_side=True)


async def test_tls_before_1_2_is_refused(trust):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        shaking = asyncio.create_task(asyncio.to_thread(shake_hands, listener, old_identity()))
        async with receiver(f"https://127.0.0.1:{listener.getsockname()[1]}/", trust=trust) as one:
            found = await one.post("evt_1", b"{}")
        await shaking
    assert found.outcome is Outcome.TLS
    assert found.note.startswith("127.0.0.1 fails the TLS handshake: ")
    assert "version" in found.note


async def post_to(talk, trust):
    """One attempt at whatever talks so."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with receiver(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", trust=trust) as one:
        found = await one.post("evt_1", b"{}")
    server.close()
    await server.wait_closed()
    return found


async def test_what_does_not_speak_tls_is_told(trust):
    async def talk(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    found = await post_to(talk, trust)
    assert found.outcome is Outcome.TLS
    assert found.note.startswith("127.0.0.1 fails the TLS handshake: ")


async def test_a_handshake_that_is_cut_off_is_told(trust):
    hands = 0

    async def talk(reader, writer):
        nonlocal hands
        hands += 1
        await reader.read(10_000)
        writer.close()

    found = await post_to(talk, trust)
    assert found.outcome is Outcome.CONNECT
    assert found.note == "127.0.0.1 cannot be connected to: ConnectionResetError"
    assert hands == 2  # nothing of the request was sent, so it was tried once more


async def test_a_handshake_that_is_cut_off_once_is_repeated_at_once(trust):
    server = Server(answer(OK))

    async def talk(reader, writer):
        server.connections += 1
        if server.connections == 1:
            await reader.read(10_000)
            return writer.transport.abort()
        await writer.start_tls(identity("good"))
        return await server.serve(reader, writer)

    found = await post_to(talk, trust)
    assert (found.outcome, found.note) == (Outcome.DELIVERED, "")
    assert len(server.requests) == 1


async def test_a_handshake_that_stalls_is_given_up(trust):
    async with (
        serving(nothing) as server,
        receiver(f"https://127.0.0.1:{server.port}/", trust=trust, limits=Limits(tls=0.05)) as one,
    ):
        found = await one.post("evt_1", b"{}")
    assert found.outcome is Outcome.TIMEOUT_CONNECT
    assert found.note == "127.0.0.1 does not end the TLS handshake in time: does it speak TLS at this port?"
    assert list(found.phases) == ["dns", "connect", "tls"]


async def test_the_handshake_has_a_phase_of_its_own(trust):
    found = await attempt(identity("good"), trust)
    assert list(found.phases) == ["dns", "connect", "tls", "first_byte"]
    assert 0 < sum(found.phases.values()) <= found.duration


def test_the_authorities_are_read_once_and_never_without_a_check():
    assert tls() is tls()
    assert tls().verify_mode is ssl.CERT_REQUIRED
    assert tls().check_hostname
    assert tls().minimum_version is ssl.TLSVersion.TLSv1_2
