"""Who may say what over HTTP, between the parts of a system on real sockets: each attack is one test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import pytest

import c3p
from c3p import (
    AddConference,
    ConferenceInfo,
    ConferenceKeys,
    Exchange,
    ExchangeFailure,
    GetConference,
    Notify,
    RegisterMcu,
    Reply,
    Request,
    pair_secret,
)
from c3p.aio import C3pClient
from c3p.testing import FOCUS_URI
from pyc3p.commands.invite import Invite
from pyc3p.elements import parts
from pyc3p.elements.certificates import client_context, load_identity
from pyc3p.elements.server import Server, build_server
from pyc3p.problems import UsageProblem
from pyc3p.settings.c3p import C3pPeerSettings, C3pSettings
from pyc3p.settings.identity import IdentitySettings
from pyc3p.settings.serve import ServeConfig
from tests.certificates import DAY, NOW, Authority, Certified
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, phone_at, serve_config, until

ROOT = "a root secret that nobody guesses"
FRONT_PARTS = ("registrar", "proxy", "focus-factory", "focus", "mcu-factory")


@pytest.fixture(autouse=True)
def no_root_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYC3P_SECRET", raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def url_of(config: ServeConfig, path: str, *, mcu: bool = False) -> str:
    scheme = "https" if config.c3p.secure else "http"
    return f"{scheme}://127.0.0.1:{config.mcu_http_port if mcu else config.http_port}{path}"


def announcement(mcu_id: str, where: str = "127.0.0.1") -> Request:
    command = RegisterMcu(
        mcu_id=mcu_id,
        http_url=f"http://{where}:9/LiveServer/audio-video",
        sip_uri=f"sip:mcu@{where}",
        mcu_types=("audio-video",),
        capacity=1000,
    )
    return Request(request_id="1", from_=f"sip:mcu@{where}", to="factory", command=command)


def bootstrap(callback: str) -> Request:
    command = AddConference(conference_info=ConferenceInfo(entity=FOCUS_URI), callback_uri=callback)
    return Request(request_id="2", from_=FOCUS_URI, to=FOCUS_URI, command=command)


def reading() -> Request:
    keys = ConferenceKeys(conf_entity=FOCUS_URI)
    return Request(request_id="3", from_=FOCUS_URI, to=FOCUS_URI, command=GetConference(conference_keys=keys))


async def post(url: str, document: Request | Notify, client: C3pClient) -> Reply | ExchangeFailure:
    try:
        return await client.post(Exchange(1, url, document, timeout=5.0))
    finally:
        await client.stop()


async def status(url: str, document: Request | Notify, secret: str) -> int:
    reply = await post(url, document, C3pClient(secret=secret))
    assert isinstance(reply, Reply)
    return reply.status


def run(front: ServeConfig, scenario: Callable[[Server, Kept], Awaitable[None]], *others: ServeConfig) -> list[Kept]:
    """A front process and others, each with what it tells."""
    told = [Kept() for _ in range(1 + len(others))]

    async def everything() -> None:
        servers = [build_server(each, None, kept) for each, kept in zip((front, *others), told, strict=True)]
        started = []
        try:
            for server in servers:
                await server.start()
                started.append(server)
            await scenario(servers[0], told[0])
        finally:
            for server in reversed(started):
                await server.stop()

    asyncio.run(everything())
    return told


def mcu_config(front: ServeConfig, peers: tuple[C3pPeerSettings, ...] = (), **more: object) -> ServeConfig:
    c3p_settings = more.pop("c3p", C3pSettings(peers=peers))
    return serve_config(
        parts=("mcu",),
        mcu_id="mcu-2",
        mcu_factory_url=url_of(front, parts.MCU_FACTORY_PATH),
        outbound_proxy=f"sip:127.0.0.1:{front.sip_port}",
        c3p=c3p_settings,
        **more,
    )


async def call_bob(front: ServeConfig) -> None:
    phone = await phone_at(front, "bob")
    told = Kept()
    assert await call_and_end(invite_options(front, "sip:bob@127.0.0.1"), told) == 0
    assert "call bob@127.0.0.1: done" in told.texts
    await phone.stop()


# Secrets of pairs ----------------------------------------------------------------------------------------------------


def test_an_mcu_that_has_only_its_pair_secret_works() -> None:
    front = serve_config(parts=FRONT_PARTS, secret=ROOT, mcus=("mcu-2",))
    back = mcu_config(front, (C3pPeerSettings(name="focus", secret=pair_secret(ROOT, "mcu-2", "focus")),))

    async def scenario(server: Server, output: Kept) -> None:
        await until(lambda: "MCU mcu-2 announced itself" in output.texts)
        await call_bob(front)

    run(front, scenario, back)


def test_nobody_needs_the_root_once_the_pairs_are_made() -> None:
    secret = pair_secret(ROOT, "focus", "mcu-2")
    peers = (C3pPeerSettings(name="mcu-2", secret=secret),)
    front = serve_config(parts=FRONT_PARTS, c3p=C3pSettings(peers=peers))
    back = mcu_config(front, (C3pPeerSettings(name="focus", secret=secret),))

    async def scenario(server: Server, output: Kept) -> None:
        await until(lambda: "MCU mcu-2 announced itself" in output.texts)
        await call_bob(front)

    run(front, scenario, back)


def test_the_secret_of_one_mcu_is_good_for_that_mcu_alone() -> None:
    """A rogue MCU wants to be the Focus, the Factory, another MCU, at any part that takes documents."""
    config = serve_config(secret=ROOT, mcus=("mcu-2", "mcu-3"))
    rogue = pair_secret(ROOT, "mcu-2", "focus")

    async def scenario(server: Server, output: Kept) -> None:
        factory, focus = url_of(config, parts.MCU_FACTORY_PATH), url_of(config, parts.FOCUS_PATH)
        mcu, records = url_of(config, parts.MCU_PATH, mcu=True), url_of(config, parts.FACTORY_PATH)
        assert await status(factory, announcement("mcu-2"), rogue) == 200
        assert await status(factory, announcement("mcu-2.1"), rogue) == 200
        for mcu_id in ("mcu-1", "mcu-3", "mcu-3.1", "focus", "mcu-22"):
            assert await status(factory, announcement(mcu_id), rogue) == 403
        allocation = Request(
            request_id="4",
            from_=FOCUS_URI,
            to=factory,
            command=AddConference(conference_keys=ConferenceKeys(conf_entity=FOCUS_URI), mcu_type="audio-video"),
        )
        assert await status(factory, allocation, rogue) == 403
        assert await status(records, reading(), rogue) == 403
        assert await status(focus, reading(), rogue) in (400, 403)
        assert await status(mcu, bootstrap(focus), rogue) == 401  # MCUs have no secret with each other
        assert server.mcu is not None
        assert server.mcu.conferences == ()

    run(config, scenario)


def test_a_valid_mcu_is_not_believed_about_the_conference_of_another() -> None:
    """mcu-1 has the conference; mcu-2, which is in order otherwise, says that it is over and that eve is in it."""
    config, told = serve_config(secret=ROOT, mcus=("mcu-2",)), Kept()
    rogue = pair_secret(ROOT, "mcu-2", "focus")

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob")
        invite = Invite(invite_options(config, "sip:bob@127.0.0.1"), told)
        running = asyncio.ensure_future(invite.run())
        await until(lambda: bool(invite.reached) or running.done())
        conference = invite.client.conference_uri
        assert conference is not None
        own = c3p.mcu_uri(conference, c3p.McuType.AUDIO_VIDEO)
        eve = c3p.User(entity="sip:eve@127.0.0.1", state="full")
        for users in (c3p.Users(state="full"), c3p.Users(state="partial", users=(eve,))):
            info = ConferenceInfo(entity=conference, state="full", version=99, users=users)
            document = Notify(notification_id=1, from_=own, to=conference, conference_info=info)
            assert await status(url_of(config, parts.FOCUS_PATH), document, rogue) == 403
        await asyncio.sleep(0.3)
        roster = str(invite.client.roster)
        assert "bob@127.0.0.1" in roster
        assert "eve@127.0.0.1" not in roster
        invite.obey("end")
        assert await running == 0
        await phone.stop()

    run(config, scenario)


def test_what_a_rogue_mcu_can_derive_is_no_secret_of_the_focus() -> None:
    """It knows its pair's secret, all names and how secrets are made; only the root is missing."""
    config = serve_config(secret=ROOT, mcus=("mcu-2", "mcu-3"))
    rogue = pair_secret(ROOT, "mcu-2", "focus")
    names = ("focus", "mcu-factory", "focus-factory", "mcu-1", "mcu-3")
    guesses = [pair_secret(rogue, one, other) for one in names for other in names if one != other]

    async def scenario(server: Server, output: Kept) -> None:
        for guess in guesses:
            assert await status(url_of(config, parts.MCU_PATH, mcu=True), bootstrap("http://127.0.0.1/"), guess) == 401

    run(config, scenario)


