"""Servers, clients and phones on real sockets of the loopback interface."""

import asyncio
import contextlib
import itertools
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import attrs
import pytest

import c3p
import focus
import pyc3p
import sip
from pyc3p.commands.capturing import capturing
from pyc3p.commands.invite import Invite, InviteOptions
from pyc3p.commands.output import Output
from pyc3p.commands.phone import PhoneOptions, audio_source
from pyc3p.commands.serve import listening, what_next
from pyc3p.commands.trace import read_ladder
from pyc3p.elements import parts
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.node import Node
from pyc3p.elements.server import Server, build_server
from pyc3p.phone import CallEnd, PhoneConfig, PhoneRegistered, PhoneReleased, Reaction, ToneSource
from pyc3p.phone.tone import SilenceSource
from pyc3p.phone.wav import read_wav
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.identity import IdentitySettings
from pyc3p.settings.serve import PARTS, ServeConfig
from pyc3p.trace.capture import read_records
from pyc3p.trace.ladder import Step
from rtp.aio import MediaPortsConfig
from sip.aio import live_entropy

Lines = list[tuple[str, dict[str, object]]]


class Kept(Output):
    """Keeps what is told."""

    def __init__(self) -> None:
        super().__init__(as_json=True)
        self.lines: Lines = []

    def tell(self, text: str, style: str = "", **fields: object) -> None:
        self.lines.append((text, fields))

    @property
    def texts(self) -> list[str]:
        return [text.strip() for text, _ in self.lines]


def serve_config(**more: object) -> ServeConfig:
    with reserved_ports(4) as ports:
        names = ("sip_port", "mcu_sip_port", "http_port", "mcu_http_port")
        fields = (
            dict(zip(names, ports, strict=True))
            | {"media_ports": "28000-28199", "drain_timeout": 0.2, "workers": 0}
            | more
        )
    return ServeConfig(**fields)  # type: ignore[arg-type]


async def phone_at(
    config: ServeConfig, user: str, host: str = "127.0.0.1", domain: str | None = None, **more: object
) -> Node:
    """A phone that has registered at the server."""
    with reserved_ports(1, host) as ports:
        place = parts.Place(name=user, host=host, sip_port=ports[0])
    settings = PhoneConfig(
        aor=str(sip.Uri("sip", domain or host, user)),
        contact=place.sip_uri(user),
        registrar=sip.Uri("sip", domain or host),
        outbound_proxy=sip.Uri("sip", host, port=config.sip_port),
        ring_time=0.1,
        **more,  # type: ignore[arg-type]
    )
    element, phone = parts.phone(place, settings, entropy=live_entropy(), source=ToneSource(440))
    node = Node(element, media=MediaPortsConfig(host=host, port_range=(43_400, 43_599)))
    await node.start()
    phone.register(now=node.now)
    node.kick()
    await node.wait_for(lambda: bool(node.of(PhoneRegistered)), 5.0, "the registration")
    return node


