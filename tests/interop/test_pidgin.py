"""pidgin-sipe, the C3P client that we did not write: a meeting by its own menu, from login to the end.

It runs without a screen (``sipe_user.py``): the real plugin in libpurple.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import focus
import sip
from pyc3p.elements import parts
from pyc3p.elements.node import Node
from pyc3p.elements.parts import Place
from sip.aio import live_entropy, wall_clock
from tests.interop.programs import HOST, free_port, running, wait_for_text

PLUGIN = Path("/usr/lib/purple-2/libsipe.so")
DRIVER = Path(__file__).with_name("sipe_user.py")
LIMIT = 30.0  #: seconds for one step on a busy machine
PACKAGES = "pidgin-sipe libpurple0"


def require_pidgin_sipe() -> None:
    """Skip, or on CI fail, where the plugin is not."""
    if PLUGIN.exists():
        return
    reason = f"pidgin-sipe not installed: apt-get install --no-install-recommends {PACKAGES}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Sipe:
    """One user of it, with all that it has told so far."""

    def __init__(self, process: subprocess.Popen[str], uri: str) -> None:
        self._process, self.uri = process, uri
        self.told: list[dict[str, object]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self.told.append(json.loads(line))

    def do(self, command: str) -> None:
        """Click something."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def has(self, event: str, text: str = "", **fields: object) -> bool:
        """Whether it has told that; ``text`` is part of the text."""
        return any(
            each["event"] == event
            and text in str(each.get("text", ""))
            and all(each.get(name) == value for name, value in fields.items())
            for each in list(self.told)
        )

    def wait(self, event: str, text: str = "", **fields: object) -> None:
        """Wait until it has."""
        end = time.monotonic() + LIMIT
        while not self.has(event, text, **fields):
            assert time.monotonic() < end, f"{self.uri}: no {event} {text} {fields} in {self.told}"
            assert self._process.poll() is None, f"{self.uri} has ended: {self.told}"
            time.sleep(0.05)


@contextlib.contextmanager
def sipe(port: int, name: str) -> Iterator[Sipe]:
    """A user who has logged in."""
    command = [sys.executable, str(DRIVER), f"{HOST}:{port}", f"{name}@{HOST}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        user = Sipe(process, f"sip:{name}@{HOST}")
        try:
            user.wait("signed on")
            yield user
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[int, Path]]:
    """A whole server: its SIP port, and its log."""
    ports = {name: free_port() for name in ("sip", "mcu-sip", "http", "mcu-http")}
    media = free_port() & ~1
    options = [f"--{name}-port={port}" for name, port in ports.items()]
    log = folder / "serve.log"
    command = [sys.executable, "-m", "pyc3p", "serve", *options, f"--media-ports={media}-{media + 19}", "--workers=0"]
    with running([*command, "--state=none", "--log-format=plain"], log, cwd=Path(__file__).parents[2]):
        wait_for_text(log, "MCU mcu-1.chat announced itself", limit=LIMIT)
        yield ports["sip"], log


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    require_pidgin_sipe()
    with served(tmp_path) as found:
        yield found


def test_a_meeting_by_the_menu_of_pidgin_sipe(server: tuple[int, Path]) -> None:
    port, log = server
    with sipe(port, "bob") as bob, sipe(port, "carol") as carol:
        # Its Focus Factory comes from provisioning; carol's client joins by the invitation of bob's.
        bob.do(f"new {carol.uri}")
        for each in (bob, carol):
            each.wait("entered", who=bob.uri)
            each.wait("entered", who=carol.uri)
        bob.wait("role", who=bob.uri, presenter=True)

        bob.do("say hello from bob")
        carol.wait("said", "hello from bob", who=bob.uri)
        carol.do("say hello from carol")
        bob.wait("said", "hello from carol", who=carol.uri)

        bob.do("lock")
        carol.wait("said", "This conference is locked")
        bob.do("unlock")
        carol.wait("said", "no longer locked")

        bob.do(f"leader {carol.uri}")
        for each in (bob, carol):
            each.wait("role", who=carol.uri, presenter=True)

        bob.do(f"remove {carol.uri}")
        carol.wait("said", "You have been disconnected from this conference")
        bob.wait("left", who=carol.uri)

        bob.do("leave")
        wait_for_text(log, "over: empty", limit=LIMIT)
        assert not bob.has("said", "not delivered")
        assert not any(each.has("error") for each in (bob, carol))


def test_pidgin_sipe_sees_who_chats_with_another_client_and_hears_it(server: tuple[int, Path], tmp_path: Path) -> None:
    port, _ = server
    invite = [sys.executable, "-m", "pyc3p", "invite", "--server", f"{HOST}:{port}", "--as", f"sip:ann@{HOST}"]
    log = tmp_path / "invite.log"
    with sipe(port, "bob") as bob, running([*invite, "--chat"], log, cwd=Path(__file__).parents[2]):
        wait_for_text(log, "chat opened", limit=LIMIT)
        uri = next(word for word in log.read_text().split() if "opaque=app:conf:focus:" in word)
        bob.do(f"join {uri}")
        bob.wait("role", who=f"sip:ann@{HOST}", presenter=True)
        bob.wait("entered", who=bob.uri)  # what it says before that, it throws away
        bob.do("say hello")
        wait_for_text(log, "hello", limit=LIMIT)