def test_an_mcu_is_not_sent_the_secret_of_another_whatever_address_it_names() -> None:
    """A rogue MCU announces the address of a listener of its own; what arrives there it knew before."""
    config = serve_config(secret=ROOT, mcus=("mcu-2", "mcu-3"), parts=FRONT_PARTS)
    rogue = pair_secret(ROOT, "mcu-2", "focus")
    heard: list[str] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def scenario(server: Server, output: Kept) -> None:
        trap = await asyncio.start_server(listen, "127.0.0.1", 0)
        command = announcement("mcu-2").command
        assert isinstance(command, RegisterMcu)
        where = f"http://127.0.0.1:{trap.sockets[0].getsockname()[1]}/"
        document = attrs.evolve(announcement("mcu-2"), command=attrs.evolve(command, http_url=where))
        assert await status(url_of(config, parts.MCU_FACTORY_PATH), document, rogue) == 200
        phone = await phone_at(config, "bob")
        await call_and_end(invite_options(config, "sip:bob@127.0.0.1"), Kept())
        await phone.stop()
        trap.close()

    run(config, scenario)
    shown = {line.partition("Bearer ")[2] for head in heard for line in head.splitlines() if "Bearer " in line}
    assert shown == {rogue}


def test_addresses_lie_on_the_hosts_of_the_configuration() -> None:
    config = serve_config(secret=ROOT, mcus=("mcu-2", "mcu-3@192.0.2.3"))

    async def scenario(server: Server, output: Kept) -> None:
        factory = url_of(config, parts.MCU_FACTORY_PATH)
        two, three = (pair_secret(ROOT, name, "focus") for name in ("mcu-2", "mcu-3"))
        assert await status(factory, announcement("mcu-2", "192.0.2.66"), two) == 403
        assert await status(factory, announcement("mcu-3", "127.0.0.1"), three) == 403
        assert await status(factory, announcement("mcu-3", "192.0.2.3"), three) == 200

    (told,) = run(config, scenario)
    assert any("mcu-2 is not expected at its address; name it with --mcu mcu-2@HOST" in text for text in told.texts)