async def until(predicate: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(15.0):
        while not predicate():
            await asyncio.sleep(0.02)


def with_server(config: ServeConfig, scenario: Callable[[Server, Kept], Awaitable[None]]) -> Kept:
    """Run something against a server, in one event loop."""
    output = Kept()

    async def everything() -> None:
        server = build_server(config, None, output)
        await server.start()
        try:
            await scenario(server, output)
        finally:
            await server.stop()

    asyncio.run(everything())
    return output


async def call_and_end(options: InviteOptions, told: Kept, *, talk: float = 0.0) -> int:
    """Call everybody, and end the conference ``talk`` seconds after it is known who comes; the exit code."""
    invite = Invite(options, told)
    running = asyncio.ensure_future(invite.run())
    wanted = len(options.targets)
    await until(lambda: running.done() or len(invite.reached) + len(invite.failed) == wanted)
    await asyncio.sleep(talk)
    invite.obey("end")
    return await running


def invite_options(config: ServeConfig, *targets: str, **more: object) -> InviteOptions:
    return InviteOptions(
        targets=targets,
        server=("127.0.0.1", config.sip_port),
        aor="sip:presenter@127.0.0.1",
        **more,  # type: ignore[arg-type]
    )


def test_a_registered_phone_is_called_into_a_conference_and_looked_after() -> None:
    config, told = serve_config(), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob")
        invite = Invite(invite_options(config, "sip:bob@127.0.0.1"), told)
        running = asyncio.ensure_future(invite.run())
        await invite.node.wait_for(lambda: bool(invite.reached), 10.0, "the call")
        for line in ("roster", "m bob", "x bob", "lock", "u", "dance", "mute eve", "help"):
            invite.obey(line)
            await asyncio.sleep(0.15)
        invite.obey("eject bob")
        await phone.wait_for(lambda: bool(phone.of(PhoneReleased)), 5.0, "the ejection")
        await asyncio.sleep(0.2)
        invite.obey("end")
        assert await running == 0
        await phone.stop()

    output = with_server(config, scenario)
    for line in ("call bob@127.0.0.1: done", "mute bob@127.0.0.1: done", "lock: done", "eject bob@127.0.0.1: done"):
        assert line in told.texts
    for line in ("bob@127.0.0.1: audio-video connected muted", "bob@127.0.0.1: audio-video gone"):
        assert line in told.texts
    assert any(text.startswith("there is no command 'dance'") for text in told.texts)
    assert any("nobody is called 'eve'" in text for text in told.texts)
    assert any("bob@127.0.0.1 connected (PCMU)" in text for text in output.texts)


def test_a_conference_to_which_nobody_comes_fails() -> None:
    config, told = serve_config(), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob", reaction=Reaction.BUSY)
        invite = Invite(invite_options(config, "sip:bob@127.0.0.1"), told)
        assert await invite.run() == 1
        await phone.stop()

    with_server(config, scenario)
    assert "call bob@127.0.0.1: failed: 486 Busy Here" in told.texts


def test_what_may_help_is_said_where_nobody_is_registered_and_where_there_is_no_conference() -> None:
    config, told, lost = serve_config(), Kept(), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        assert await Invite(invite_options(config, "sip:nobody@127.0.0.1"), told).run() == 1
        gone = c3p.focus_uri("sip:ann@127.0.0.1", "GONE")
        with pytest.raises(Problem, match=r"404 .*; it is over, or another server has it, which --server names"):
            await Invite(attrs.evolve(invite_options(config), conference=gone, targets=()), lost).run()

    with_server(config, scenario)
    assert (
        "call nobody@127.0.0.1: failed: 480 Temporarily Unavailable; "
        "is it the right address, and is anybody registered there?"
    ) in told.texts


def test_somebody_else_can_join_and_leave() -> None:
    config, told = serve_config(), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob")
        first = Invite(invite_options(config, "sip:bob@127.0.0.1"), Kept())
        running = asyncio.ensure_future(first.run())
        await first.node.wait_for(lambda: bool(first.reached), 10.0, "the call")
        assert first.client.conference_uri is not None
        options = attrs.evolve(
            invite_options(config, conference=first.client.conference_uri, stay=0.5), aor="sip:wes@127.0.0.1"
        )
        assert await Invite(options, told).run() == 0
        first.stop()
        assert await running == 0
        await phone.stop()

    with_server(config, scenario)
    assert "joined as attendee" in told.texts
    assert any("bob@127.0.0.1: audio-video connected" in text for text in told.texts)


def test_an_unknown_conference_and_a_server_that_is_not_there_are_problems() -> None:
    config = serve_config()
    stranger = "sip:ann@127.0.0.1;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"

    async def scenario(server: Server, output: Kept) -> None:
        with pytest.raises(Problem, match="cannot join focus:01234567: 404"):
            await Invite(invite_options(config, conference=stranger), Kept()).run()

    with_server(config, scenario)
    with pytest.raises(Problem, match=r"is `pyc3p serve` running there, at that port\? The usual one is 5060"):
        asyncio.run(run_alone(config))


def test_a_server_that_dies_is_said_and_a_failure() -> None:
    config, told = serve_config(), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob")
        invite = Invite(invite_options(config, "sip:bob@127.0.0.1", rejoin_for=1.0), told)
        running = asyncio.ensure_future(invite.run())
        await invite.node.wait_for(lambda: bool(invite.reached), 10.0, "the call")
        await server.stop()  # no BYE, no notification: as if it was killed
        with pytest.raises(Problem, match=f"127.0.0.1:{config.sip_port} is gone"):
            await running
        await phone.stop()

    with_server(config, scenario)


def test_who_is_put_out_has_failed() -> None:
    config, told = serve_config(), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        host = await phone_at(config, "bob")
        first = Invite(invite_options(config, "sip:bob@127.0.0.1"), Kept())
        running = asyncio.ensure_future(first.run())
        await first.node.wait_for(lambda: bool(first.reached), 10.0, "the call")
        (created,) = first.node.of(focus.ConferenceCreated)
        options = attrs.evolve(invite_options(config), aor="sip:ann@127.0.0.1", conference=created.conference_uri)
        second = Invite(options, told)
        staying = asyncio.ensure_future(second.run())
        await first.node.wait_for(lambda: "ann@127.0.0.1" in str(first.client.roster), 5.0, "ann")
        first.obey("eject ann")
        with pytest.raises(Problem, match="put us out"):
            await staying
        first.obey("end")
        assert await running == 0
        await host.stop()

    with_server(config, scenario)


def test_a_presenter_who_stops_before_there_is_a_conference_is_interrupted() -> None:
    async def alone() -> None:
        silent = socket.socket()  # takes connections and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = attrs.evolve(serve_config(), sip_port=silent.getsockname()[1])
        invite = Invite(invite_options(config, "sip:bob@127.0.0.1"), Kept())
        running = asyncio.ensure_future(invite.run())
        await asyncio.sleep(0.1)
        invite.stop()
        assert await running == 130
        silent.close()

    asyncio.run(alone())


async def run_alone(config: ServeConfig) -> None:
    await Invite(invite_options(config, "sip:bob@127.0.0.1"), Kept()).run()


def ipv6_loopback() -> str:
    """``::1``, or the IPv4 loopback on a system without IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return "127.0.0.1"
    return "::1"


def test_it_all_works_over_ipv6() -> None:
    host = ipv6_loopback()
    config, told = serve_config(host=host), Kept()
    bob, ann = str(sip.Uri("sip", host, "bob")), str(sip.Uri("sip", host, "ann"))

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob", host)
        options = attrs.evolve(invite_options(config, bob), server=(host, config.sip_port), aor=ann)
        assert await call_and_end(options, told) == 0
        await phone.stop()

    with_server(config, scenario)
    assert f"call {bob.removeprefix('sip:')}: done" in told.texts


def test_phones_may_register_at_the_address_as_well_as_the_domain() -> None:
    config, told = serve_config(domain="example.com"), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob")
        options = attrs.evolve(invite_options(config, "sip:bob@example.com"), aor="sip:ann@example.com")
        assert await call_and_end(options, told) == 0
        await phone.stop()

    with_server(config, scenario)
    assert "call bob@example.com: done" in told.texts


#: For a server that listens on all addresses of this machine, and would otherwise not start.
OPEN = IdentitySettings(insecure=True)


@pytest.mark.parametrize(
    ("settings", "registered", "called", "presenter"),
    [
        ({}, "localhost", "localhost", "localhost"),
        ({}, "127.0.0.1", "localhost", "127.0.0.1"),
        ({}, "localhost", "127.0.0.1", "localhost"),
        ({"host": "localhost"}, "127.0.0.1", "127.0.0.1", "localhost"),
        ({"host": "0.0.0.0", "advertise": "127.0.0.1", "identity": OPEN}, "localhost", "127.0.0.1", "localhost"),
        ({"domain": "example.com"}, "localhost", "example.com", "localhost"),
    ],
)
def test_a_server_on_loopback_is_localhost_too(
    settings: dict[str, object], registered: str, called: str, presenter: str
) -> None:
    config, told = serve_config(**settings).settled(), Kept()
    bob = f"sip:bob@{called}"

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob", domain=registered)
        options = attrs.evolve(
            invite_options(config, bob), server=("localhost", config.sip_port), aor=f"sip:ann@{presenter}"
        )
        assert await call_and_end(options, told) == 0
        await phone.stop()

    with_server(config, scenario)
    assert f"call bob@{called}: done" in told.texts


def test_localhost_is_where_a_server_listens() -> None:
    host = ipv6_loopback()
    config, told = serve_config(host=host), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob", host)
        options = attrs.evolve(
            invite_options(config, "sip:bob@localhost"),
            server=("localhost", config.sip_port),
            aor="sip:ann@localhost",
        )
        assert await call_and_end(options, told) == 0
        await phone.stop()

    with_server(config, scenario)
    assert "call bob@localhost: done" in told.texts


def test_draining_ends_conferences_that_do_not_end() -> None:
    config = serve_config()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob")
        invite = Invite(invite_options(config, "sip:bob@127.0.0.1"), Kept())
        running = asyncio.ensure_future(invite.run())
        await invite.node.wait_for(lambda: bool(invite.reached), 10.0, "the call")
        assert server.busy
        await server.drain()
        assert not server.busy
        await phone.wait_for(lambda: bool(phone.of(PhoneReleased)), 5.0, "the end")
        assert await running == 0
        await phone.stop()

    with_server(config, scenario)


def test_conference_records_are_forgotten_when_their_time_has_come() -> None:
    config = serve_config()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob")
        assert await call_and_end(invite_options(config, "sip:bob@127.0.0.1"), Kept()) == 0
        await phone.stop()
        factory = server.cores.focus_factory
        assert factory is not None
        due = factory.next_timeout()
        assert due is not None
        assert (
            abs(due - asyncio.get_running_loop().time() - focus.ClientConfig(aor="sip:a@example.com").record_lifetime)
            < 60.0
        )

    with_server(config, scenario)


def test_parts_in_two_processes_work_together() -> None:
    common = {"secret": "shared by both", "mcus": ("far-mcu",)}
    front = serve_config(parts=("registrar", "proxy", "focus-factory", "focus", "mcu-factory"), **common)
    factory_url = f"http://127.0.0.1:{front.http_port}{parts.MCU_FACTORY_PATH}"
    back = serve_config(
        parts=("mcu",),
        mcu_id="far-mcu",
        mcu_factory_url=factory_url,
        outbound_proxy=f"sip:127.0.0.1:{front.sip_port}",
        **common,
    )
    told = Kept()

    async def scenario(server: Server, output: Kept) -> None:
        far = build_server(back, None, output)
        await far.start()
        phone = await phone_at(front, "bob")
        assert await call_and_end(invite_options(front, "sip:bob@127.0.0.1"), told) == 0
        await phone.stop()
        await far.stop()

    output = with_server(front, scenario)
    assert "MCU far-mcu announced itself" in output.texts
    assert "call bob@127.0.0.1: done" in told.texts


@pytest.mark.parametrize("together", [True, False])
def test_numbers_are_told_only_where_they_lead_to_a_conference(together: bool) -> None:
    chosen = ("focus-factory", "focus") if together else ("focus-factory",)
    config = serve_config(parts=chosen, secret="s", mcu_factory_url="http://127.0.0.1:9/LiveServer/MCUFactory")
    server = build_server(config, None, Kept())
    factory = server.cores.focus_factory
    assert factory is not None
    assert (factory.config.numbers is not None) is together


def test_further_mcus_are_named_and_taken() -> None:
    front = serve_config(secret="shared", mcus=("mcu-2", "mcu-3"))
    factory_url = f"http://127.0.0.1:{front.http_port}{parts.MCU_FACTORY_PATH}"

    async def scenario(server: Server, output: Kept) -> None:
        others = [
            build_server(
                serve_config(parts=("mcu",), mcu_id=name, mcu_factory_url=factory_url, secret="shared"), None, Kept()
            )
            for name in front.mcu_hosts
        ]
        for other in others:
            await other.start()
        await until(lambda: sum("announced itself" in text for text in output.texts) == 6)  # each with its chat
        for other in others:
            await other.stop()

    with_server(front, scenario)


@pytest.mark.parametrize(
    ("mcu_id", "here", "there"),
    [
        ("mcu-2", "has no known secret for /LiveServer/MCUFactory", "does not know this MCU (401)"),
        ("mcu-1", "MCU mcu-1 refused: another MCU has that id", "does not take this MCU (403)"),
    ],
)
def test_a_second_mcu_that_is_not_taken_is_told_once_on_both_sides(mcu_id: str, here: str, there: str) -> None:
    front = serve_config(secret="shared", parts=("focus-factory", "focus", "mcu-factory"))
    factory_url = f"http://127.0.0.1:{front.http_port}{parts.MCU_FACTORY_PATH}"
    told = Kept()

    def mcu_called(name: str, output: Kept) -> Server:
        config = serve_config(
            parts=("mcu",), mcu_id=name, mcu_factory_url=factory_url, secret="shared", chat=False
        )  # an MCU of its own, which is told of as well
        return build_server(config, None, output)

    async def scenario(server: Server, output: Kept) -> None:
        first = mcu_called("mcu-1", Kept())
        await first.start()
        await until(lambda: "MCU mcu-1 announced itself" in output.texts)
        far = mcu_called(mcu_id, told)
        assert far.mcu is not None
        await far.start()
        await until(lambda: any(there in text for text in told.texts))
        # Once more, as after ten seconds.
        for _ in range(3):
            far.mcu.drain(now=asyncio.get_running_loop().time())
            far.kick()
            await asyncio.sleep(0.5)
        await far.stop()
        await first.stop()

    output = with_server(front, scenario)
    for texts, line in ((output.texts, here), (told.texts, there)):
        (shown,) = [text for text in texts if line in text]
        assert "--mcu" in shown


def test_an_mcu_cannot_be_the_one_inside_the_server() -> None:
    front = serve_config(secret="shared")
    factory_url = f"http://127.0.0.1:{front.http_port}{parts.MCU_FACTORY_PATH}"
    told = Kept()

    async def scenario(server: Server, output: Kept) -> None:
        far = build_server(serve_config(parts=("mcu",), mcu_factory_url=factory_url, secret="shared"), None, told)
        await far.start()
        await until(lambda: any("does not know this MCU (401)" in text for text in told.texts))
        await far.stop()

    with_server(front, scenario)


def test_a_factory_that_is_not_there_is_told() -> None:
    with reserved_ports(1) as (port,):
        nowhere = f"http://127.0.0.1:{port}{parts.MCU_FACTORY_PATH}"
        config = serve_config(parts=("mcu",), mcu_factory_url=nowhere, secret="shared")

        async def scenario(server: Server, output: Kept) -> None:
            await until(lambda: any(f"the MCU Factory at {nowhere} does not answer" in t for t in output.texts))

        with_server(config, scenario)


def test_an_mcu_that_is_taken_after_all_says_so_once() -> None:
    with reserved_ports(1) as (port,):
        pass
    far = serve_config(
        parts=("mcu",), mcu_factory_url=f"http://127.0.0.1:{port}{parts.MCU_FACTORY_PATH}", secret="shared"
    )
    front = serve_config(secret="shared", parts=("mcu-factory",), http_port=port, mcus=(far.mcu_id,))

    async def scenario(server: Server, output: Kept) -> None:
        assert server.mcu is not None
        await until(lambda: any("does not answer" in text for text in output.texts))
        factory = build_server(front, None, Kept())
        await factory.start()
        for _ in range(3):  # as after ten seconds
            server.mcu.drain(now=asyncio.get_running_loop().time())
            server.mcu._registration.changed(now=asyncio.get_running_loop().time())
            server.kick()
            await asyncio.sleep(1.2)
        await factory.stop()

    output = with_server(far, scenario)
    assert len([text for text in output.texts if "takes this MCU now" in text]) == 1


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"parts": ("focus",)}, "set PYC3P_SECRET"),
        ({"parts": ("focus", "focus-factory"), "secret": "s"}, "--mcu-factory-url"),
        ({"parts": ("mcu",), "secret": "s"}, "--mcu-factory-url"),
        ({"parts": ("focus",), "secret": "s", "mcu_factory_url": "http://192.0.2.1/"}, "--records-url"),
        ({"outbound_proxy": "http: //"}, "no SIP address"),
        ({"mcus": ("mcu-2",)}, "set PYC3P_SECRET"),
    ],
)
def test_what_a_part_lacks_is_named(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        build_server(serve_config(**settings), None, Kept())


def test_a_port_in_use_is_named_with_the_option() -> None:
    config = serve_config()

    async def scenario(server: Server, output: Kept) -> None:
        for option in ("http_port", "sip_port", "mcu_http_port", "mcu_sip_port"):
            other = attrs.evolve(serve_config(), **{option: getattr(config, option)})
            second = build_server(other, None, output)
            name = option.replace("_", "-")
            with pytest.raises(Problem, match=f"port {getattr(config, option)} on 127.0.0.1 is in use.*--{name}"):
                await second.start()
            await second.stop()

    with_server(config, scenario)


def test_each_part_says_where_it_listens() -> None:
    config = ServeConfig(host="0.0.0.0", advertise="192.0.2.1")
    where = dict(listening(config))
    assert where["proxy"] == "sip:192.0.2.1:5060 (UDP, TCP)"
    assert where["mcu-factory"] == "http://192.0.2.1:8444/LiveServer/MCUFactory"
    assert "RTP 30000-31999" in where["mcu"]
    assert dict(listening(ServeConfig(host="::1", parts=("proxy",))))["proxy"] == "sip:[::1]:5060 (UDP, TCP)"


@pytest.mark.parametrize("count", range(1, len(PARTS) + 1))
def test_only_what_is_served_is_told(count: int) -> None:
    for chosen in itertools.combinations(PARTS, count):
        config = ServeConfig(parts=chosen, host="192.0.2.1")
        where = dict(listening(config))
        assert tuple(where) == chosen
        speaks_sip = {part for part, at in where.items() if "sip:" in at}
        assert speaks_sip == set(chosen) - {"mcu-factory"}
        assert {part for part, at in where.items() if "http:" in at} == set(chosen) - {"registrar", "proxy"}
        told = what_next(config)
        assert ("Phones register at sip:192.0.2.1:5060" in told) == ("registrar" in chosen)
        assert "5060" not in told or speaks_sip - {"mcu"}
        assert ("invite" in told) <= ({"focus", "focus-factory"} <= set(chosen))


def test_phones_of_a_domain_are_told_where_its_registrar_is() -> None:
    config = ServeConfig(host="192.0.2.1", domain="example.com", sip_port=5070)
    assert what_next(config).startswith("Phones register at sip:192.0.2.1:5070 as sip:user@example.com;")
    assert what_next(ServeConfig(parts=("mcu",))) == "Ready; stop with Ctrl-C"
    trusting = IdentitySettings(trust=("192.0.2.0/24",))
    assert what_next(ServeConfig(identity=trusting)).startswith(
        "Phones in 192.0.2.0/24 register at sip:127.0.0.1:5060;"
    )
    focus_alone = ServeConfig(parts=("focus", "focus-factory"), identity=trusting)
    assert what_next(focus_alone).startswith("Presenters in 192.0.2.0/24 use `pyc3p invite --server ")
    with_users = attrs.evolve(trusting, users="users")
    assert what_next(ServeConfig(identity=with_users)).startswith("Phones register at ")


def arguments_of(config: ServeConfig) -> list[str]:
    names = ("sip_port", "mcu_sip_port", "http_port", "mcu_http_port", "media_ports", "drain_timeout")
    return [f"--{name.replace('_', '-')}={getattr(config, name)}" for name in names]


@contextlib.contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command of the script in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pyc3p", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"{word} was not printed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    capture = tmp_path / "serve.pcapng"
    with command("serve", "--json", "--capture", str(capture), *arguments_of(serve_config())) as server:
        read_until(server, "announced")
        server.send_signal(number)
        rest, _ = server.communicate(timeout=20)
        assert server.returncode == 0
    assert json.loads(rest.splitlines()[0])["text"] == "draining"
    ladder = read_ladder(capture)
    assert set(ladder.columns) == {"focus", "mcu-1"}
    assert "registerMcu mcu-1 #1" in [item.detail for item in ladder.items if isinstance(item, Step)]


def test_a_server_that_is_killed_leaves_the_names_of_its_capture(tmp_path: Path) -> None:
    capture = tmp_path / "serve.pcapng"
    with command("serve", "--json", "--capture", str(capture), *arguments_of(serve_config())) as server:
        read_until(server, "announced")
        server.kill()
        server.communicate(timeout=20)
    names = pyc3p.Names()
    read_records(capture, names)
    assert set(names.elements) >= {"focus", "mcu-1"}


def test_server_phone_and_presenter_as_three_processes(tmp_path: Path) -> None:
    config = serve_config()
    bob = f"sip:bob@127.0.0.1:{config.sip_port}"
    heard = tmp_path / "heard.wav"
    options = ("--tone", "440", "--record", str(heard), "--ring-time", "0.1")
    with command("serve", "--json", *arguments_of(config)) as server:
        read_until(server, "announced")
        with command("phone", "--json", "--as", bob, *options) as phone:
            read_until(phone, "PhoneRegistered")
            with command("invite", "--json", "--for", "1.5", bob) as presenter:
                out, _ = presenter.communicate(timeout=40)
                assert presenter.returncode == 0
            phone.send_signal(signal.SIGTERM)
            phone.communicate(timeout=20)
            assert phone.returncode == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert {"call bob@127.0.0.1: done"} <= {line["text"] for line in lines}
    assert [line["roster"].rpartition(" ")[2] for line in lines if line.get("roster", "").startswith("bob")][:3] == [
        "dialing-out",
        "alerting",
        "connected",
    ]
    assert len(read_wav(heard)) > 8000


@pytest.mark.parametrize("signals", [1, 2])
def test_a_presenter_is_stopped_by_ctrl_c(signals: int) -> None:
    """Against a server that takes connections and says nothing: once before, and once more while it waits."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with command("invite", f"sip:bob@127.0.0.1:{port}") as presenter:
            read_until(presenter, "Ctrl-C")
            for _ in range(signals):
                presenter.send_signal(signal.SIGINT)
            presenter.communicate(timeout=30)
            assert presenter.returncode == 130


def test_a_phone_that_cannot_register_says_so() -> None:
    with reserved_ports(1) as ports, command("phone", "--as", f"sip:bob@127.0.0.1:{ports[0]}") as phone:
        phone.communicate(timeout=40)
        assert phone.returncode == 1


def test_what_a_phone_plays_comes_from_its_options(tmp_path: Path) -> None:
    def options(**more: object) -> PhoneOptions:
        return PhoneOptions(aor=sip.Uri.parse("sip:bob@127.0.0.1"), server=("127.0.0.1", 5060), **more)  # type: ignore[arg-type]

    assert isinstance(audio_source(options()), SilenceSource)
    assert isinstance(audio_source(options(tone=440.0)), ToneSource)
    with pytest.raises(UsageProblem, match="between 0 and 4000"):
        audio_source(options(tone=9000.0))
    with pytest.raises(UsageProblem, match="cannot be read"):
        audio_source(options(play=tmp_path / "none.wav"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_stops_the_capture_is_said_once_and_nothing_else(tmp_path: Path) -> None:
    full = tmp_path / "serve.pcapng"
    full.symlink_to("/dev/full")
    config, output = serve_config(capture=str(full)), Kept()

    async def everything() -> None:
        with capturing(config, output, in_order=False) as trace:
            server = build_server(config, trace, output)
            await server.start()
            phone = await phone_at(config, "bob")
            assert await call_and_end(invite_options(config, "sip:bob@127.0.0.1"), Kept()) == 0
            await phone.stop()
            await server.stop()

    asyncio.run(everything())
    assert [text for text in output.texts if str(full) in text] == [
        f"{full} stops here, the rest is missing: No space left on device"
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_parts_reach_each_other_when_what_is_advertised_is_an_address_of_somewhere_else(workers: int) -> None:
    # Nothing listens there, as on the outside of a router that sends nothing back in.
    config = serve_config(advertise="127.0.0.99", domain="example.com", workers=workers)
    told = Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob", domain="example.com")
        options = attrs.evolve(invite_options(config, "sip:bob@example.com"), aor="sip:presenter@example.com")
        assert await call_and_end(options, told) == 0
        await phone.wait_for(lambda: bool(phone.of(PhoneReleased)), 5.0, "the end")
        assert phone.of(PhoneReleased)[0].end is CallEnd.HUNG_UP_THERE
        await phone.stop()

    with_server(config, scenario)
    assert "call bob@example.com: done" in told.texts
