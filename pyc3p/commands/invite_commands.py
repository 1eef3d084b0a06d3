"""What a presenter can type during a conference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

import c3p
import focus
from pyc3p.commands.addresses import parse_target
from pyc3p.problems import UsageProblem
from pyc3p.roster import short_uri

HELP: Final = (
    "add ADDRESS, ask ADDRESS (to come), say TEXT; mute, unmute, eject, presenter, attendee, hold, resume, admit, deny "
    "NAME; keys NAME 42#; gain NAME 150; mute-all, unmute-all, lock, unlock, announcements on|off, roster, end, leave, "
    "help; first letters do (m bob, e bob, l, r); NAME is the start of a name or an address, of the lobby also all"
)

#: Abbreviations; x for unmute, u for unlock, q as most programs have it.
SHORT: Final = {
    "a": "add",
    "s": "say",
    "m": "mute",
    "x": "unmute",
    "e": "eject",
    "l": "lock",
    "u": "unlock",
    "r": "roster",
    "q": "end",
    "h": "help",
    "?": "help",
    "quit": "end",
}
PLAIN: Final = frozenset({"lock", "unlock", "mute-all", "unmute-all", "roster", "end", "leave", "help"})
ABOUT_A_USER: Final = frozenset({"eject", "presenter", "attendee"})
ABOUT_A_PHONE: Final = frozenset({"mute", "unmute", "hold", "resume"})
ABOUT_THE_LOBBY: Final = frozenset({"admit", "deny"})
#: Those with a value after the name, and what that is.
VALUES: Final = {
    "keys": re.compile(r"[0-9*#A-Da-d]{1,64}"),
    "gain": re.compile(r"[0-9]{1,3}"),
}
EVERYBODY: Final = "all"  #: who waits in the lobby


class CommandError(ValueError):
    """What was typed makes no sense; the text says why."""


@attrs.frozen(kw_only=True)
class Command:
    """Something to do."""

    name: str
    user: str = ""  #: whom it is about
    text: str = ""  #: what is to be said
    endpoint: str = ""  #: their audio endpoint, for mute and unmute
    media_id: str = ""
    users: tuple[str, ...] = ()  #: of the lobby
    value: str = attrs.field(default="", repr=False)  #: keys, a gain in per cent, on or off

    @property
    def title(self) -> str:
        """The command in words. Keys are not told: they may be a PIN."""
        who = ", ".join(short_uri(each) for each in self.users) or short_uri(self.user)
        value = self.value if self.name != "keys" else ""
        return " ".join(word for word in (self.name, who, value) if word)


def parse_command(line: str, roster: c3p.ConferenceInfo | None) -> Command | None:
    """The command in a line, None for an empty one; raises CommandError."""
    word, _, rest = line.strip().partition(" ")
    name, rest = SHORT.get(word.lower(), word.lower()), rest.strip()
    if not name:
        return None
    if name in PLAIN:
        return Command(name=name)
    if name in ("add", "ask"):
        return Command(name=name, user=_address(rest))
    if name == "say":
        return Command(name=name, text=rest)
    if name == "announcements":
        if rest not in ("on", "off"):
            raise CommandError("announcements on, or announcements off")
        return Command(name=name, value=rest)
    if name in ABOUT_THE_LOBBY:
        return Command(name=name, users=_waiting(rest, roster))
    if name in ABOUT_A_USER:
        return Command(name=name, user=_find(rest, roster).entity)
    value = ""
    if name in VALUES:
        rest, _, value = rest.rpartition(" ")
        if VALUES[name].fullmatch(value) is None:
            raise CommandError(f"{name} NAME and {'keys, such as 42#' if name == 'keys' else 'per cent, up to 800'}")
    elif name not in ABOUT_A_PHONE:
        raise CommandError(f"there is no command {word!r}; {HELP}")
    user = _find(rest.strip(), roster)
    endpoint, media = _audio(user)
    return Command(name=name, user=user.entity, endpoint=endpoint.entity, media_id=media.id, value=value)


def _waiting(text: str, roster: c3p.ConferenceInfo | None) -> tuple[str, ...]:
    """Who is meant of those in the lobby."""
    if text.lower() != EVERYBODY:
        return (_find(text, roster).entity,)
    found = tuple(user.entity for user in _users(roster) if user.in_lobby)
    if not found:
        raise CommandError("nobody is in the lobby")
    return found


def _address(text: str) -> str:
    try:
        return str(parse_target(text))
    except UsageProblem as problem:
        raise CommandError(str(problem)) from problem


def _find(text: str, roster: c3p.ConferenceInfo | None) -> c3p.User:
    """The one user whose name or address begins so."""
    wanted = text.lower()
    found = [user for user in _users(roster) if wanted and any(name.startswith(wanted) for name in _names(user))]
    if len(found) != 1:
        who = ", ".join(short_uri(user.entity) for user in found or _users(roster))
        raise CommandError(f"{'nobody' if not found else 'more than one'} is called {text!r}; here are {who or 'none'}")
    return found[0]


def _users(roster: c3p.ConferenceInfo | None) -> tuple[c3p.User, ...]:
    return roster.users.users if roster is not None and roster.users is not None else ()


def _names(user: c3p.User) -> Iterator[str]:
    yield from (user.entity.lower(), short_uri(user.entity).lower(), (user.display_text or "").lower())


def _audio(user: c3p.User) -> tuple[c3p.Endpoint, c3p.Media]:
    for endpoint in user.endpoints:
        for media in endpoint.media:
            if media.type == c3p.MediaType.AUDIO:
                return endpoint, media
    raise CommandError(f"{short_uri(user.entity)} has no audio here")


def give(client: focus.Client, command: Command, *, now: float) -> focus.CommandId:
    """Have a client carry out a command for the Focus. Raises LocalProtocolError as the client does."""
    match command.name:
        case "add":
            return client.add_user(command.user, now=now)
        case "end":
            return client.end_conference(now=now)
        case "lock" | "unlock":
            return client.set_lock(command.name == "lock", now=now)
        case "eject":
            return client.delete_user(command.user, now=now)
        case "presenter" | "attendee":
            return client.modify_user_roles(command.user, command.name, now=now)
        case "admit" | "deny":
            return client.set_lobby_access(command.users, granted=command.name == "admit", now=now)
        case "mute-all" | "unmute-all":
            return client.mute_all(command.name == "mute-all", now=now)
        case "announcements":
            return client.set_announcements(command.value == "on", now=now)
        case "hold" | "resume":
            return client.hold(command.user, endpoint=command.endpoint, holding=command.name == "hold", now=now)
        case "keys":
            return client.send_dtmf(command.user, command.value, endpoint=command.endpoint, now=now)
        case "gain":
            return client.set_gains(command.user, endpoint=command.endpoint, input_gain=int(command.value), now=now)
        case _:
            muted = command.name == "mute"
            return client.mute(command.user, endpoint=command.endpoint, media_id=command.media_id, muted=muted, now=now)
