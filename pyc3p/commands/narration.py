"""What the parts of a server report, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import focus
import mcu
from mcu import AnnouncementFault
from pyc3p.commands.credentials import CHALLENGES
from pyc3p.elements.node import StrangerRefused
from pyc3p.phone import (
    PhoneAnswered,
    PhoneHeld,
    PhoneNotRegistered,
    PhoneRegistered,
    PhoneReleased,
    PhoneRinging,
)
from pyc3p.roster import short_uri
from sip import BindingsChanged, CredentialsRefused, DomainNotServed, Event, StateUnreadable
from sip.aio import TlsFault, TlsFaultKind


def narrate(event: Event) -> str | None:
    """One line about an event; None for those that only machines care about."""
    return _of_server(event) or _of_leg(event) or _of_phone(event)


def _of_server(event: Event) -> str | None:
    match event:
        case BindingsChanged():
            which = event.bindings if event.cause == "registered" else event.gone
            where = ", ".join(str(binding.uri) for binding in which)
            return f"{event.aor} {event.cause}" + (f" at {where}" if where else "")
        case focus.RecordAdded():
            return f"{short_uri(event.conference_uri)} created by {short_uri(event.organizer)}"
        case focus.ConferenceActivated():
            return f"{short_uri(event.conference_uri)} began"
        case focus.ConferenceRestored():
            left = f", {event.absent} may come back" if event.absent else ""
            return f"{short_uri(event.conference_uri)} goes on with {event.participants} in it{left}"
        case StateUnreadable():
            return f"state left out: {event.reason}"
        case focus.ConferenceEnded():
            return f"{short_uri(event.conference_uri)} over: {event.reason.value}"
        case focus.ParticipantJoined():
            place = " (in the lobby)" if event.in_lobby else f" as {event.role}"
            return f"{short_uri(event.conference_uri)}: {short_uri(event.user)} joined{place}"
        case focus.ParticipantLeft():
            return f"{short_uri(event.conference_uri)}: {short_uri(event.user)} left ({event.cause})"
        case focus.McuAssigned():
            return f"{short_uri(event.conference_uri)}: {event.mcu_type} by {event.mcu_id}"
        case focus.McuLost():
            taken = f"; {event.participants} on it taken off" if event.participants else ""
            return f"{short_uri(event.conference_uri)}: {event.mcu_id} lost ({event.reason}){taken}"
        case focus.McuSilent():
            shown = f"; {event.participants} on it may be gone" if event.participants else ""
            return f"{short_uri(event.conference_uri)}: {event.mcu_id} does not answer{shown}"
        case focus.RequestRefused():
            who = short_uri(event.sender)
            asked = f"{event.what} of {who} from {event.source} to {short_uri(event.conference_uri)}"
            return f"refused {asked}: {event.status}, {event.text}"
        case CredentialsRefused():
            return f"refused password of {_name(event.username)} from {event.source}: {event.reason}"
        case DomainNotServed():
            asked = f"{event.method} of {short_uri(event.sender)} from {event.source}"
            return f"refused {asked}: {event.domain} is not served here"
        case mcu.CommandRefused():
            target = f" {short_uri(event.target)}" if event.target else ""
            by = f" for {short_uri(event.originator)}" if event.originator else ""
            return f"refused {event.command}{target}{by}: {event.text} ({event.reason})"
        case mcu.McuRegistered():
            return f"MCU {event.mcu_id} announced itself"
        case mcu.McuForgotten():
            return f"MCU {event.mcu_id} is gone"
        case _:
            return _of_announcement(event)


def _name(username: str) -> str:
    """A name that a stranger has written, so that nothing of it can pass for another part of the line."""
    shown = "".join(each if each.isascii() and each.isprintable() and each not in '"\\' else "?" for each in username)
    return f'"{shown[:64]}"'


#: What mends an announcement that a Factory refuses.
_MEND: Final[Mapping[AnnouncementFault, str]] = {
    AnnouncementFault.NOT_AUTHENTICATED: "its secret is unknown; name it with --mcu, and give it what "
    "`pyc3p pair-secrets` prints for it",
    AnnouncementFault.PRINCIPAL: "{peer} may not announce MCUs; name it with --mcu",
    AnnouncementFault.NOT_ITS_ID: "{peer} may only announce itself; start it with --mcu-id {peer}",
    AnnouncementFault.HOST: "{peer} is not expected at its address; name it with --mcu {peer}@HOST",
    AnnouncementFault.ID_TAKEN: "another MCU has that id; give it one of its own with --mcu-id, and name that here "
    "with --mcu",
    AnnouncementFault.INCOMPLETE: "id, URL and types are needed",
    AnnouncementFault.NO_ROOM: "there are too many MCUs; max_mcus of the MCU Factory is the limit",
}


def _of_announcement(event: Event) -> str | None:
    match event:
        case mcu.AnnouncementRefused():
            return f"MCU {event.mcu_id or '(without id)'} refused: {_MEND[event.fault].format(peer=event.peer)}"
        case mcu.RegistrationAccepted():
            return f"the MCU Factory at {event.url} takes this MCU now"
        case mcu.RegistrationRefused(status=None):
            return f"the MCU Factory at {event.url} does not answer ({event.reason}); trying again"
        case mcu.RegistrationRefused(status=401):
            return (
                f"the MCU Factory at {event.url} does not know this MCU (401): serve it there with --mcu and the id of "
                "this one, and give this one what `pyc3p pair-secrets` prints for that id"
            )
        case mcu.RegistrationRefused(status=403):
            return (
                f"the MCU Factory at {event.url} does not take this MCU (403): another has its id, or it is not "
                "expected at this address; choose an id with --mcu-id, and serve the Factory with --mcu ID@HOST"
            )
        case mcu.RegistrationRefused():
            why = f": {event.reason}" if event.reason else ""
            return f"the MCU Factory at {event.url} does not take this MCU ({event.status}){why}"
        case TlsFault():
            return _of_tls(event)
        case StrangerRefused():
            hint = "; if that is an MCU of yours, name it with --mcu, and give it what `pyc3p pair-secrets` prints"
            return f"{event.host} has no known secret for {event.path}, refused (401){hint}"
        case _:
            return None


def _of_tls(event: TlsFault) -> str:
    match event.kind:
        case TlsFaultKind.TLS_ON_PLAIN_PORT:
            return f"{event.host} speaks TLS to port {event.port}, which is plain: closed; TLS has a port of its own"
        case TlsFaultKind.PLAIN_ON_TLS_PORT:
            return f"{event.host} does not speak TLS to port {event.port}, which wants it: closed"
        case TlsFaultKind.CLIENT:
            return f"{event.host} could not connect to port {event.port}: {event.reason} (TLS)"
        case TlsFaultKind.NO_TLS:
            return (
                f"the server {event.host} does not speak TLS on port {event.port}; SIP over TLS has a port of its own, "
                "5061 unless tls.port says another"
            )
        case _:
            return (
                f"the server {event.host} port {event.port} is not trusted, or does not trust us: {event.reason} "
                "(TLS); is its certificate for that name, and of an authority that --ca, or ca in the settings, names?"
            )


def _of_leg(event: Event) -> str | None:
    if not isinstance(event, mcu.LegEvent):
        return None
    who = short_uri(event.user)
    match event:
        case mcu.LegDialing():
            return f"calling {who}"
        case mcu.LegAlerting():
            return f"{who} rings"
        case mcu.LegConnected():
            how = ", ".join(filter(None, (event.codec, "SRTP" if event.encrypted else "")))
            return f"{who} connected ({how})" if how else f"{who} connected to the chat"
        case mcu.LegEnded():
            status = f", {cause}" if (cause := f"{event.status or ''} {event.reason or ''}".strip()) else ""
            refused = "; it wants a password that we do not have, or another one" if event.status in CHALLENGES else ""
            return f"{who} {event.method}{status}{refused}"
        case mcu.LegHeld():
            return f"{who} holds"
        case mcu.LegResumed():
            return f"{who} is back"
        case mcu.DtmfReceived():
            return f"{who} pressed a key"
        case _:
            return None


def _of_phone(event: Event) -> str | None:
    match event:
        case PhoneRegistered():
            return f"registered for {event.expires} s"
        case PhoneNotRegistered():
            why = f"refused with {event.status}" if event.status else "not answered"
            return f"registration {why}; trying again"
        case PhoneRinging():
            return f"{event.caller_name or short_uri(event.caller)} calls"
        case PhoneAnswered():
            return "answered"
        case PhoneHeld():
            return "on hold" if event.held else "back from hold"
        case PhoneReleased():
            return f"call over: {event.end.value}, {event.talked_for:.1f} s"
        case _:
            return None
