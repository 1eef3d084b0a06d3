"""Bodies of several parts (RFC 2046 section 5.1, RFC 2387 for related, RFC 5621 for their use in SIP)."""

from __future__ import annotations

import re
from typing import Self

import attrs

from sip.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError
from sip.headers.content_disposition import ContentDisposition
from sip.headers.content_type import ContentType
from sip.message.headers import Headers
from sip.message.message import Message

#: Parts of one body: SDP, a roster, location, ISUP and S/MIME signatures come together, not dozens of them.
MAX_PARTS = 64
#: Multiparts within multiparts: related within alternative within mixed is what exists.
MAX_DEPTH = 4

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:(.*+)", re.DOTALL)
_BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")
_LINE_BREAK = re.compile(rb"\r?\n")


@attrs.frozen
class Part:
    """One part: its own headers and octets."""

    body: bytes
    headers: Headers = Headers()

    @classmethod
    def of(cls, media_type: ContentType | str, body: bytes, *, content_id: str | None = None) -> Self:
        """Build one."""
        fields = [("Content-Type", str(media_type))]
        if content_id is not None:
            fields.append(("Content-ID", f"<{content_id}>"))
        return cls(bytes(body), Headers(fields))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read what stands between two boundaries; raises RemoteProtocolError."""
        blank = _BLANK_LINE.search(data)
        head, body = (data, b"") if blank is None else (data[: blank.start()], data[blank.end() :])
        lines: list[bytes] = []
        for line in _LINE_BREAK.split(head):
            if line[:1] in (b" ", b"\t") and lines:
                lines[-1] += b" " + line.strip()
            elif line:
                lines.append(line)
        return cls(body, Headers._of([_field(line) for line in lines]))

    @property
    def content_type(self) -> ContentType:
        """Media type; ``text/plain`` when not said. Raises MalformedHeader."""
        return ContentType.parse(self.headers.get("Content-Type", "text/plain"))

    @property
    def content_id(self) -> str | None:
        """Content-ID without its angle brackets."""
        value = self.headers.get("Content-ID")
        return None if value is None else value.removeprefix("<").removesuffix(">")

    @property
    def disposition(self) -> ContentDisposition:
        """What the part is for. Raises MalformedHeader."""
        value = self.headers.get("Content-Disposition")
        if value is None:
            return ContentDisposition.default_for(self.content_type.media_type)
        return ContentDisposition.parse(value)

    def __bytes__(self) -> bytes:
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return f"{head}\r\n".encode("utf-8", "surrogateescape") + self.body


@attrs.frozen
class Multipart:
    """A body of several parts, ``multipart/mixed`` unless it says something else."""

    parts: tuple[Part, ...]
    boundary: str = attrs.field()  #: must not occur in any part
    media_type: str = "multipart/mixed"
    start: str | None = None  #: Content-ID of the root of ``multipart/related``

    @boundary.validator
    def _is_boundary(self, _: object, value: str) -> None:
        if not _BOUNDARY.fullmatch(value):
            raise LocalProtocolError(f"not a boundary: {value!r}")

    @classmethod
    def parse(cls, body: bytes, content_type: ContentType) -> Self:
        """Read a body; raises RemoteProtocolError."""
        parts = [Part.parse(part) for part in sections(body, content_type)]
        boundary = content_type.boundary
        assert boundary is not None
        start = content_type.params.get("start")
        if start is not None:
            start = start.removeprefix("<").removesuffix(">")
        return cls(tuple(parts), boundary, content_type.media_type, start)

    @property
    def root(self) -> Part | None:
        """The part that the others belong to: the one that ``start`` names, else the first."""
        named = [part for part in self.parts if self.start is not None and part.content_id == self.start]
        return (*named, *self.parts, None)[0]

    @property
    def content_type(self) -> ContentType:
        """Value for the Content-Type header."""
        start = {} if self.start is None else {"start": f'"<{self.start}>"'}
        return ContentType(self.media_type).with_params({"boundary": f'"{self.boundary}"', **start})

    def __bytes__(self) -> bytes:
        """As on the wire; raises LocalProtocolError when the boundary occurs in a part."""
        delimiter = b"--" + self.boundary.encode("ascii")
        wires = [bytes(part) for part in self.parts]
        if any(delimiter in wire for wire in wires):
            raise LocalProtocolError("the boundary occurs in a part")
        return b"".join(delimiter + b"\r\n" + wire + b"\r\n" for wire in wires) + delimiter + b"--\r\n"


def sections(body: bytes, content_type: ContentType) -> list[bytes]:
    """What stands between the boundaries of a multipart body; raises RemoteProtocolError."""
    boundary = content_type.boundary
    if not content_type.media_type.startswith("multipart/") or not boundary or not _BOUNDARY.fullmatch(boundary):
        raise RemoteProtocolError("not a multipart body with a boundary")
    return _between(body, boundary.encode("ascii"))


def body_parts(message: Message) -> tuple[Part, ...]:
    """The body of a message as parts, multiparts taken apart; none when it is empty. Raises RemoteProtocolError."""
    if not message.body:
        return ()
    names = ("Content-Type", "Content-Disposition", "Content-ID", "Content-Encoding")
    whole = Headers._of([(name, value) for name in names for value in message.headers.get_all(name)])
    return tuple(_leaves(Part(message.body, whole), MAX_DEPTH))


def find_part(message: Message, media_type: str) -> Part | None:
    """The first part of that media type, or the whole body when it has it. Raises RemoteProtocolError."""
    wanted = media_type.lower()
    return next((part for part in body_parts(message) if part.content_type.media_type == wanted), None)


def _leaves(part: Part, depth: int) -> list[Part]:
    content_type = part.content_type
    if not content_type.media_type.startswith("multipart/"):
        return [part]
    if depth == 0:
        raise LimitExceeded("multiparts within multiparts")
    leaves: list[Part] = []
    for inner in Multipart.parse(part.body, content_type).parts:
        leaves += _leaves(inner, depth - 1)
        if len(leaves) > MAX_PARTS:
            raise LimitExceeded("too many parts")
    return leaves


def _between(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the delimiter lines; what is before the first and behind the last is nobody's."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?+[ \t]*+(?:\r?\n|\Z)")
    parts: list[bytes] = []
    begin, position = None, 0
    while (match := delimiter.search(body, position)) is not None:
        if begin is not None:
            parts.append(body[begin : max(begin, match.start())])
        if len(parts) > MAX_PARTS:
            raise LimitExceeded("too many parts")
        begin = match.end()
        if match[1]:
            return parts
        # The line break behind one delimiter may be the one before the next: an empty part.
        position = begin - 1 if body[begin - 1 : begin] == b"\n" else begin
    if begin is None:
        raise RemoteProtocolError("no boundary in a multipart body")
    parts.append(body[begin:])  # the last delimiter is missing: the body was cut short, its last part is what is there
    return parts


def _field(line: bytes) -> tuple[str, str]:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise RemoteProtocolError("a malformed header in a body part")
    value = match[2].strip().decode("utf-8", "surrogateescape")
    return match[1].decode("ascii"), value.replace("\r", " ")