def test_a_focus_is_called_back_at_its_own_hosts_and_keeps_its_conferences() -> None:
    """A second Focus of the group, one from outside, and a wrong place to report to."""
    front = serve_config(secret=ROOT, mcus=("mcu-2",))
    other = C3pPeerSettings(name="focus-2", secret="2" * 64)
    stranger = C3pPeerSettings(name="focus-3", secret="3" * 64)
    focus = C3pPeerSettings(name="focus", secret="1" * 64)
    mcu = mcu_config(front, c3p=C3pSettings(foci=("focus", "focus-2"), peers=(focus, other, stranger)))

    async def scenario(server: Server, output: Kept) -> None:
        where = url_of(mcu, parts.MCU_PATH, mcu=True)
        assert await status(where, bootstrap("http://192.0.2.66/"), focus.secret) == 403
        assert await status(where, bootstrap("http://127.0.0.1:9/"), stranger.secret) == 403
        assert await status(where, bootstrap("http://127.0.0.1:9/"), focus.secret) == 200
        assert await status(where, bootstrap("http://127.0.0.1:9/"), focus.secret) == 200  # it was restarted
        assert await status(where, bootstrap("http://127.0.0.1:9/"), other.secret) == 403
        assert await status(where, bootstrap("http://127.0.0.1:9/"), stranger.secret) == 403
        assert await status(where, bootstrap("http://127.0.0.1:9/"), "4" * 64) == 401

    run(front, scenario, mcu)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            {"host": "192.0.2.1", "parts": ("mcu",), "mcu_factory_url": "http://192.0.2.2/"},
            "belongs to the Focus alone",
        ),
        (
            {"host": "192.0.2.1", "secret": "short", "mcus": ("mcu-2",), "identity": IdentitySettings(insecure=True)},
            "fewer than 16 characters",
        ),
        ({"c3p": C3pSettings(peers=(C3pPeerSettings(name="mcu-2"),)), "secret": ""}, "mcu-2 has no secret"),
        ({"mcus": ("mcu-1.2",)}, "is what a worker of mcu-1 is called"),
        ({"c3p": C3pSettings(peers=(C3pPeerSettings(name="mcu-1"),))}, "mcu-1, which is a part of this very process"),
    ],
)
def test_secrets_that_are_in_the_wrong_hands_are_refused(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        build_server(serve_config(**{"secret": ROOT, **settings}), None, Kept())


# Certificates on both ends -------------------------------------------------------------------------------------------


def secured(made: Certified, ca: str, *peers: C3pPeerSettings) -> C3pSettings:
    return C3pSettings(certificate=made.certificate, key=made.key, ca=ca, peers=peers)


def over_tls(authority: Authority, **more: object) -> tuple[ServeConfig, ServeConfig]:
    """A front process and an MCU that know each other by certificates."""
    focus, mcu = authority.certify("conf.example.com", "127.0.0.1"), authority.certify("mcu2.example.com")
    known = C3pPeerSettings(name="mcu-2", certificate_name="mcu2.example.com")
    front = serve_config(parts=FRONT_PARTS, c3p=secured(focus, authority.ca, known))
    its = C3pPeerSettings(name="focus", certificate_name="conf.example.com")
    return front, mcu_config(front, c3p=secured(mcu, authority.ca, its))


def test_parts_with_certificates_on_both_ends_work_together(authority: Authority) -> None:
    front, back = over_tls(authority)

    async def scenario(server: Server, output: Kept) -> None:
        await until(lambda: "MCU mcu-2 announced itself" in output.texts)
        await call_bob(front)

    run(front, scenario, back)


def test_all_parts_in_one_process_speak_https_too(authority: Authority) -> None:
    config = serve_config(c3p=secured(authority.certify("127.0.0.1"), authority.ca))
    run(config, lambda server, output: call_bob(config))


@pytest.mark.parametrize(
    "who",
    ["wrong authority", "wrong name", "expired", "none", "two names"],
)
def test_a_certificate_that_proves_nobody_gets_nothing(authority: Authority, tmp_path: Path, who: str) -> None:
    front, _ = over_tls(authority)
    shown = {
        "wrong authority": lambda: Authority(tmp_path / "other", "other").certify("mcu2.example.com"),
        "wrong name": lambda: authority.certify("mcu3.example.com"),
        "expired": lambda: authority.certify("mcu2.example.com", begin=NOW - 9 * DAY, end=NOW - DAY),
        "none": lambda: None,
        "two names": lambda: authority.certify("mcu2.example.com", "mcu3.example.com", "focus.example.com"),
    }[who]()

    async def scenario(server: Server, output: Kept) -> None:
        context = client_context(ca=authority.ca)
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        client = C3pClient(ssl_context=context)
        reply = await post(url_of(front, parts.MCU_FACTORY_PATH), announcement("mcu-2"), client)
        if who == "two names":  # one of them is known, and the others are nobody's here
            assert isinstance(reply, Reply)
            assert reply.status == 200
        else:
            assert isinstance(reply, ExchangeFailure) or reply == Reply(401)
            assert server.nodes[0].element.others[0].mcus == ()

    (told,) = run(front, scenario)
    if who in ("wrong authority", "expired"):
        reason = {"wrong authority": "local issuer certificate", "expired": "has expired"}[who]
        assert any("could not connect to port" in text and reason in text for text in told.texts), told.texts


def test_a_server_that_is_not_the_one_that_was_meant_gets_no_document(authority: Authority, tmp_path: Path) -> None:
    """Somebody else with a certificate of the same authority stands where the Factory is expected."""
    front, back = over_tls(authority)
    impostor = authority.certify("mcu3.example.com", "127.0.0.1")
    front = attrs.evolve(front, c3p=attrs.evolve(front.c3p, certificate=impostor.certificate, key=impostor.key))

    async def scenario(server: Server, output: Kept) -> None:
        await asyncio.sleep(1.0)
        assert not any("announced" in text for text in output.texts)

    _, told = run(front, scenario, back)
    assert any("is not trusted" in text and "Hostname mismatch" in text for text in told.texts), told.texts


def test_plain_http_to_a_port_with_tls_is_told_and_closed(authority: Authority) -> None:
    front, _ = over_tls(authority)

    async def scenario(server: Server, output: Kept) -> None:
        url = url_of(front, parts.MCU_FACTORY_PATH).replace("https:", "http:")
        assert isinstance(await post(url, announcement("mcu-2"), C3pClient(secret="x")), ExchangeFailure)
        await until(lambda: any("does not speak TLS to port" in text for text in output.texts))

    run(front, scenario)


def test_certificates_are_changed_without_closing_a_connection(authority: Authority) -> None:
    front, _ = over_tls(authority)
    new = authority.certify("conf.example.com", "127.0.0.1")

    async def scenario(server: Server, output: Kept) -> None:
        shown = authority.certify("mcu2.example.com")
        context = client_context(load_identity(shown.certificate, shown.key), ca=authority.ca)
        client = C3pClient(ssl_context=context)
        exchange = Exchange(1, url_of(front, parts.MCU_FACTORY_PATH), announcement("mcu-2"), timeout=5.0)
        assert isinstance(await client.post(exchange), Reply)
        before = await serial_at(front.http_port, context)
        for old, fresh in ((front.c3p.certificate, new.certificate), (front.c3p.key, new.key)):
            Path(old).write_bytes(Path(fresh).read_bytes())
        server.reload()
        assert isinstance(await client.post(exchange), Reply)  # on the connection that stands
        await client.stop()
        assert await serial_at(front.http_port, context) != before

    run(front, scenario)


async def serial_at(port: int, context: ssl.SSLContext) -> str:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return str(certificate["serialNumber"])
