"""What a presenter can type during a conference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

import c3p
from pyc3p.commands.addresses import parse_target
from pyc3p.problems import UsageProblem
from pyc3p.roster import short_uri

HELP: Final = (
    "add ADDRESS, ask ADDRESS (to come), say TEXT, mute NAME, unmute NAME, eject NAME, lock, unlock, roster, end, "
    "leave, help; "
    "first letters do (m bob, e bob, l, r); NAME is the start of a name or an address"
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
PLAIN: Final = frozenset({"lock", "unlock", "roster", "end", "leave", "help"})
ABOUT_A_USER: Final = frozenset({"mute", "unmute", "eject"})


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

    @property
    def title(self) -> str:
        """The command in words."""
        return f"{self.name} {short_uri(self.user)}".rstrip()


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
    if name not in ABOUT_A_USER:
        raise CommandError(f"there is no command {word!r}; {HELP}")
    user = _find(rest, roster)
    if name == "eject":
        return Command(name=name, user=user.entity)
    endpoint, media = _audio(user)
    return Command(name=name, user=user.entity, endpoint=endpoint.entity, media_id=media.id)


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
