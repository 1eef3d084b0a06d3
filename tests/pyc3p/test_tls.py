"""SIP over TLS between the commands, on real sockets, and every mistake with certificates in one line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from pathlib import Path

import attrs
import pytest

import sip
from pyc3p.commands.addresses import proxy_at
from pyc3p.commands.invite import Invite
from pyc3p.commands.serve import listening
from pyc3p.elements import parts
from pyc3p.elements.certificates import load_identity
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.node import Node
from pyc3p.elements.server import Server, build_server
from pyc3p.elements.tls import SipTls
from pyc3p.phone import PhoneConfig, PhoneRegistered, PhoneReleased, ToneSource
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.serve import ServeConfig
from pyc3p.settings.tls import CertificateSettings, TlsSettings
from rtp.aio import MediaPortsConfig
from sip.aio import TlsListener, failure_text, live_entropy
from tests.certificates import DAY, NOW, Authority
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, serve_config, until, with_server

HOST = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def secure_config(authority: Authority, *names: str, **more: object) -> ServeConfig:
    made = authority.certify(*(names or (HOST, "conf.example.com")))
    with reserved_ports(2) as (port, mcu_port):
        settings = {"certificate": made.certificate, "key": made.key, "ca": authority.ca, "port": port}
        tls = TlsSettings(**settings, mcu_port=mcu_port, **more)  # type: ignore[arg-type]
    return serve_config(tls=tls)


async def secure_phone(config: ServeConfig, authority: Authority, aor: str) -> Node:
    """A phone that has registered over TLS; it listens for nothing, so calls come down its connection."""
    uri = sip.Uri.parse(aor)
    place = parts.Place(name=str(uri.user), host=HOST, transports=("UDP",))
    contact = sip.Uri(uri.scheme, HOST, uri.user, port=9, params={"transport": "tls"} if uri.scheme == "sip" else {})
    settings = PhoneConfig(
        aor=aor,
        contact=contact,
        registrar=sip.Uri(uri.scheme, HOST),
        outbound_proxy=proxy_at((HOST, config.tls.port), "tls"),
        ring_time=0.1,
    )
    element, phone = parts.phone(place, settings, entropy=live_entropy(), source=ToneSource(440))
    media = MediaPortsConfig(host=HOST, port_range=(43_400, 43_599))
    node = Node(element, media=media, tls=SipTls(TlsSettings(ca=authority.ca)))
    await node.start()
    phone.register(now=node.now)
    node.kick()
    await node.wait_for(lambda: bool(node.of(PhoneRegistered)), 5.0, "the registration")
    return node


@pytest.mark.parametrize("scheme", ["sip", "sips"])
def test_a_phone_and_a_presenter_over_tls_talk(authority: Authority, scheme: str) -> None:
    config, told = secure_config(authority), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await secure_phone(config, authority, f"{scheme}:bob@{HOST}")
        options = attrs.evolve(
            invite_options(config, f"{scheme}:bob@{HOST}"),
            server=(HOST, config.tls.port),
            tls=SipTls(TlsSettings(ca=authority.ca)),
        )
        assert await call_and_end(options, told) == 0
        await phone.wait_for(lambda: bool(phone.of(PhoneReleased)), 5.0, "the end of the call")
        await phone.stop()

    with_server(config, scenario)
    assert f"call bob@{HOST}: done" in told.texts


def test_somebody_who_is_there_without_tls_is_not_reached_by_sips(authority: Authority) -> None:
    config, told = secure_config(authority), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await secure_phone(config, authority, f"sip:bob@{HOST}")
        options = attrs.evolve(
            invite_options(config, f"sips:bob@{HOST}"),
            server=(HOST, config.tls.port),
            tls=SipTls(TlsSettings(ca=authority.ca)),
        )
        assert await call_and_end(options, told) == 1
        await phone.stop()

    with_server(config, scenario)
    assert any("failed: 480" in text for text in told.texts), told.texts


@pytest.mark.parametrize("case", ["wrong authority", "wrong name"])
def test_a_server_that_cannot_prove_its_name_is_said_in_one_line(
    authority: Authority, tmp_path: Path, case: str
) -> None:
    trusted = authority.ca if case == "wrong name" else Authority(tmp_path / "other").ca
    config = secure_config(authority, *(["other.example.com"] if case == "wrong name" else []))
    options = attrs.evolve(
        invite_options(config, f"sip:bob@{HOST}"),
        server=(HOST, config.tls.port),
        tls=SipTls(TlsSettings(ca=trusted)),
    )

    async def scenario(server: Server, output: Kept) -> None:
        with pytest.raises(Problem, match=r"is not trusted, or does not trust us: .*--ca"):
            await Invite(options, Kept()).run()

    with_server(config, scenario)


@pytest.mark.parametrize("port", ["sip_port", "mcu_http_port"])
def test_tls_on_a_port_without_it_is_said_in_one_line(authority: Authority, port: str) -> None:
    config = secure_config(authority)
    where = getattr(config, port)
    options = attrs.evolve(
        invite_options(config, f"sip:bob@{HOST}"), server=(HOST, where), tls=SipTls(TlsSettings(ca=authority.ca))
    )

    async def scenario(server: Server, output: Kept) -> None:
        with pytest.raises(Problem, match=f"does not speak TLS on port {where}; SIP over TLS has a port of its own"):
            await Invite(options, Kept()).run()

    with_server(config, scenario)


def test_the_words_of_a_certificate_that_stands_for_another_are_no_tuple() -> None:
    told = failure_text(ssl.SSLCertVerificationError("the certificate does not stand for x"))
    assert told == "the certificate does not stand for x"


def test_who_has_no_certificate_where_one_is_asked_for_is_turned_away(authority: Authority) -> None:
    config = secure_config(authority, require_client_certificate=True)

    async def scenario(server: Server, output: Kept) -> None:
        with pytest.raises((Problem, OSError)):
            await secure_phone(config, authority, f"sip:bob@{HOST}")
        await until(lambda: any("could not connect to port" in text for text in output.texts))

    output = with_server(config, scenario)
    assert any("peer did not return a certificate" in text for text in output.texts), output.texts


def test_tls_on_a_plain_port_and_none_on_one_with_tls_are_said_once_and_closed(authority: Authority) -> None:
    config = secure_config(authority)

    async def scenario(server: Server, output: Kept) -> None:
        for _ in range(3):
            with pytest.raises(OSError):
                await asyncio.open_connection(HOST, config.sip_port, ssl=ssl.create_default_context())
            reader, writer = await asyncio.open_connection(HOST, config.tls.port)
            writer.write(b"OPTIONS sip:127.0.0.1 SIP/2.0\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):  # closed with what it said unread
                assert await reader.read() == b""
            writer.close()

    output = with_server(config, scenario)
    assert len([text for text in output.texts if "speaks TLS to port" in text]) == 1
    assert len([text for text in output.texts if "does not speak TLS to port" in text]) == 1


def test_a_silent_handshake_does_not_stay(authority: Authority) -> None:
    async def test() -> None:
        tls = SipTls(secure_config(authority).tls)
        server = tls.contexts.server
        assert server is not None
        seen: list[str] = []
        listener = TlsListener(
            asyncio.Protocol, lambda: server, timeout=0.2, on_plain=seen.append, on_failure=lambda *what: None
        )
        await listener.start(HOST, 0)
        reader, writer = await asyncio.open_connection(HOST, listener.port)
        assert await asyncio.wait_for(reader.read(), 5.0) == b""
        writer.close()
        assert seen == []
        await listener.close()

    asyncio.run(test())


async def shown_by(port: int, context: ssl.SSLContext, name: str | None = None) -> str:
    _, writer = await asyncio.open_connection(HOST, port, ssl=context, server_hostname=name or HOST)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return str(certificate["serialNumber"])


def test_the_name_that_is_asked_for_chooses_the_certificate(authority: Authority) -> None:
    other = authority.certify("voice.example.com", "*.rooms.example.com")
    more = (CertificateSettings(certificate=other.certificate, key=other.key),)
    config = secure_config(authority, more=more)

    async def scenario(server: Server, output: Kept) -> None:
        context = ssl.create_default_context(cafile=authority.ca)
        first = await shown_by(config.tls.port, context)
        assert await shown_by(config.tls.port, context, "conf.example.com") == first
        second = await shown_by(config.tls.port, context, "voice.example.com")
        assert second != first
        assert await shown_by(config.tls.port, context, "a.rooms.example.com") == second

    with_server(config, scenario)


def test_nothing_below_tls_1_2_is_spoken(authority: Authority) -> None:
    contexts = SipTls(secure_config(authority).tls).contexts
    for context in (contexts.server, contexts.client):
        assert context is not None
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_certificates_are_read_again_and_calls_go_on(authority: Authority) -> None:
    config, told = secure_config(authority), Kept()
    new = authority.certify(HOST)

    async def scenario(server: Server, output: Kept) -> None:
        phone = await secure_phone(config, authority, f"sip:bob@{HOST}")
        context = ssl.create_default_context(cafile=authority.ca)
        before = await shown_by(config.tls.port, context)
        Path(config.tls.certificate).write_bytes(b"nothing")
        with pytest.raises(UsageProblem, match="has no certificate"):
            server.reload()
        assert await shown_by(config.tls.port, context) == before
        for old, fresh in ((config.tls.certificate, new.certificate), (config.tls.key, new.key)):
            Path(old).write_bytes(Path(fresh).read_bytes())
        assert server.reload()
        assert await shown_by(config.tls.port, context) != before
        assert await call_and_end(invite_options(config, f"sip:bob@{HOST}"), told) == 0  # down the old connection
        await phone.stop()

    with_server(config, scenario)


# Mistakes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mistake", "complaint"),
    [
        ("missing", "cannot be read: No such file"),
        ("unreadable", "cannot be read"),
        ("garbage", "has no certificate in PEM"),
        ("no key", "has no private key in PEM"),
        ("foreign key", "does not belong to the certificate"),
        ("encrypted", "is encrypted, and nobody is there to type its password; .*openssl pkey"),
        ("expired", "has expired on"),
        ("from tomorrow", "is valid from"),
        ("ca garbage", "has no certificate in PEM"),
    ],
)
def test_a_mistake_with_a_certificate_is_one_line_that_says_what_to_do(
    authority: Authority, tmp_path: Path, mistake: str, complaint: str
) -> None:
    made = authority.certify(HOST)
    certificate, key, ca = made.certificate, made.key, authority.ca
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("nothing")
    match mistake:
        case "missing":
            certificate = str(tmp_path / "none.pem")
        case "unreadable":
            if os.getuid() == 0:
                certificate = str(tmp_path)  # root reads everything; a folder is no file for anybody
            else:
                Path(certificate).chmod(0)
        case "garbage":
            certificate = str(garbage)
        case "no key":
            key = ""
        case "foreign key":
            key = authority.certify(HOST).key
        case "encrypted":
            key = authority.certify(HOST, password="geheim").key
        case "expired":
            expired = authority.certify(HOST, begin=NOW - 9 * DAY, end=NOW - DAY)
            certificate, key = expired.certificate, expired.key
        case "from tomorrow":
            early = authority.certify(HOST, begin=NOW + DAY, end=NOW + 2 * DAY)
            certificate, key = early.certificate, early.key
        case "ca garbage":
            ca = str(garbage)
    settings = TlsSettings(certificate=certificate, key=key, ca=ca)
    with pytest.raises(UsageProblem, match=complaint) as raised:
        build_server(serve_config(tls=settings), None, Kept())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"key": "k.pem"}, "has a key and no certificate"),
        ({"more": (CertificateSettings(certificate="c.pem"),)}, "name that one as tls.certificate"),
        ({"require_client_certificate": True}, "needs ca"),
        ({"port": 0}, "tls.port must be a port number"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        TlsSettings(**settings)  # type: ignore[arg-type]


def test_a_port_for_tls_that_is_in_use_is_named_with_its_setting(authority: Authority) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        config = secure_config(authority)
        config = attrs.evolve(config, tls=attrs.evolve(config.tls, port=taken.getsockname()[1]))

        async def start() -> None:
            server = build_server(config, None, Kept())
            with pytest.raises(Problem, match=f"port {config.tls.port} .* in use.*tls.port"):
                await server.start()
            await server.stop()

        asyncio.run(start())


def test_the_ports_for_tls_are_told(authority: Authority) -> None:
    config = secure_config(authority)
    assert f"port {config.tls.port} (TLS)" in dict(listening(config))["registrar"]
    assert "TLS" not in dict(listening(serve_config()))["registrar"]


def test_names_of_a_certificate_are_those_of_its_alternative_names(authority: Authority) -> None:
    made = authority.certify("Conf.example.com", HOST)
    assert load_identity(made.certificate, made.key).names == ("conf.example.com", HOST)
