"""A server that asks who somebody is: phones, presenters and the MCU itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

import sip
from pyc3p.commands.credentials import Wallet
from pyc3p.elements import parts
from pyc3p.elements.identities import identities, part_credentials, part_credentials_of
from pyc3p.elements.loopback import reserved_ports
from pyc3p.elements.node import Node
from pyc3p.elements.principals import MutualSecrets, acquaint
from pyc3p.elements.server import Server, build_server
from pyc3p.phone import PhoneConfig, PhoneNotRegistered, PhoneRegistered, ToneSource
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.c3p import C3pPeerSettings, C3pSettings
from pyc3p.settings.identity import IdentitySettings
from pyc3p.settings.loading import load_config
from pyc3p.settings.serve import ServeConfig
from pyc3p.users import change_users, entries_of
from rtp.aio import MediaPortsConfig
from sip import DigestClient
from sip.aio import live_entropy
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, serve_config, until, with_server

HOST = "127.0.0.1"
PASSWORDS = {"bob": "zanzibar", "ann": "geheim"}


def users_file(tmp_path: Path, realm: str = HOST) -> str:
    path = tmp_path / "users"
    for name, password in PASSWORDS.items():
        change_users(path, remove=name, realm=realm, add=entries_of(name, realm, password))
    return str(path)


def closed(tmp_path: Path, **more: object) -> ServeConfig:
    return serve_config(identity=IdentitySettings(users=users_file(tmp_path)), **more)


def wallet(user: str, password: str | None = None) -> Wallet:
    return Wallet({HOST: sip.Credentials(user, password or PASSWORDS[user])}, default_username=user)


async def phone_of(config: ServeConfig, user: str, known: Wallet) -> Node:
    """A phone that has asked to be registered, whatever came of it."""
    with reserved_ports(1) as (port,):
        place = parts.Place(name=user, host=HOST, sip_port=port)
    settings = PhoneConfig(
        aor=f"sip:{user}@{HOST}",
        contact=place.sip_uri(user),
        registrar=sip.Uri("sip", HOST),
        outbound_proxy=sip.Uri("sip", HOST, port=config.sip_port),
        ring_time=0.1,
    )
    element, phone = parts.phone(
        place, settings, entropy=live_entropy(), source=ToneSource(440), credentials=known.find
    )
    node = Node(element, media=MediaPortsConfig(host=HOST, port_range=(43_700, 43_799)))
    await node.start()
    phone.register(now=node.now)
    node.kick()
    await node.wait_for(
        lambda: bool(node.of(PhoneRegistered) or node.of(PhoneNotRegistered)), 5.0, "the registrar's answer"
    )
    return node


def test_networks_that_are_trusted_have_no_limit_by_source() -> None:
    """They speak for many: a proxy, a gateway."""
    config = serve_config(identity=IdentitySettings(trust=("192.0.2.0/24",)))
    for node in build_server(config, None, Kept()).nodes:
        endpoint = node.element.pump.endpoint
        assert "192.0.2.0/24" in endpoint.config.trusted_networks


def test_with_users_everything_needs_a_password_on_loopback_too(tmp_path: Path) -> None:
    config, told = closed(tmp_path), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_of(config, "bob", wallet("bob"))
        assert phone.of(PhoneRegistered)
        stranger = await phone_of(config, "ann", Wallet())
        assert [each.status for each in stranger.of(PhoneNotRegistered)] == [401]
        with pytest.raises(Problem, match=f"wants a password for the realm '{HOST}'"):
            await call_and_end(invite_options(config, f"sip:bob@{HOST}"), Kept())
        options = attrs.evolve(invite_options(config, f"sip:bob@{HOST}", wallet=wallet("ann")), aor=f"sip:ann@{HOST}")
        assert await call_and_end(options, told) == 0
        for node in (phone, stranger):
            await node.stop()

    output = with_server(config, scenario)
    assert f"call bob@{HOST}: done" in told.texts
    assert "joined as presenter" in told.texts
    assert any("connected (PCMU)" in text for text in output.texts)  # the MCU got through our proxy


def test_a_password_that_is_refused_is_told_though_nothing_else_goes_on(tmp_path: Path) -> None:
    """Who shuts addresses out reads it at once; a registrar alone has no other work that would bring it along."""
    config = closed(tmp_path, parts=("registrar",))

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_of(config, "bob", wallet("bob", "wrong"))
        await until(lambda: any(text.startswith('refused password of "bob" from 127.0.0.1') for text in output.texts))
        await phone.stop()

    with_server(config, scenario)


def test_a_presenter_is_nobody_but_the_owner_of_the_password(tmp_path: Path) -> None:
    config = closed(tmp_path)

    async def scenario(server: Server, output: Kept) -> None:
        options = attrs.evolve(invite_options(config, f"sip:bob@{HOST}", wallet=wallet("ann")), aor=f"sip:bob@{HOST}")
        with pytest.raises(Problem, match=f"does not take 'ann', .* for sip:bob@{HOST}; say --as sip:ann@{HOST}"):
            await call_and_end(options, Kept())
        with pytest.raises(Problem, match="does not take the password of 'ann'"):
            await call_and_end(attrs.evolve(options, wallet=wallet("ann", "wrong")), Kept())

    with_server(config, scenario)


def test_a_trusted_network_is_let_in_without_a_password() -> None:
    config, told = serve_config(identity=IdentitySettings(trust=("127.0.0.0/8",))), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_of(config, "bob", Wallet())
        assert phone.of(PhoneRegistered)
        assert await call_and_end(invite_options(config, f"sip:bob@{HOST}"), told) == 0
        await phone.stop()

    with_server(config, scenario)


def test_users_come_and_go_while_the_server_runs(tmp_path: Path) -> None:
    config = closed(tmp_path)
    path = Path(config.identity.users)

    async def scenario(server: Server, output: Kept) -> None:
        assert server.identities is not None
        watching = asyncio.ensure_future(server.identities.watch(output))
        change_users(path, remove="kim", realm=HOST, add=entries_of("kim", HOST, "new"))
        change_users(path, remove="bob", realm=HOST)
        await until(lambda: any("again" in text for text in output.texts))
        for user, password, kind in (("kim", "new", PhoneRegistered), ("bob", "zanzibar", PhoneNotRegistered)):
            phone = await phone_of(config, user, wallet(user, password))
            assert phone.of(kind)
            await phone.stop()
        path.write_text("nonsense\n")
        await until(lambda: any("users stay as they were" in text for text in output.texts))
        phone = await phone_of(config, "kim", wallet("kim", "new"))
        assert phone.of(PhoneRegistered)
        await phone.stop()
        watching.cancel()

    output = with_server(config, scenario)
    assert any(f"{path}, line 1: write name:realm:hash" in text for text in output.texts)


# What is refused at the start


@pytest.mark.parametrize("parts", [("registrar",), ("proxy", "registrar"), ("focus", "focus-factory", "mcu-factory")])
@pytest.mark.parametrize("host", ["192.0.2.10", "0.0.0.0", "2001:db8::1"])
def test_a_server_that_others_can_reach_does_not_start_open(host: str, parts: tuple[str, ...]) -> None:
    secret = "s" * 32 if "focus" in parts else ""
    config = ServeConfig(host=host, advertise="192.0.2.10", parts=parts, secret=secret)
    with pytest.raises(UsageProblem, match=r"can be reached by others: .* --users FILE .* --trust NETWORK.*--insecure"):
        build_server(config, None, Kept())
    for identity in (IdentitySettings(insecure=True), IdentitySettings(trust=("192.0.2.0/24",))):
        assert build_server(attrs.evolve(config, identity=identity), None, Kept()).nodes


def test_parts_that_ask_nobody_start_anywhere() -> None:
    for alone in (("mcu",), ("mcu-factory",)):
        c3p = C3pSettings(peers=(C3pPeerSettings(name="focus", secret="s" * 32, hosts=("192.0.2.11",)),))
        config = ServeConfig(host="192.0.2.10", parts=alone, mcu_factory_url="http://x.example", c3p=c3p)
        assert build_server(config, None, Kept()).nodes


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"trust": ("192.0.2.1/24",)}, "one address and a whole network; write 192.0.2.0/24"),
        ({"trust": ("home",)}, "wants a network such as 192.0.2.0/24, not 'home'"),
        ({"trust": ("0.0.0.0/0",)}, "is everybody; say --insecure"),
        ({"trust": ("::/0",)}, "is everybody; say --insecure"),
        ({"trust": ("0.0.0.0/1", "128.0.0.0/1")}, "together are everybody; say --insecure"),
        ({"trust": ("10.0.0.0/8", "2000::/3")}, "together are everybody; say --insecure"),
        ({"algorithms": ("SHA-1",)}, "are some of MD5, SHA-256, not SHA-1"),
        ({"algorithms": ()}, "are some of MD5, SHA-256"),
        ({"wrong_passwords_per_user": 0}, "identity.wrong_passwords_per_user must be above 0, not 0"),
        ({"trusted_peers": ("a b",)}, "wants the name or address of a host"),
        ({"insecure": True, "users": "users"}, "lets everybody in; leave it out, or users"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(settings: dict[str, object], told: str) -> None:
    with pytest.raises(UsageProblem, match=told) as problem:
        IdentitySettings(**settings)  # type: ignore[arg-type]
    assert "\n" not in str(problem.value)


def test_a_users_file_that_is_of_no_use_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "users"
    for text, told in ((None, "is not there"), ("bob:x\n", "line 1"), ("", "no user of the realm")):
        if text is not None:
            path.write_text(text)
            path.chmod(0o600)
        with pytest.raises(UsageProblem, match=told):
            build_server(ServeConfig(identity=IdentitySettings(users=str(path))), None, Kept())


def test_the_section_is_read_from_a_file_and_options_go_over_it(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[identity]\nusers = "a"\ntrust = ["192.0.2.0/24"]\nalgorithms = ["SHA-256", "MD5"]\n')
    config = load_config(file, {"identity.users": "b", "identity.trust": None, "identity.insecure": None})
    assert config.identity == IdentitySettings(users="b", trust=("192.0.2.0/24",), algorithms=("SHA-256", "MD5"))


def test_parts_have_passwords_of_their_own_from_the_secret() -> None:
    one, other = part_credentials("secret", "mcu-1"), part_credentials("secret", "mcu-2")
    assert one == part_credentials("secret", "mcu-1")
    assert len({one.password, other.password, part_credentials("other", "mcu-1").password}) == 3
    assert one.password not in repr(one)


def test_everybody_is_believed_when_nothing_is_set() -> None:
    peers = acquaint(ServeConfig(), "focus", root=None, mutual=MutualSecrets())
    assert identities(ServeConfig(), peers, root=None, entropy=live_entropy(), wall_clock=0.0) is None


def test_an_mcu_of_another_process_is_known_by_the_secret_of_the_pair() -> None:
    asks, root = IdentitySettings(trust=("192.0.2.0/24",)), "r" * 32
    there = ServeConfig(identity=asks, mcus=("mcu-2",))
    peers = acquaint(there, "focus", root=root, mutual=MutualSecrets())
    known = identities(there, peers, root=root, entropy=live_entropy(), wall_clock=0.0)
    assert known is not None
    for its_root, proof in ((root, sip.Proof.TRUSTED_PEER), ("x" * 32, None)):
        here = ServeConfig(parts=("mcu",), mcu_id="mcu-2", identity=asks, mcu_factory_url="http://127.0.0.1:8444/x")
        shown = part_credentials_of(here, acquaint(here, "mcu-2", root=its_root, mutual=MutualSecrets()))
        found = identified_with(known.authenticator, shown)
        assert (found.proof if isinstance(found, sip.Identified) else None) is proof


def identified_with(authenticator: sip.Authenticator, shown: sip.Credentials | None) -> sip.Identification:
    """What becomes of a request of whoever knows these credentials."""
    lines = [("From", "<sip:x@127.0.0.1>;tag=1"), ("To", "<sip:bob@127.0.0.1>"), ("Call-ID", "1"), ("CSeq", "1 INVITE")]
    request = sip.Request.build("INVITE", "sip:bob@127.0.0.1", lines)
    flow = sip.Flow(1, "UDP", sip.Address(HOST, 5060), sip.Address(HOST, 5070))
    asked = authenticator.identify(request, flow, now=0.0, proxy=True)
    assert isinstance(asked, sip.Challenged)
    client = DigestClient(lambda realm: shown, entropy=live_entropy())
    headers = client.answer(request.response(asked.status, headers=asked.headers), request)
    return authenticator.identify(request.evolve(set=dict(headers)), flow, now=0.0, proxy=True)


# The command


def test_serve_reads_its_users_again_on_sighup(tmp_path: Path) -> None:
    with reserved_ports(4) as ports:
        numbers = [str(port) for port in ports]
    names = ("--sip-port", "--mcu-sip-port", "--http-port", "--mcu-http-port")
    file = users_file(tmp_path)
    options = [word for pair in zip(names, numbers, strict=True) for word in pair]
    command = [sys.executable, "-m", "pyc3p", "serve", "--users", file, "--drain-timeout", "0", *options]
    served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert served.stdout is not None
        for line in served.stdout:
            if "stop with Ctrl-C" in line:
                break
        os.kill(served.pid, signal.SIGHUP)
        assert any("read again: users" in line for line in served.stdout)  # an MCU may announce itself before
    finally:
        served.terminate()
        assert served.wait(20) == 0
        served.stdout.close()  # type: ignore[union-attr]


def test_serve_on_a_network_says_how_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyc3p", "serve", "--host", "0.0.0.0", "--advertise", "192.0.2.10"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--users FILE" in done.stderr
