"""Servers that ask who we are: whence the password comes, and what happens with a wrong one."""

import asyncio
import builtins
import contextlib
import getpass
import io
import queue
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import attrs
import pytest

from pyc3p.cli import main
from pyc3p.commands.credentials import PasswordWanted, Wallet, open_wallet, read_credentials
from pyc3p.commands.serve import Server
from pyc3p.element import Element, HookedPump
from pyc3p.elements import Place, parts
from pyc3p.elements.loopback import FarmResolver, reserved_ports
from pyc3p.elements.node import Node
from pyc3p.phone import PhoneConfig, PhoneNotRegistered, PhoneRegistered
from pyc3p.problems import Problem, UsageProblem
from sip import Credentials, EndpointConfig, PasswordStore, Proxy, ProxyConfig, Registrar, RegistrarConfig, Uri
from sip.aio import live_entropy
from tests.pyc3p.test_serve import Kept, call_and_end, invite_options, phone_at, serve_config, with_server

HOST = "127.0.0.1"
REALM = "pbx.example.com"
ANN = Credentials("ann", "geheim")
FILE = '["pbx.example.com"]\nusername = "ann"\npassword = "geheim"\n["*"]\nusername = "all"\npassword = "x"\n'


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


# Where it comes from


def test_a_file_has_credentials_by_realm(tmp_path: Path) -> None:
    wallet = open_wallet(private(tmp_path / "a.toml", FILE), environment={})
    assert (wallet.find(REALM), wallet.find("other")) == (ANN, Credentials("all", "x"))
    assert "geheim" not in repr(wallet)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = private(tmp_path / "a.toml", FILE)
    path.chmod(mode)
    with pytest.raises(UsageProblem, match="can be read by others; do `chmod 600"):
        read_credentials(path)


@pytest.mark.parametrize(
    "text",
    [
        "geheim",
        "password = 'geheim",
        "password = 'geheim'",
        "['r']\npassword = 'geheim'",
        "['r']\nusername = 'ann'\npassword = 5",
        "['r']\nusername = ''\npassword = 'geheim'",
        "['r']\nusername = 'ann'\npassword = 'geheim'\nother = 'geheim'",
    ],
)
def test_a_wrong_file_is_one_line_without_the_password(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="username = ") as problem:
        read_credentials(private(tmp_path / "a.toml", text))
    assert "geheim" not in str(problem.value)


def test_a_missing_file_is_one_line() -> None:
    with pytest.raises(UsageProblem, match="cannot be read"):
        open_wallet(Path("/nowhere/a.toml"), environment={})


def test_the_environment_is_for_any_realm_or_for_one(tmp_path: Path) -> None:
    secret = {"PYC3P_USERNAME": "ann", "PYC3P_PASSWORD": "geheim"}
    assert open_wallet(None, environment=secret).find("any") == ANN
    one = open_wallet(None, environment=secret | {"PYC3P_REALM": REALM}, any_realm=False)
    assert (one.find(REALM), one.find("any")) == (ANN, None)
    named = open_wallet(None, environment={"PYC3P_PASSWORD": "geheim"}, default_username="ann")
    assert named.find("any") == ANN
    file = private(tmp_path / "a.toml", FILE)
    assert open_wallet(file, environment={"PYC3P_PASSWORD": "old", "PYC3P_USERNAME": "ann"}).find(REALM) == ANN


def test_an_environment_that_does_not_say_enough_is_refused() -> None:
    with pytest.raises(UsageProblem, match="PYC3P_USERNAME"):
        open_wallet(None, environment={"PYC3P_PASSWORD": "geheim"})
    with pytest.raises(UsageProblem, match="PYC3P_REALM"):
        open_wallet(None, environment={"PYC3P_PASSWORD": "geheim", "PYC3P_USERNAME": "ann"}, any_realm=False)
    assert open_wallet(None, environment={}).find("any") is None


