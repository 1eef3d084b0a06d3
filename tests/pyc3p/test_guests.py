"""Guests of a server at the command line: a passcode that is asked for, and proved to a server that runs."""

from __future__ import annotations

import getpass
import io
import sys

import attrs
import pytest

import focus
from pyc3p.commands.credentials import read_passcode
from pyc3p.commands.invite import Invite, InviteOptions
from pyc3p.elements import parts
from pyc3p.elements.node import Node
from pyc3p.elements.server import Server
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.serve import ServeConfig
from sip import Uri
from sip.aio import live_entropy, wall_clock
from tests.pyc3p.test_cli import pyc3p
from tests.pyc3p.test_serve import Kept, invite_options, serve_config, until, with_server

CONFERENCE = "sip:alice@192.0.2.10;gruu;opaque=app:conf:focus:id:AB"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_passcode_comes_from_the_environment_or_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_passcode({"PYC3P_PASSCODE": "2468"}) == "2468"
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "1357")
    assert read_passcode({}) == "1357"
    for nobody in (io.StringIO(), None):
        monkeypatch.setattr(sys, "stdin", nobody)
        with pytest.raises(UsageProblem, match="PYC3P_PASSCODE"):
            read_passcode({})


def line(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, InviteOptions | None]:
    given: list[InviteOptions] = []

    def take(options: InviteOptions, *, as_json: bool) -> int:
        given.append(options)
        return 0

    monkeypatch.setattr("pyc3p.commands.invite.run_invite", take)
    return pyc3p("invite", *arguments), given[0] if given else None


def test_who_comes_with_a_passcode_is_nobody_and_somebody_else_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYC3P_PASSCODE", "2468")
    names = set()
    for _ in range(2):
        code, options = line(monkeypatch, "--conference", CONFERENCE, "--passcode")
        assert code == 0
        assert options is not None
        assert (options.passcode, options.server, options.targets) == ("2468", ("192.0.2.10", 5060), ())
        assert Uri.parse(options.aor).host == "anonymous.invalid"
        assert "2468" not in repr(options)
        names.add(options.aor)
    assert len(names) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "who is to be called?"),
        (("bob@192.0.2.10", "--passcode"), "name it with --conference"),
        (("--conference", CONFERENCE, "--passcode", "--as", "bob@192.0.2.10"), "leave out --as"),
    ],
)
def test_mistakes_are_said_before_a_passcode_is_asked_for(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PYC3P_PASSCODE", raising=False)
    assert line(monkeypatch, *arguments) == (2, None)
    assert said in capsys.readouterr().err


async def organized(config: ServeConfig) -> tuple[Node, str]:
    """A conference for guests with a passcode, and the node of its organizer."""
    proxy = Uri("sip", "127.0.0.1", port=config.sip_port, params={"transport": "tcp"})
    place = parts.Place(name="organizer", host="127.0.0.1", wall_clock=wall_clock())
    settings = focus.ClientConfig(aor="sip:alice@127.0.0.1", outbound_proxy=proxy)
    element, client = parts.client(place, settings, entropy=live_entropy())
    node = Node(element)
    await node.start()
    client.create_conference(subject="Open", admission_policy="anonymous", passcode="2468", now=node.now)
    node.kick()
    await until(lambda: bool(node.of(focus.ConferenceCreated)))
    uri = node.of(focus.ConferenceCreated)[0].conference_uri
    client.join(uri, now=node.now)
    node.kick()
    await until(lambda: bool(node.of(focus.Joined)))
    return node, uri


def test_a_guest_with_the_passcode_is_in_and_one_with_another_is_not() -> None:
    config, told = serve_config(), Kept()

    async def scenario(server: Server, output: Kept) -> None:
        organizer, uri = await organized(config)
        for passcode in ("2468", "1357"):
            options = invite_options(config, conference=uri, passcode=passcode, stay=0.2, display_name="Ann")
            guest = Invite(attrs.evolve(options, aor=focus.guest_aor(live_entropy())), told)
            if passcode == "2468":
                assert await guest.run() == 0
            else:
                with pytest.raises(Problem, match="does not take that passcode"):
                    await guest.run()
        await organizer.stop()

    with_server(config, scenario)
    assert "joined as attendee" in told.texts
