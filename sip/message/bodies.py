"""What is in the body of a message, wherever in it (RFC 3261 sections 7.4, 8.2.3 and 20.11, RFC 5621).

A body is one part, or parts within parts: ``multipart/mixed`` of independent ones, ``multipart/alternative`` of which
the last that is understood counts, ``multipart/related`` around a root. What a part is for stands in its
Content-Disposition, and there, too, whether a message must be refused by those who do not understand the part.
"""

from __future__ import annotations

import binascii
import enum
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

import attrs

from sip.errors import LimitExceeded, SipError
from sip.headers.content_type import ContentType
from sip.message.headers import Headers
from sip.message.message import Message
from sip.message.multipart import MAX_DEPTH, Part, sections

SDP: Final = "application/sdp"

_NAMES: Final = ("Content-Type", "Content-Disposition", "Content-ID", "Content-Encoding", "Content-Transfer-Encoding")
_MORE: Final = frozenset(name.lower() for name in _NAMES[1:])
#: What parts are for that are read here. A description that is for anything else than the session, such as an
#: ``early-session`` (RFC 3959), must not be taken for that of the session.
_FOR_SESSION: Final = frozenset(("session",))
_FOR_OTHERS: Final = frozenset(("render", "session", "signal", "info-package"))
#: RFC 5621 section 3.2: binary is the rule in SIP; gateways from the world of mail send the others.
_DECODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    "7bit": bytes,
    "8bit": bytes,
    "binary": bytes,
    "base64": binascii.a2b_base64,
    "quoted-printable": binascii.a2b_qp,
}


