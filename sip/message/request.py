"""SIP requests (RFC 3261 section 7.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, Self

from sip.errors import LocalProtocolError, MalformedHeader, RemoteProtocolError, SipError
from sip.headers.name_addr import NameAddr
from sip.message.editing import Changes, framed
from sip.message.headers import Field, checked_field, checked_fields, checked_text
from sip.message.message import Message
from sip.message.response import Response, checked_reason, checked_status
from sip.syntax.grammar import CONTROLS, is_token
from sip.syntax.uri import Uri

#: Methods that this package has heard of.
METHODS: Final = frozenset(
    (
        *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "UPDATE"),
        *("SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "PUBLISH", "SERVICE", "BENOTIFY"),
    )
)
_REQUEST_URI: Final = re.compile(rf"[A-Za-z][^\s{CONTROLS}<>\"]*+")
#: Requests whose 101-299 responses make a dialog, so that Record-Route goes back (RFC 3261 section 12.1.1, RFC 6665).
_DIALOG_CREATING: Final = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY"))
#: Names and keys of what goes from a request to its responses, in the order in which it is written.
_COPIED: Final[tuple[Field, ...]] = (
    ("Via", "via"),
    ("From", "from"),
    ("To", "to"),
    ("Call-ID", "call-id"),
    ("CSeq", "cseq"),
)
_COPIED_TO_DIALOG: Final[tuple[Field, ...]] = (_COPIED[0], ("Record-Route", "record-route"), *_COPIED[1:])
_COPIED_TO_TRYING: Final[tuple[Field, ...]] = (*_COPIED, ("Timestamp", "timestamp"))


class Request(Message):
    """A request: a method and the URI that it goes to."""

    __slots__ = ("_uri", "_uri_text", "method")

    method: str
    _uri_text: str
    _uri: Uri | None

    @classmethod
    def build(cls, method: str, uri: Uri | str, headers: Iterable[tuple[str, object]] = (), body: bytes = b"") -> Self:
        """Make one from its parts; raises LocalProtocolError for what does not fit into a message."""
        fields = checked_fields(headers)
        return cls._of(checked_method(method), checked_uri(uri), framed(fields, body), body)

    @classmethod
    def _of(cls, method: str, uri: str, fields: list[Field], body: bytes) -> Self:
        made = cls.__new__(cls)
        made.method, made._uri_text, made._uri = method, uri, None
        made._fill(fields, body, True)
        return made

    @property
    def uri(self) -> Uri:
        """The Request-URI. Raises MalformedHeader when it is not a URI."""
        if self._uri is None:
            try:
                self._uri = Uri.parse(self._uri_text, self._report)
            except SipError:
                self._uri = self._parsed_with_care(Uri.parse, "Request-URI", self._uri_text)
        return self._uri

    def _check_all(self) -> None:
        super()._check_all()
        self._uri = self._parsed_with_care(Uri.parse, "Request-URI", self._uri_text)

    def _check_start_line(self) -> None:
        if self.uri._headers:
            # RFC 4475 section 3.1.2.11: they must not be turned into headers of the request.
            raise MalformedHeader("Request-URI", self._uri_text, "header fields in it")
        named = self._cache["cseq"].method
        if named != self.method:
            # RFC 4475 section 3.1.2.18: an unknown method is the first thing to say.
            hint = 400 if self.method in METHODS else 501
            raise RemoteProtocolError(f"CSeq of a {self.method} names {named}", status_hint=hint)

    def evolve(
        self,
        *,
        method: str | None = None,
        uri: Uri | str | None = None,
        body: bytes | None = None,
        set: Mapping[str, object] = {},
        add: Iterable[tuple[str, object]] = (),
        prepend: Iterable[tuple[str, object]] = (),
        remove: Iterable[str] = (),
    ) -> Self:
        """A changed copy. Lines are removed, then set, prepended and added; untouched ones stay as they came.

        A value is text or anything whose ``str`` is the value; a list of values makes several lines; None in ``set``
        removes. Raises LocalProtocolError for what does not fit on one line.
        """
        changes = Changes(body, set, add, prepend, remove)
        fields, new_body = self._edited(changes)
        new_method = self.method if method is None else checked_method(method)
        made = self._of(new_method, self._uri_text if uri is None else checked_uri(uri), fields, new_body)
        made._keep_values(self, changes.touched)
        return made

    def response(
        self,
        status: int,
        reason: str | None = None,
        *,
        to_tag: str | None = None,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Response:
        """A response with what RFC 3261 section 8.2.6 copies; ``to_tag`` is added when To has none yet."""
        given = checked_fields(headers)
        if content_type is not None:
            given.append(checked_field("Content-Type", content_type))
        return self._answered(checked_status(status), checked_reason(status, reason), to_tag, given, body)

    def _answered(self, status: int, reason: str, to_tag: str | None, given: list[Field], body: bytes) -> Response:
        """The same from parts that are known to fit into a message."""
        index = self.headers.by_key
        copied = _COPIED
        if status == 100:
            copied = _COPIED_TO_TRYING
        elif status < 300 and self.method in _DIALOG_CREATING:
            copied = _COPIED_TO_DIALOG
        fields: list[Field] = []
        for name, key in copied:
            for value in index.get(key, ()):
                fields.append((name, _tagged(value, to_tag) if to_tag is not None and key == "to" else value))
        fields += given
        fields.append(("Content-Length", str(len(body))))
        return Response._of(status, reason, fields, body)

    def _start_line(self) -> str:
        return f"{self.method} {self._uri_text} SIP/2.0"


def checked_method(method: str) -> str:
    """A method that can be sent. Raises LocalProtocolError for what is no token."""
    if not is_token(method):
        raise LocalProtocolError(f"not a method: {method!r}")
    return method


def checked_uri(uri: Uri | str) -> str:
    """A Request-URI that can be sent. Raises LocalProtocolError for what does not fit."""
    text = checked_text("the Request-URI", str(uri))
    if not _REQUEST_URI.fullmatch(text):
        raise LocalProtocolError(f"not a Request-URI: {text!r}")
    return text


def _tagged(to: str, tag: str) -> str:
    """The To value with a tag, unless it has one."""
    if not is_token(tag):
        raise LocalProtocolError(f"not a tag: {tag!r}")
    if "tag" in to.lower():  # perhaps a tag, perhaps only the letters
        try:
            if NameAddr.parse(to).tag is not None:
                return to
        except MalformedHeader:
            return to
    return f"{to};tag={tag}"
