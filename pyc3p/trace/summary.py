"""One record in a few words: what an engineer reads along an arrow of a ladder."""

from __future__ import annotations

import enum
import re
from typing import Final

import attrs

import c3p
import sip
from pyc3p.roster import short_uri, status_words
from pyc3p.trace.trace import Record

#: How much of a document is told; the rest is in the capture.
MAX_DETAIL: Final = 160

_AUDIO: Final = re.compile(rb"(?m)^m=(\w+) (\d+) [^ \r\n]+ ([^\r\n]*)")
_CONNECTION: Final = re.compile(rb"(?m)^c=IN IP[46] ([^\s/]+)")
_DIRECTION: Final = re.compile(rb"(?m)^a=(sendonly|recvonly|inactive)\s*$")


class Kind(enum.Enum):
    """What colour an arrow has."""

    REQUEST = "request"
    PROVISIONAL = "provisional"
    SUCCESS = "success"
    REDIRECT = "redirect"
    FAILURE = "failure"
    CONTROL = "control"  #: C3P over HTTP
    MALFORMED = "malformed"


@attrs.frozen
class Summary:
    """The words of one arrow."""

    label: str  #: method or status, fits on an arrow
    detail: str  #: what it is about: command and result, changes of the roster, media
    kind: Kind


def summarize(record: Record) -> Summary:
    """Put a SIP or HTTP record into words; anything at all can be given."""
    if record.layer == "http":
        return _http(record.data)
    try:
        message = sip.parse_message(record.data)
        return _request(message) if isinstance(message, sip.Request) else _response(message)
    except ValueError:
        start = record.data[:40].split(b"\r\n")[0].decode("latin-1")
        return Summary("malformed", start, Kind.MALFORMED)


def _request(message: sip.Request) -> Summary:
    parts = [_body(message)]
    if message.method in ("INVITE", "REGISTER", "SUBSCRIBE", "REFER", "MESSAGE") and not parts[0].startswith("addUser"):
        parts.insert(0, short_uri(str(message.to.uri)))
    if message.method in ("NOTIFY", "BENOTIFY"):
        parts.insert(0, _subscription_end(message))
    if message.method in ("BYE", "CANCEL"):
        parts.append(message.headers.get("reason") or "")
    detail = _join(parts)
    return Summary(message.method, detail, Kind.FAILURE if " failure" in detail else Kind.REQUEST)


def _response(message: sip.Response) -> Summary:
    parts = [message.cseq.method, _diagnostics(message), _body(message)]
    return Summary(f"{message.status} {message.reason}".rstrip(), _join(parts), _kind(message.status))


def _kind(status: int) -> Kind:
    if status < 200:
        return Kind.PROVISIONAL
    if status < 300:
        return Kind.SUCCESS
    return Kind.REDIRECT if status < 400 or status in (401, 407) else Kind.FAILURE


def _subscription_end(message: sip.Request) -> str:
    state = message.headers.get("subscription-state") or ""
    return state.replace(";", " ") if state.startswith("terminated") else ""


def _diagnostics(message: sip.Response) -> str:
    value = message.headers.get("ms-diagnostics") or message.headers.get("ms-diagnostics-public") or ""
    error_id = value.split(";", 1)[0].strip()
    return f"error {error_id}" if error_id else ""


def _http(data: bytes) -> Summary:
    head, _, body = data.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    told = _document(body) if body.strip() else ""
    if words[0].startswith("HTTP/"):
        status = int(words[1]) if len(words) > 1 and re.fullmatch("[0-9]{3}", words[1]) else 0
        failed = status >= 300 or " failure" in told
        reason = words[2] if len(words) > 2 else ""
        return Summary(f"{status} {reason}".rstrip(), told, Kind.FAILURE if failed else Kind.CONTROL)
    path = words[1] if len(words) > 1 else ""
    return Summary(words[0], _join([told, "" if told else path]), Kind.CONTROL)


def _body(message: sip.Request | sip.Response) -> str:
    kind = message.content_type if message.body else None
    if kind is None:
        return ""
    description = sip.body_of(message, "application/sdp")
    if description:
        return describe_sdp(description)
    for inner in (kind,) if kind.endswith("+xml") else (c3p.CCCP_TYPE, c3p.CONFERENCE_INFO_TYPE):
        document = sip.body_of(message, inner)
        if document:
            return _document(document)
    return kind


def describe_sdp(body: bytes) -> str:
    """Each medium of a description with its port, its formats and a direction that is not sendrecv."""
    told = [f"{kind.decode()} {port.decode()} [{formats.decode()}]" for kind, port, formats in _AUDIO.findall(body)]
    directions = [direction.decode() for direction in _DIRECTION.findall(body)]
    return "SDP " + ", ".join(told) + "".join(f" {direction}" for direction in directions)


def sdp_addresses(body: bytes) -> list[tuple[str, int]]:
    """Where the sender of a description wants its media: each address and port, and the port above for RTCP."""
    connection = _CONNECTION.search(body)
    if connection is None:
        return []
    host = connection[1].decode("latin-1")
    ports = [int(port) for _, port, _ in _AUDIO.findall(body) if 0 < int(port) < 65535]
    return [(host, port + extra) for port in ports for extra in (0, 1)]


def _document(body: bytes) -> str:
    try:
        return _clip(describe_document(c3p.parse_document(body)))
    except ValueError:
        return "malformed document"


def describe_document(document: object) -> str:
    """A C3P request, response or notification, or a roster document, in words."""
    if isinstance(document, c3p.Request):
        return _join([_command(document.command), f"#{document.request_id}"])
    if isinstance(document, c3p.Response):
        return _describe_response(document)
    if isinstance(document, c3p.Notify):
        return f"notify {describe_roster(document.conference_info)}"
    if isinstance(document, c3p.ConferenceInfo):
        return describe_roster(document)
    return type(document).__name__


def _describe_response(response: c3p.Response) -> str:
    reason, specific = response.reason or "", response.command_reason
    return _join(
        [
            response.command.name if response.command else "",
            response.code.value,
            f"{reason}/{specific}" if specific else reason,
            f"#{response.request_id}",
        ]
    )


def _command(command: c3p.Command) -> str:
    match command:
        case c3p.AddUser():
            return _join([command.name, command.joining_method or "join", short_uri(command.user.entity)])
        case c3p.DeleteUser():
            return _join([command.name, short_uri(command.user_keys.user_entity)])
        case c3p.ModifyConferenceLock():
            return _join([command.name, "locked" if command.locked else "unlocked"])
        case c3p.RegisterMcu():
            return _join([command.name, command.mcu_id])
        case _:
            return command.name


def describe_roster(info: c3p.ConferenceInfo) -> str:
    """State, version and the users and views that a document speaks of."""
    state = str(info.state or "full")
    if state == "deleted":
        return "conference deleted"
    version = "" if info.version is None else f"v{info.version}"
    users = info.users.users if info.users else ()
    told = [f"{short_uri(user.entity)} {status_words(user)}" for user in users]
    if not told and info.conference_view:
        told = ["view " + short_uri(view.entity) for view in info.conference_view.views]
    return _join([state, version]) + (": " + "; ".join(told) if told else "")


def _join(parts: list[str]) -> str:
    return " ".join(part for part in parts if part)


def _clip(text: str) -> str:
    return text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"
