import pytest

import c3p
from pyc3p.commands.invite_commands import Command, CommandError, parse_command


def user(name: str, display: str, *endpoints: c3p.Endpoint) -> c3p.User:
    return c3p.User(entity=f"sip:{name}@example.com", display_text=display, endpoints=endpoints)


CALL = c3p.Endpoint(entity="{A}", session_type="audio-video", media=(c3p.Media(id="1", type="audio"),))
WAITING = c3p.Endpoint(entity="{B}", session_type="focus", status="on-hold")
ROSTER = c3p.ConferenceInfo(
    entity="conf",
    users=c3p.Users(
        users=(user("bob", "Robert", CALL), user("ann", "Ann"), user("anton", "Toni"), user("guest", "Guest", WAITING))
    ),
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
        ("presenter ann", Command(name="presenter", user="sip:ann@example.com")),
        ("attendee ann", Command(name="attendee", user="sip:ann@example.com")),
        ("mute-all", Command(name="mute-all")),
        ("announcements on", Command(name="announcements", value="on")),
        ("admit toni", Command(name="admit", users=("sip:anton@example.com",))),
        ("deny all", Command(name="deny", users=("sip:guest@example.com",))),
        ("hold bob", Command(name="hold", user="sip:bob@example.com", endpoint="{A}", media_id="1")),
        ("keys bob 42#", Command(name="keys", user="sip:bob@example.com", endpoint="{A}", media_id="1", value="42#")),
        ("gain bob 150", Command(name="gain", user="sip:bob@example.com", endpoint="{A}", media_id="1", value="150")),
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
        ("keys bob 42x", "keys, such as 42#"),
        ("keys bob", "keys, such as 42#"),
        ("gain bob loud", "per cent"),
        ("announcements", "announcements on, or"),
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
    assert Command(name="keys", user="sip:bob@example.com", value="1234").title == "keys bob@example.com"
    assert Command(name="admit", users=("sip:a@example.com", "sip:b@example.com")).title == (
        "admit a@example.com, b@example.com"
    )


def test_nobody_in_the_lobby_is_nobody_to_admit() -> None:
    with pytest.raises(CommandError, match="nobody is in the lobby"):
        parse_command("admit all", None)