def test_an_unknown_realm_is_told_once_and_realms_are_bounded() -> None:
    told: list[str] = []
    wallet = Wallet(on_unknown=told.append)
    for number in range(300):
        for _ in range(2):
            wallet.find(f"r{number}")
    assert told == [f"r{number}" for number in range(len(told))]
    assert len(told) < 100


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, *, name: str = "", password: str = "") -> list[str]:
    """Somebody who types; the prompts that are shown."""
    shown: list[str] = []

    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    def type_password(prompt: str) -> str:
        shown.append(prompt)
        if not password:
            raise EOFError
        return password

    monkeypatch.setattr(sys, "stdin", Typed())
    monkeypatch.setattr(builtins, "input", lambda prompt: shown.append(prompt) or name)
    monkeypatch.setattr(getpass, "getpass", type_password)
    return shown


def test_who_sits_at_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = at_a_terminal(monkeypatch, name=" ann ", password="geheim")
    wallet = Wallet()
    assert wallet.find(REALM) is None
    wallet.prompt(PasswordWanted(REALM, "x:5060"))
    assert wallet.find(REALM) == ANN
    assert shown == [f"User name for {REALM}: ", f"Password of ann for {REALM}: "]
    assert wallet.unknown == {}


def test_without_a_terminal_or_an_answer_the_command_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = PasswordWanted(REALM, "x:5060")
    at_a_terminal(monkeypatch)
    with pytest.raises(PasswordWanted):
        Wallet(default_username="ann").prompt(wanted)
    for stdin in (io.StringIO(), None):
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(PasswordWanted, match="--credentials"):
            Wallet().prompt(wanted)


def test_an_endpoint_takes_a_mapping_or_a_function() -> None:
    by_realm = {REALM: ANN}
    for given in (by_realm, by_realm.get):
        lookup = EndpointConfig(credentials=given).credentials
        assert lookup is not None
        assert (lookup(REALM), lookup("other")) == (ANN, None)


# With servers that ask


@contextlib.asynccontextmanager
async def asking_proxy(beyond: int, port: int) -> AsyncIterator[None]:
    """A proxy that wants a password before it forwards to example.com, which is at a port of this machine."""
    place = Place(name="edge", host=HOST, sip_port=port)
    entropy = live_entropy()
    endpoint = place.endpoint(entropy)
    proxy = Proxy(
        endpoint,
        ProxyConfig(domains=("edge.example.com",), realm=REALM, trusted=(), relay_to=("example.com",)),
        entropy=entropy.child("proxy"),
        credentials=PasswordStore({"ann": "geheim"}),
    )
    there = Place(name="beyond", host=HOST, sip_port=beyond)
    resolver = FarmResolver("example.com", focus=there, factory=there)
    node = Node(Element.of("edge", pump=HookedPump(endpoint, [proxy])), resolver=resolver)
    await node.start()
    try:
        yield
    finally:
        await node.stop()


@contextlib.asynccontextmanager
async def asking_registrar() -> AsyncIterator[int]:
    with reserved_ports(1) as (port,):
        place = Place(name="registrar", host=HOST, sip_port=port)
    endpoint = place.endpoint(live_entropy())
    registrar = Registrar(
        endpoint,
        RegistrarConfig(realm=REALM),
        entropy=live_entropy(),
        credentials=PasswordStore({"ann": "geheim"}),
    )
    node = Node(Element.of("registrar", pump=HookedPump(endpoint, [registrar])))
    await node.start()
    try:
        yield port
    finally:
        await node.stop()


@contextlib.contextmanager
def registrar_beside() -> Iterator[int]:
    """A registrar in a thread of its own, for commands that have an event loop of their own; its port."""
    ready: queue.Queue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = queue.Queue()

    async def serve() -> None:
        over = asyncio.Event()
        async with asking_registrar() as port:
            ready.put((port, asyncio.get_running_loop(), over))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    port, loop, over = ready.get(timeout=20.0)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def free_port() -> int:
    with reserved_ports(1) as (port,):
        return port


def wallet_with(password: str | None) -> Wallet:
    return Wallet({} if password is None else {REALM: Credentials("ann", password)}, default_username="ann")


async def invited(server: Server, told: Kept, wallet: Wallet) -> int:
    port = free_port()
    async with asking_proxy(server.config.sip_port, port):
        options = attrs.evolve(
            invite_options(server.config, "sip:bob@example.com"),
            server=(HOST, port),
            aor="sip:ann@example.com",
            wallet=wallet,
        )
        return await call_and_end(options, told)


