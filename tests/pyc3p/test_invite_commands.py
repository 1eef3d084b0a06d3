import pytest

import c3p
from pyc3p.commands.invite_commands import Command, CommandError, parse_command


def user(name: str, display: str, *endpoints: c3p.Endpoint) -> c3p.User:
    return c3p.User(entity=f"sip:{name}@example.com", display_text=display, endpoints=endpoints)


CALL = c3p.Endpoint(entity="{A}", session_type="audio-video", media=(c3p.Media(id="1", type="audio"),))
ROSTER = c3p.ConferenceInfo(
    entity="conf", users=c3p.Users(users=(user("bob", "Robert", CALL), user("ann", "Ann"), user("anton", "Toni")))
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("lock", Command(name="lock")),
        (" L \n", Command(name="lock")),
        ("q", Command(name="end")),
        ("leave", Command(name="leave")),
        ("?", Command(name="help")),
        ("add sip:eve@example.com", Command(name="add", user="sip:eve@example.com")),
        ("a eve@example.com", Command(name="add", user="sip:eve@example.com")),
        ("eject toni", Command(name="eject", user="sip:anton@example.com")),
        ("m bob", Command(name="mute", user="sip:bob@example.com", endpoint="{A}", media_id="1")),
        ("unmute Robert", Command(name="unmute", user="sip:bob@example.com", endpoint="{A}", media_id="1")),
        ("e sip:bob@example.com", Command(name="eject", user="sip:bob@example.com")),
    ],
)
def test_what_is_typed_is_understood(line: str, command: Command) -> None:
    assert parse_command(line, ROSTER) == command


def test_an_empty_line_is_nothing() -> None:
    assert parse_command("  \n", ROSTER) is None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("dance", "no command 'dance'"),
        ("add nobody", "no SIP address"),
        ("add sip:\ufffd\ufffd@127.0.0.1", "no SIP address"),
        ("mute", "nobody is called ''"),
        ("mute eve", "nobody is called 'eve'; here are bob@example.com"),
        ("eject an", "more than one is called 'an'; here are ann@example.com, anton@example.com"),
        ("mute ann@", "ann@example.com has no audio"),
    ],
)
def test_what_makes_no_sense_is_explained(line: str, complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        parse_command(line, ROSTER)


def test_without_a_roster_there_is_nobody() -> None:
    with pytest.raises(CommandError, match="here are none"):
        parse_command("eject bob", None)


def test_a_command_has_a_title() -> None:
    assert Command(name="mute", user="sip:bob@example.com").title == "mute bob@example.com"
    assert Command(name="lock").title == "lock"
