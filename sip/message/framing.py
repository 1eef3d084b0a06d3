"""Where a message ends: start line, header lines and Content-Length (RFC 3261 sections 7 and 18.3)."""

from __future__ import annotations

import re
from typing import Final

from sip.errors import LimitExceeded, MalformedHeader, RemoteProtocolError
from sip.message.defects import Defect
from sip.message.headers import Field, index_of
from sip.message.limits import Limits
from sip.syntax.grammar import BREAK, CONTROLS, TOKEN_CHARS, is_token

_FIELD: Final = re.compile(rf"^([{TOKEN_CHARS}]++)[ \t]*+:[ \t]*+([^\r\n\0]*+)(?<![ \t])\r\n", re.MULTILINE)
_LINE: Final = re.compile(rf"([{TOKEN_CHARS}]++)[ \t]*+:(.*+)", re.DOTALL)
_URI: Final = rf"[A-Za-z][^\s{CONTROLS}<>\"]*+"
_REQUEST: Final = re.compile(rf"([{TOKEN_CHARS}]++) ({_URI}) [Ss][Ii][Pp]/2\.0\r\n")
_RESPONSE: Final = re.compile(r"[Ss][Ii][Pp]/2\.0 ([1-6][0-9][0-9]) ([^\r\n\0]*+)\r\n")
#: What one can still make sense of: more blanks than one (RFC 4475 sections 3.1.2.9 and 3.1.2.10), bare LF.
_LOOSE_REQUEST: Final = re.compile(
    rf"([{TOKEN_CHARS}]++)[ \t]++({_URI})[ \t]++([Ss][Ii][Pp]/[0-9]++\.[0-9]++)[ \t]*+\r?\n"
)
#: What stands in a request line as if it were a header: brackets, a name before them, header parameters behind
#: (RFC 4475 section 3.1.2.7). Group: the URI.
_BRACKETED: Final = re.compile(
    rf"(?:\"[^\"]*+\"|[{TOKEN_CHARS} \t]*+)[ \t]*+<[ \t]*+({_URI})[ \t]*+>[ \t]*+(?:;[^<>{CONTROLS}]*+)?+"
)
_LOOSE_RESPONSE: Final = re.compile(r"[Ss][Ii][Pp]/2\.0 ([1-6][0-9][0-9])(?: ([^\r\n\0]*+))?+\r?\n")
#: End of the header section when somebody ends lines with a bare LF.
_LOOSE_END: Final = re.compile(rb"\n\r?\n")
_LOOSE_TEXT_END: Final = re.compile(r"\n\r?\n")
#: Octets of the shortest hop in a list: ``SIP/2.0/X h,``.
_SHORTEST_VIA: Final = 12
_LENGTH: Final = re.compile(r"[0-9]{1,15}+")


class Head:
    """Start line and header section of a message that is being read."""

    method = ""  # stays empty in a response
    uri = ""
    status = 0
    reason = ""
    fields: list[Field]
    index: dict[str, tuple[str, ...]]
    length: int | None = None  # Content-Length
    body_at: int | None = None  # where in what was given the body begins, if the head ended earlier
    defects: tuple[Defect, ...] = ()
    lost = False  # whether it is so broken that even its Content-Length is not believed
    error: RemoteProtocolError | None = None  # why the message cannot be used although this much could be read

    def deviation(self, strict: bool, where: str, what: str) -> None:
        """Record what is tolerated, or remember it as the error when nothing is."""
        if strict:
            self.fail(MalformedHeader(where, what))
        self.defects += (Defect(where, what),)

    def fail(self, error: RemoteProtocolError) -> None:
        """Remember the first reason why the message cannot be used."""
        if self.error is None:
            self.error = error


def find_head_end(data: bytes | bytearray, start: int = 0) -> tuple[int, int] | None:
    """Where the header lines end (behind their last line break) and where the body begins; None if not in data.

    Some end their lines with a bare LF. `read_head` sees to it when that happens before the end that is found here.
    """
    end = data.find(b"\r\n\r\n", start)
    if end >= 0:
        return end + 2, end + 4
    loose = _LOOSE_END.search(data, start)
    return None if loose is None else (loose.start() + 1, loose.end())


def read_head(wire: bytes, limits: Limits, strict: bool) -> Head:
    """Read start line and header lines; raises RemoteProtocolError when not even the start line can be read."""
    text = wire.decode("utf-8", "surrogateescape")
    head = Head()
    place = _read_start_line(head, text, strict)
    fields = _FIELD.findall(text, place)
    # As many matches as lines: then every line is as the grammar wants it.
    if len(fields) != text.count("\n", place):
        fields = _read_fields_slowly(head, text, place, strict)
    if len(wire) > limits.max_line or len(fields) > limits.max_headers:
        fields = _limited(head, fields, limits)
    head.fields = fields
    index = head.index = index_of(fields)
    if len(wire) > limits.max_vias * _SHORTEST_VIA:
        _check_lists(head, wire, limits)
    if not ("via" in index and "from" in index and "to" in index and "call-id" in index and "cseq" in index):
        missing = ", ".join(name for name in ("Via", "From", "To", "Call-ID", "CSeq") if name.lower() not in index)
        head.fail(RemoteProtocolError(f"mandatory headers are missing: {missing}"))
    lengths = index.get("content-length")
    if lengths is not None:
        length = lengths[0]
        if len(lengths) == 1 and len(length) < 10 and length.isdecimal() and length.isascii():
            head.length = int(length)
        else:
            _read_length(head, lengths, strict)
    return head