async def invites(port: int, bob: Sipe) -> None:
    """A client of ours makes a conference with chat alone, invites bob, and chats with it."""
    place = Place(name="client", host=HOST, transports=("TCP",), wall_clock=wall_clock())
    config = focus.ClientConfig(
        aor=f"sip:ann@{HOST}", display_name="Ann", outbound_proxy=sip.Uri.parse(f"sip:{HOST}:{port};transport=tcp")
    )
    element, client = parts.client(place, config, entropy=live_entropy())
    node = Node(element)

    async def have(event: type[sip.Event], give: Callable[[float], object]) -> None:
        give(node.now)
        node.kick()
        await node.wait_for(lambda: bool(node.of(event)), LIMIT, event.__name__)

    await node.start()
    try:
        await have(focus.ConferenceCreated, lambda now: client.create_conference(mcu_types=("chat",), now=now))
        uri = node.of(focus.ConferenceCreated)[0].conference_uri
        await have(focus.Joined, lambda now: client.join(uri, now=now))
        await have(focus.RosterChanged, lambda now: client.subscribe(now=now))
        await have(focus.ChatOpened, lambda now: client.open_chat(now=now))
        await have(focus.InvitationAccepted, lambda now: client.invite_to_conference(bob.uri, now=now))
        await asyncio.to_thread(bob.wait, "entered", who=bob.uri)
        await have(focus.CommandSucceeded, lambda now: client.say("welcome", now=now))
        await asyncio.to_thread(bob.wait, "said", "welcome", who=f"sip:ann@{HOST}")
        bob.do("say thank you")
        await node.wait_for(lambda: bool(node.of(focus.MessageReceived)), LIMIT, "an answer")
        (heard,) = node.of(focus.MessageReceived)
        assert (heard.sender, heard.text) == (bob.uri, "thank you")
        await have(focus.Left, lambda now: client.end_conference(now=now))
        await asyncio.to_thread(bob.wait, "said", "You have been disconnected from this conference")
    finally:
        await node.stop()


def test_pidgin_sipe_comes_when_a_client_of_ours_invites_it(server: tuple[int, Path]) -> None:
    with sipe(server[0], "bob") as bob:
        asyncio.run(invites(server[0], bob))


async def comes(port: int, bob: Sipe) -> None:
    """A client of ours registers, is invited by the menu of bob, comes, and chats with it."""
    place = Place(name="client", host=HOST, sip_port=free_port(), transports=("TCP",), wall_clock=wall_clock())
    server = f"sip:{HOST}:{port};transport=tcp"
    config = focus.ClientConfig(aor=f"sip:ann@{HOST}", display_name="Ann", outbound_proxy=sip.Uri.parse(server))
    element, client = parts.client(place, config, entropy=live_entropy())
    node = Node(element)
    assert element.pump is not None
    endpoint = element.pump.endpoint

    async def have(event: type[sip.Event], give: Callable[[float], object]) -> None:
        give(node.now)
        node.kick()
        await node.wait_for(lambda: bool(node.of(event)), LIMIT, event.__name__)

    await node.start()
    try:
        contact = place.sip_uri("ann", "tcp")
        headers = (("Contact", sip.NameAddr(contact)), ("Expires", "300"))
        own = sip.NameAddr(config.aor)
        endpoint.request(config.owner, "REGISTER", server, from_=own, to=own, headers=headers, now=node.now)
        node.kick()
        await node.wait_for(lambda: endpoint.traffic.responses["in", "REGISTER", "200"] > 0, LIMIT, "the registration")
        bob.do(f"new {config.aor}")
        await node.wait_for(lambda: bool(node.of(focus.ConferenceInvited)), LIMIT, "the invitation")
        (invited,) = node.of(focus.ConferenceInvited)
        await have(focus.Joined, lambda now: client.accept_invitation(invited.invitation, now=now))
        await have(focus.RosterChanged, lambda now: client.subscribe(now=now))
        await have(focus.ChatOpened, lambda now: client.open_chat(now=now))
        await asyncio.to_thread(bob.wait, "entered", who=config.aor)
        await have(focus.CommandSucceeded, lambda now: client.say("here I am", now=now))
        await asyncio.to_thread(bob.wait, "said", "here I am", who=config.aor)
        bob.do("say welcome")
        await node.wait_for(lambda: bool(node.of(focus.MessageReceived)), LIMIT, "a word")
        assert node.of(focus.MessageReceived)[0].text == "welcome"
        assert node.of(focus.MessageNotDelivered) == []
    finally:
        await node.stop()


def test_pidgin_sipe_invites_a_client_of_ours(server: tuple[int, Path]) -> None:
    with sipe(server[0], "bob") as bob:
        asyncio.run(comes(server[0], bob))