def test_a_presenter_passes_a_proxy_that_asks() -> None:
    config, told = serve_config(domain="example.com"), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        phone = await phone_at(config, "bob", domain="example.com")
        wallet = wallet_with("geheim")
        assert await invited(server, told, wallet) == 0
        assert REALM in wallet.used
        await phone.stop()

    with_server(config, scenario)
    assert "call bob@example.com: done" in told.texts


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("wrong", f"does not take the password of 'ann' for the realm '{REALM}'"),
        (None, f"wants a password for the realm '{REALM}'"),
    ],
)
def test_a_presenter_with_a_wrong_password_or_none_is_told_so(password: str | None, complaint: str) -> None:
    async def scenario(server: Server, output: Kept) -> None:
        with pytest.raises(Problem, match=complaint):
            await invited(server, Kept(), wallet_with(password))

    with_server(serve_config(domain="example.com"), scenario)


@pytest.mark.parametrize("password", ["geheim", "wrong", None])
def test_an_mcu_calls_through_a_proxy_that_asks(password: str | None, tmp_path: Path) -> None:
    told, file = Kept(), ""
    if password is not None:
        file = str(private(tmp_path / "a.toml", f'["{REALM}"]\nusername = "ann"\npassword = "{password}"\n'))
    edge = free_port()
    config = serve_config(domain="example.com", credentials=file, outbound_proxy=f"sip:{HOST}:{edge}")

    async def scenario(server: Server, output: Kept) -> None:
        async with asking_proxy(config.sip_port, edge):
            phone = await phone_at(config, "bob", domain="example.com")
            options = attrs.evolve(invite_options(config, "sip:bob@example.com"), aor="sip:ann@example.com")
            assert await call_and_end(options, told) == (0 if password == "geheim" else 1)
            await phone.stop()

    output = with_server(config, scenario)
    failed = [text for text in output.texts if "failed, 407" in text]
    assert len(failed) == (0 if password == "geheim" else 1)
    assert all("wants a password" in text for text in failed)
    assert any(f"the realm '{REALM}' wants a password" in text for text in output.texts) == (password is None)


def test_a_phone_registers_where_a_password_is_asked_for() -> None:
    async def scenario() -> None:
        async with asking_registrar() as port:
            for password, kind in (("geheim", PhoneRegistered), ("wrong", PhoneNotRegistered)):
                with reserved_ports(1) as (own,):
                    place = Place(name="phone", host=HOST, sip_port=own)
                config = PhoneConfig(
                    aor=f"sip:ann@{HOST}",
                    contact=place.sip_uri("ann"),
                    registrar=Uri("sip", HOST),
                    outbound_proxy=Uri("sip", HOST, port=port),
                )
                element, phone = parts.phone(
                    place, config, entropy=live_entropy(), credentials=wallet_with(password).find
                )
                node = Node(element)
                await node.start()
                phone.register(now=node.now)
                node.kick()
                await node.wait_for(lambda: bool(node.of(kind)), 5.0, f"{kind}")  # noqa: B023
                await node.stop()

    asyncio.run(scenario())


def test_a_password_that_is_typed_once_and_wrong_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with registrar_beside() as port:
        shown = at_a_terminal(monkeypatch, password="wrong")
        with pytest.raises(SystemExit) as exit_:
            main(["phone", "--as", f"sip:ann@{HOST}:{port}", "--for", "0"])
    assert exit_.value.code == 1
    assert shown == [f"Password of ann for {REALM}: "]
    captured = capsys.readouterr()
    error = captured.err
    assert captured.out == ""
    assert error.startswith("pyc3p: ")
    assert "does not take the password of 'ann'" in error
    assert error.count("\n") == 1


def test_a_password_that_is_typed_and_right_lets_the_phone_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with registrar_beside() as port:
        shown = at_a_terminal(monkeypatch, password="geheim")
        with pytest.raises(SystemExit) as exit_:
            main(["phone", "--as", f"sip:ann@{HOST}:{port}", "--for", "0", "--json"])
    assert exit_.value.code == 0
    assert len(shown) == 1
    captured = capsys.readouterr()
    assert "PhoneRegistered" in captured.out
    assert "geheim" not in captured.out + captured.err
