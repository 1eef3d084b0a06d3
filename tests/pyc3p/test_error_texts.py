"""What a program is told when it makes a user's mistake: each message says what may help."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

import c3p
import focus
import focus.aio
import pyc3p
import rtp.aio
import sip
import sip.aio
from pyc3p.commands.output import Output
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.system import build_system
from pyc3p.settings.identity import IdentitySettings
from pyc3p.settings.serve import ServeConfig
from pyc3p.users import change_users, entries_of
from sip.testing import Network
from tests.live import live

Sound: Final = rtp.aio.AudioSession
Told = tuple[Callable[[], Awaitable[object]], type[Exception], str]


async def expect(told: list[Told]) -> None:
    for doing, kind, says in told:
        with pytest.raises(kind) as caught:
            await doing()
        assert says in str(caught.value)


@asynccontextmanager
async def client(server: pyc3p.RunningServer, name: str = "ann") -> AsyncIterator[focus.aio.ConferencingClient]:
    async with focus.aio.connect(server.address, aor=server.aor(name)) as connected:
        yield connected


@live
async def test_what_is_wrong_in_a_conference_is_said_with_what_may_help() -> None:
    async with pyc3p.server() as server, client(server) as ann:
        conference, nobody = await ann.create(), server.aor("nobody")
        unknown = ann.conference(conference.uri[:-8] + "00000000")

        async def called() -> None:
            await (await conference.dial(nobody)).answered()

        await expect(
            [
                (lambda: conference.dial(nobody), focus.LocalProtocolError, "not in a conference: join first"),
                (lambda: ann.create(admission_policy="open"), focus.LocalProtocolError, "'openAuthenticated'"),
                (unknown.join, focus.aio.JoinError, "is there no such conference, or is its record expired?"),
            ]
        )
        await conference.join()
        await expect(
            [
                (conference.join, focus.LocalProtocolError, "leave first"),
                (lambda: conference.eject(nobody), focus.aio.CommandError, "is not in the conference"),
                (called, focus.aio.CommandError, "480 Temporarily Unavailable; is it the right address"),
                (lambda: conference.set_role(nobody, "boss"), focus.LocalProtocolError, "'presenter'"),
            ]
        )


@live
async def test_what_is_wrong_with_a_call_is_said_with_what_may_help() -> None:
    async with (
        pyc3p.server() as server,
        sip.aio.UserAgent(server.aor("ann"), server=server.address, media=Sound) as ann,
        sip.aio.UserAgent(server.aor("bob"), server=server.address, media=Sound) as bob,
    ):
        await bob.register()
        call = ann.dial(server.aor("bob"))
        await (await anext(bob.incoming())).answer()
        await call.hang_up()
        await expect(
            [
                (call.hold, sip.aio.CallError, "cannot hold, the call is over"),
                (call.resume, sip.aio.CallError, "cannot resume, the call is over"),
                (lambda: call.transfer(bob.uri), sip.aio.CallError, "cannot transfer, the call is over"),
                (lambda: ann.call(server.aor("nobody")), sip.aio.CallError, "is anybody registered there?"),
                (lambda: ann.message(server.aor("nobody"), "x"), sip.aio.MessageError, "is anybody registered"),
            ]
        )


@live
async def test_whoever_is_not_believed_hears_what_is_missing(tmp_path: Path) -> None:
    users = tmp_path / "users"
    change_users(users, remove="ann", realm="127.0.0.1", add=entries_of("ann", "127.0.0.1", "zanzibar"))
    with reserved_ports(4) as (sip_port, http_port, mcu_sip_port, mcu_http_port):
        settings = ServeConfig(
            sip_port=sip_port,
            http_port=http_port,
            mcu_sip_port=mcu_sip_port,
            mcu_http_port=mcu_http_port,
            identity=IdentitySettings(users=str(users)),
        )
    async with pyc3p.server(settings=settings) as server:
        where, aor = server.address, server.aor("ann")

        async def create(password: str | None) -> None:
            async with focus.aio.connect(where, aor=aor, password=password) as ann:
                await ann.create()

        async def call(password: str | None) -> None:
            async with sip.aio.UserAgent(aor, server=where, password=password, media=Sound) as ann:
                await ann.call(server.aor("bob"))

        async def come(passcode: str | None) -> None:
            async with (
                focus.aio.connect(where, aor=aor, password="zanzibar") as ann,
                focus.aio.connect(where, aor=None) as guest,
            ):
                conference = await ann.create(admission_policy="anonymous", passcode="4711")
                await conference.join()
                await guest.conference(conference.uri).join(passcode=passcode)

        await expect(
            [
                (lambda: create(None), focus.aio.CommandError, "give password=..."),
                (lambda: create("wrong"), focus.aio.CommandError, "is the password right?"),
                (lambda: call(None), sip.aio.CallError, "give password=..."),
                (lambda: call("wrong"), sip.aio.CallError, "is the password right?"),
                (lambda: come(None), focus.aio.JoinError, "give passcode=..."),
                (lambda: come("1234"), focus.aio.JoinError, "is the passcode right?"),
            ]
        )


@live
async def test_a_server_that_cannot_be_reached_is_named() -> None:
    async def create(server: str) -> None:
        async with focus.aio.connect(server, aor="sip:ann@127.0.0.1") as ann:
            await ann.create()

    async def register(server: str) -> None:
        async with sip.aio.UserAgent("sip:ann@127.0.0.1", server=server, media=Sound) as ann:
            await ann.register()

    told: list[Told] = []
    for doing in (create, register):
        told += [
            (lambda doing=doing: doing("no-such-host.invalid"), OSError, "no-such-host.invalid"),
            (lambda doing=doing: doing("sip:127.0.0.1;transport=tls"), sip.LocalProtocolError, "tls=sip.aio.Tls"),
            (lambda doing=doing: doing("sips:127.0.0.1"), sip.LocalProtocolError, "tls=sip.aio.TlsContexts"),
            (lambda doing=doing: doing("sip:127.0.0.1;transport=sctp"), sip.LocalProtocolError, "udp, tcp or tls"),
            (lambda doing=doing: doing("http://127.0.0.1"), sip.LocalProtocolError, "server must be an address"),
        ]
    told.append((lambda: create("127.0.0.1:9"), focus.aio.CommandError, "nobody listens there"))
    await expect(told)


def test_what_is_no_sound_no_document_and_no_address_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(ValueError, match="is not a WAV file: it ends before"):
        rtp.aio.read_wav(tmp_path / "empty.wav")
    with pytest.raises(TypeError, match="bytes, not str"):
        c3p.parse_document("<request/>")  # type: ignore[arg-type]
    with pytest.raises(sip.LocalProtocolError, match="media must be a class"):
        sip.aio.UserAgent("sip:ann@127.0.0.1", media=object())  # type: ignore[arg-type]
    with pytest.raises(sip.MalformedHeader, match="no scheme, as in sip:bob"):
        sip.Uri.parse("bob@example.com")


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_text_is_no_data_from_the_network_and_changes_nothing(transport: str) -> None:
    agent = Network(seed=1).agent("server")
    flow = sip.Flow(7, transport, sip.Address("192.0.2.1", 5060), sip.Address("192.0.2.2", 5060))
    before = agent.endpoint.sizes, agent.endpoint.counters, agent.endpoint.now
    with pytest.raises(TypeError, match="bytes, not str"):
        agent.endpoint.receive_data("OPTIONS sip:a@b SIP/2.0\r\n\r\n", flow=flow, now=1.0)  # type: ignore[arg-type]
    assert (agent.endpoint.sizes, agent.endpoint.counters, agent.endpoint.now) == before


@live
async def test_who_talks_to_an_mcu_that_is_gone_hears_that_it_does_not_answer() -> None:
    with reserved_ports(4) as ports:
        names = ("sip_port", "mcu_sip_port", "http_port", "mcu_http_port")
        config = ServeConfig(workers=0, **dict(zip(names, ports, strict=True)))  # type: ignore[arg-type]
    server = build_system(config, None, Output())
    await server.start()
    try:
        async with focus.aio.connect(f"127.0.0.1:{config.sip_port}", aor="sip:ann@127.0.0.1") as ann:
            conference = await ann.create()
            await conference.join()
            await server.nodes[-1].stop()
            with pytest.raises(sip.aio.CallError, match="503 The conferencing server does not answer") as caught:
                await conference.talk(Sound)
            assert caught.value.status == 503
    finally:
        await server.stop()