def _read_start_line(head: Head, text: str, strict: bool) -> int:
    """Fill in the start line and return where the header lines begin."""
    match = _REQUEST.match(text)
    if match is not None:
        head.method, head.uri = match.groups()
        return match.end()
    match = _RESPONSE.match(text)
    if match is not None:
        head.status, head.reason = int(match[1]), match[2]
        return match.end()
    return _read_loose_start_line(head, text, strict)


def _read_loose_start_line(head: Head, text: str, strict: bool) -> int:
    match = _LOOSE_REQUEST.match(text)
    if match is not None:
        head.method, head.uri = match[1], match[2]
        if match[3].upper() != "SIP/2.0":
            head.fail(RemoteProtocolError(f"unknown version {match[3][:20]}", status_hint=505))
            head.lost = True
        head.deviation(strict, "Request-Line", "blanks or line end")
        return match.end()
    match = _LOOSE_RESPONSE.match(text)
    if match is not None:
        head.status, head.reason = int(match[1]), match[2] or ""
        head.deviation(strict, "Status-Line", "blanks or line end")
        return match.end()
    end = text.find("\n")
    line = text[: len(text) if end < 0 else end].rstrip("\r \t")
    method, _, rest = line.replace("\t", " ").partition(" ")
    if not is_token(method) or rest[-8:].upper() != " SIP/2.0":
        raise MalformedHeader("start line", line)
    head.method, head.uri = method, rest[:-8].strip(" ")
    bracketed = _BRACKETED.fullmatch(head.uri)
    if bracketed is not None and end >= 0:
        head.uri = bracketed[1]
        head.deviation(strict, "Request-Line", "angle brackets around the Request-URI")
    else:
        # A request at least: whoever sent it can be told that it cannot be used (RFC 4475 section 3.1.2.8).
        head.fail(MalformedHeader("Request-URI", head.uri))
    return end + 1


def _read_fields_slowly(head: Head, text: str, place: int, strict: bool) -> list[Field]:
    """Header lines with folds, blanks at their end, bare LF or errors."""
    loose = _LOOSE_TEXT_END.search(text, place - 1)
    if loose is not None:
        # The head ended here, with a bare LF; what follows is body.
        head.body_at = len(text[: loose.end()].encode("utf-8", "surrogateescape"))
        text = text[: loose.start() + 1]
    text = text[place:]
    if text.count("\n") != text.count("\r\n"):
        head.deviation(strict, "header section", "lines that end in a bare LF")
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    lines: list[list[str]] = []
    for line in text.split("\r\n")[:-1]:
        if line[:1] in (" ", "\t") and lines:
            lines[-1].append(line.strip(" \t"))
        else:
            lines.append([line.rstrip(" \t")])
    fields = [_field(head, " ".join(part for part in parts if part)) for parts in lines]
    return [field for field in fields if field is not None]


def _field(head: Head, line: str) -> Field | None:
    match = _LINE.fullmatch(line)
    if match is None or BREAK.search(line):
        head.fail(MalformedHeader("header line", line))
        head.lost = True
        return None
    return match[1], match[2].strip(" \t")


def _limited(head: Head, fields: list[Field], limits: Limits) -> list[Field]:
    """As many header lines as are allowed."""
    if len(fields) > limits.max_headers:
        head.fail(LimitExceeded(f"{len(fields)} header lines"))
    if len(head.uri) > limits.max_line:
        head.fail(LimitExceeded("Request-URI too long", status_hint=414))
    if any(len(name) + len(value) > limits.max_line for name, value in fields):
        head.fail(LimitExceeded("header line too long"))
    return fields[: limits.max_headers]


def _check_lists(head: Head, wire: bytes, limits: Limits) -> None:
    """Count what will have to be read one by one."""
    commas = wire.count(b",")
    if commas > limits.max_commas:
        head.fail(LimitExceeded(f"{commas} items in lists"))
    hops = sum([line.count(",") + 1 for line in head.index.get("via", ())])
    if hops > limits.max_vias:
        head.fail(LimitExceeded(f"{hops} hops"))


def _read_length(head: Head, values: tuple[str, ...], strict: bool) -> None:
    numbers = {int(value) if _LENGTH.fullmatch(value) else None for value in values}
    if None in numbers:
        head.fail(MalformedHeader("Content-Length", ", ".join(values)))
    elif len(numbers) > 1:
        head.fail(RemoteProtocolError("different Content-Length values"))
    else:
        if len(values) > 1:
            head.deviation(strict, "Content-Length", "given more than once")
        head.length = numbers.pop()