@attrs.frozen
class BodyRefusal:
    """How a request is answered whose body cannot be taken."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    encoded: bool = False  #: because of an encoding, whatever its type


class _Verdict(enum.Enum):
    """What a part means for its message."""

    TAKEN = "understood, or not needed"
    UNKNOWN = "needed, but of a type or for a purpose that is not understood"
    ENCODED = "needed, but in an encoding that is not understood"
    BROKEN = "needed, but it cannot be read"


def body_of(message: Message, *media_types: str) -> bytes:
    """The octets of the first of these types, decoded; empty when there are none, or none for us. Never raises.

    A body whose type is not said is taken for what is asked for.
    """
    body = message.body
    if not body:
        return b""
    if "Content-Type" not in message.headers:
        return body if media_types else b""
    plain = _plain_type_of(message)
    for media_type in media_types:
        wanted = media_type.lower()
        if plain == wanted:
            return body
        if found := _found(Part(body, _headers_of(message)), wanted, MAX_DEPTH):
            return found
    return b""


def describes(message: Message) -> bool:
    """Whether it carries a description of the session: an offer or an answer in SDP."""
    return bool(body_of(message, SDP))


def description_in(body: bytes, content_type: str | None) -> bytes:
    """The description in a body of ours, before it is sent; empty when there is none."""
    if not body or content_type is None or content_type.strip().lower() == SDP:
        return body
    return _found(Part(body, Headers([("Content-Type", content_type)])), SDP, MAX_DEPTH) or b""


def is_description(body: bytes, content_type: str | None) -> bool:
    """Whether there is one."""
    return bool(description_in(body, content_type))


def refusal_of_body(message: Message, accept: Collection[str]) -> BodyRefusal | None:
    """How a request is to be refused for its body by who understands the types in ``accept``; None when it is not.

    A part that is ``handling=optional`` is no reason. A multipart type in ``accept`` is left to whoever listed it.
    Never raises.
    """
    if not message.body or _plain_type_of(message) in accept:
        return None
    part = Part(message.body, _headers_of(message))
    if "content-type" not in message.headers.by_key:
        verdict = _Verdict.UNKNOWN if _is_required(part) else _Verdict.TAKEN
    else:
        verdict = _judged(part, frozenset(each.lower() for each in accept), MAX_DEPTH)
    match verdict:
        case _Verdict.TAKEN:
            return None
        case _Verdict.BROKEN:
            return BodyRefusal(400)
        case _Verdict.ENCODED:
            return BodyRefusal(415, (("Accept-Encoding", "identity"),), encoded=True)
        case _:
            return BodyRefusal(415, (("Accept", ", ".join(sorted(accept))),))


def _plain_type_of(message: Message) -> str:
    """The type of a body of which nothing else is said, as with nearly every one; empty when there is more to read."""
    index = message.headers._index or message.headers.by_key
    lines = index.get("content-type", ())
    if len(lines) != 1 or not _MORE.isdisjoint(index):
        return ""
    return lines[0].lower()


def _headers_of(message: Message) -> Headers:
    return Headers._of([(name, value) for name in _NAMES for value in message.headers.get_all(name)])


# One part ------------------------------------------------------------------------------------------------------------


def _type_of(part: Part) -> ContentType | None:
    try:
        return part.content_type if len(part.headers.get_all("Content-Type")) < 2 else None
    except SipError:
        return None


def _is_required(part: Part) -> bool:
    """Whether a message is to be refused when the part is not understood; so by default."""
    try:
        return part.disposition.handling_required
    except SipError:
        return True


def _purpose_is_known(part: Part, media_type: str) -> bool:
    try:
        purpose = part.disposition.disposition
    except SipError:
        return True  # what nobody can read is as if it were absent: the default
    return purpose in (_FOR_SESSION if media_type == SDP else _FOR_OTHERS)


def _decoded(part: Part) -> bytes | None:
    """Its octets, None when they are encoded in a way that is not understood."""
    encoding = part.headers.get("Content-Encoding", "").strip().lower()
    decoder = _DECODERS.get(part.headers.get("Content-Transfer-Encoding", "").strip().lower())
    if encoding not in ("", "identity") or decoder is None:
        return None
    try:
        return decoder(part.body)
    except binascii.Error:
        return None


def _accepts(accept: frozenset[str], media_type: str) -> bool:
    return not accept.isdisjoint((media_type, media_type.partition("/")[0] + "/*", "*/*"))


# Parts within parts --------------------------------------------------------------------------------------------------


def _parts_of(part: Part, content_type: ContentType) -> list[Part | None]:
    """The parts of a multipart, None in the place of one that cannot be read. Raises SipError when it has none."""
    found: list[Part | None] = []
    for section in sections(part.body, content_type):
        try:
            found.append(Part.parse(section))
        except SipError:
            found.append(None)
    return found


def _in_order(parts: Iterable[Part | None], content_type: ContentType) -> list[Part]:
    """The readable ones in the order in which they count."""
    readable = [part for part in parts if part is not None]
    if content_type.media_type == "multipart/alternative":
        return readable[::-1]  # RFC 2046 section 5.1.4: the last one is the best
    start = content_type.params.get("start")
    if content_type.media_type == "multipart/related" and start is not None:
        root = start.strip().removeprefix("<").removesuffix(">")
        return sorted(readable, key=lambda part: part.content_id != root)
    return readable


def _found(part: Part, wanted: str, depth: int) -> bytes | None:
    content_type = _type_of(part)
    if content_type is None:
        return None
    media_type = content_type.media_type
    if media_type == wanted:
        return _decoded(part) if _purpose_is_known(part, media_type) else None
    if not media_type.startswith("multipart/") or depth == 0:
        return None
    try:
        parts = _parts_of(part, content_type)
    except SipError:
        return None
    found = (_found(inner, wanted, depth - 1) for inner in _in_order(parts, content_type))
    return next((octets for octets in found if octets), None)


def _judged(part: Part, accept: frozenset[str], depth: int) -> _Verdict:
    if not _is_required(part):
        return _Verdict.TAKEN
    content_type = _type_of(part)
    if content_type is None:
        return _Verdict.BROKEN
    media_type = content_type.media_type
    if not _accepts(accept, media_type) and media_type.startswith("multipart/"):
        return _judged_parts(part, content_type, accept, depth)
    if not _accepts(accept, media_type) or not _purpose_is_known(part, media_type):
        return _Verdict.UNKNOWN
    return _Verdict.TAKEN if _decoded(part) is not None else _Verdict.ENCODED


def _judged_parts(part: Part, content_type: ContentType, accept: frozenset[str], depth: int) -> _Verdict:
    if depth == 0:
        return _Verdict.UNKNOWN
    try:
        parts = _parts_of(part, content_type)
    except LimitExceeded:
        return _Verdict.UNKNOWN
    except SipError:
        return _Verdict.BROKEN
    if content_type.media_type == "multipart/alternative":
        # RFC 5621 section 8.3: that of the whole counts, what the parts say of their handling does not.
        understood = any(inner is not None and _is_understood(inner, accept, depth - 1) for inner in parts)
        return _Verdict.TAKEN if understood else _Verdict.UNKNOWN
    verdicts = [_Verdict.BROKEN if inner is None else _judged(inner, accept, depth - 1) for inner in parts]
    return next((verdict for verdict in verdicts if verdict is not _Verdict.TAKEN), _Verdict.TAKEN)


def _is_understood(part: Part, accept: frozenset[str], depth: int) -> bool:
    """Whether an alternative is one, whatever it says of its handling."""
    headers = [(name, value) for name, value in part.headers if name.lower() != "content-disposition"]
    content_type = _type_of(part)
    if content_type is None or not _purpose_is_known(part, content_type.media_type):
        return content_type is not None and content_type.media_type.startswith("multipart/")
    return _judged(Part(part.body, Headers._of(headers)), accept, depth) is _Verdict.TAKEN
