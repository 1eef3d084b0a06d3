"""A roster in the words of people: "Bob rings", where a document says ``audio-video alerting``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import c3p
from c3p import SessionType, Status
from pyc3p.roster import Change, changes, short_uri

#: Somebody's client: it is in the conference, or waits for that.
_PRESENT: Final[Mapping[str, str]] = {
    Status.PENDING: "comes in",
    Status.CONNECTED: "is here",
    Status.ON_HOLD: "waits in the lobby",
    Status.DISCONNECTING: "is leaving",
    Status.DISCONNECTED: "has left",
}
_PHONE: Final[Mapping[str, str]] = {
    Status.PENDING: "is about to be called",
    Status.DIALING_OUT: "is being called",
    Status.ALERTING: "rings",
    Status.DIALING_IN: "is calling in",
    Status.CONNECTED: "is on the phone",
    Status.ON_HOLD: "is on hold",
    Status.MUTED_VIA_FOCUS: "is on the phone, muted",
    Status.DISCONNECTING: "is leaving",
    Status.DISCONNECTED: "has hung up",
}
_CHAT: Final[Mapping[str, str]] = {
    Status.PENDING: "comes into the chat",
    Status.DIALING_IN: "comes into the chat",
    Status.CONNECTED: "is in the chat",
    Status.DISCONNECTING: "is leaving the chat",
    Status.DISCONNECTED: "has left the chat",
}
_TABLES: Final[Mapping[str, Mapping[str, str]]] = {SessionType.FOCUS: _PRESENT, SessionType.CHAT: _CHAT}
#: How a phone left; of a client, and of chat, it is enough that it has.
_LEFT: Final = {"busy": "is busy", "booted": "was ejected", "failed": "is out, the call failed"}


def told(change: Change) -> str | None:
    """What happened, in a line; None where it has been said: who had left is gone."""
    if change.gone:
        return None if change.status == Status.DISCONNECTED else f"{change.name} has left"
    return f"{change.name} {_state(change)}"


def _state(change: Change) -> str:
    """What somebody does, in a few words. What is not known is told as it is."""
    table = _TABLES.get(change.session_type, _PHONE)
    if change.status == Status.DISCONNECTED and change.because in _LEFT:
        return "was ejected from the chat" if table is _CHAT else _LEFT[change.because]
    words = table.get(change.status or "", change.state)
    return f"{words}, muted" if change.muted and not words.endswith("muted") else words


def lines(roster: c3p.ConferenceInfo, *, most: int) -> list[str]:
    """Everybody in a line, at most so many lines; who is in it with several things has them all."""
    states: dict[str, list[str]] = {}
    for change in changes(None, roster):
        states.setdefault(change.user, []).append(_state(change))
    users = roster.users.users if roster.users is not None else ()
    found = [_line(user, states[user.entity]) for user in users if user.entity in states]
    return found if len(found) <= most else [*found[: most - 1], f"... and {len(found) - most + 1} more"]


def _line(user: c3p.User, states: list[str]) -> str:
    # Who is on the phone is here.
    kept = [state for state in states if state != _PRESENT[Status.CONNECTED]] or states
    role = " ".join(each for each in user.roles if each != "attendee")
    name = user.display_text or short_uri(user.entity)
    return f"{name:24} {role:10} {', '.join(dict.fromkeys(kept))}".rstrip()
