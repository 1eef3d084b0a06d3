"""SIP requests and responses (RFC 3261 section 7).

A message keeps its header lines as they came. Values are parsed when they are first asked for, and kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sip.errors import RemoteProtocolError, SipError
from sip.headers.contact import Star
from sip.headers.content_type import ContentType
from sip.headers.cseq import CSeq
from sip.headers.event import EventPackage
from sip.headers.name_addr import NameAddr
from sip.headers.names import COMPACT, Shape, canonical_name, key_of, shape_of
from sip.headers.session_expires import MinSE, SessionExpires
from sip.headers.subscription_state import SubscriptionState
from sip.headers.table import PARSERS
from sip.headers.via import Via
from sip.message.defects import Defect
from sip.message.editing import Changes, framed
from sip.message.header_values import NONE, HeaderValues
from sip.message.headers import Field, Headers
from sip.syntax.grammar import assume, refuse

#: Single headers that every element needs, beside Via; of them Max-Forwards alone may be missing.
_NEEDED: Final = tuple((key, PARSERS[key]) for key in ("from", "to", "call-id", "cseq", "max-forwards"))
_ONCE: Final = frozenset(key for key, _ in _NEEDED)
_new = object.__new__


class Message(HeaderValues):
    """What requests and responses share. Immutable; `evolve` makes changed copies."""

    __slots__ = ("_framed", "body")

    body: bytes
    _framed: bool  # whether the header lines hold exactly one, right Content-Length

    def _fill(
        self,
        fields: list[Field],
        body: bytes,
        framed: bool,
        index: dict[str, tuple[str, ...]] | None = None,
        strict: bool = False,
    ) -> None:
        self.headers = headers = _new(Headers)
        headers._fields, headers._index = fields, index
        self.body, self._framed, self._strict = body, framed, strict
        self._report = refuse if strict else assume
        self._defects, self._cache, self._unread = [], {}, None

    @property
    def via(self) -> tuple[Via, ...]:
        """Hops, the latest first."""
        value: tuple[Via, ...] = self._cache.get("via") or self._list("via")
        return value

    @property
    def from_(self) -> NameAddr:
        """Who sent the request."""
        value: NameAddr = self._cache.get("from") or self._required("from")
        return value

    @property
    def to(self) -> NameAddr:
        """Whom the request is for."""
        value: NameAddr = self._cache.get("to") or self._required("to")
        return value

    @property
    def call_id(self) -> str:
        """Identity of the dialog or the registrations."""
        value: str = self._cache.get("call-id") or self._required("call-id")
        return value

    @property
    def cseq(self) -> CSeq:
        """Order and method of the request."""
        value: CSeq = self._cache.get("cseq") or self._required("cseq")
        return value

    @property
    def contact(self) -> tuple[NameAddr | Star, ...]:
        """Contact addresses; ``(STAR,)`` for ``Contact: *``."""
        value: tuple[NameAddr | Star, ...] = self._list("contact")
        return value

    @property
    def route(self) -> tuple[NameAddr, ...]:
        """Proxies still to be visited."""
        value: tuple[NameAddr, ...] = self._list("route")
        return value

    @property
    def record_route(self) -> tuple[NameAddr, ...]:
        """Proxies that want to stay on the way."""
        value: tuple[NameAddr, ...] = self._list("record-route")
        return value

    @property
    def max_forwards(self) -> int | None:
        """Hops left; None when not said."""
        value: int | None = self._single("max-forwards")
        return value

    @property
    def content_type(self) -> str | None:
        """Media type of the body in lower case, without parameters; ``header("Content-Type")`` has them."""
        value: ContentType | None = self._single("content-type")
        return None if value is None else value.media_type

    @property
    def content_length(self) -> int:
        """Octets of the body."""
        return len(self.body)

    @property
    def supported(self) -> tuple[str, ...]:
        """Option-tags of Supported, in lower case."""
        value: tuple[str, ...] = self._list("supported")
        return value

    @property
    def require(self) -> tuple[str, ...]:
        """Option-tags of Require, in lower case."""
        value: tuple[str, ...] = self._list("require")
        return value

    @property
    def proxy_require(self) -> tuple[str, ...]:
        """Option-tags of Proxy-Require, in lower case."""
        value: tuple[str, ...] = self._list("proxy-require")
        return value

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Option-tags of Unsupported, in lower case."""
        value: tuple[str, ...] = self._list("unsupported")
        return value

    @property
    def allow(self) -> tuple[str, ...]:
        """Methods that the sender takes."""
        value: tuple[str, ...] = self._list("allow")
        return value

    @property
    def event(self) -> EventPackage | None:
        """Event package."""
        value: EventPackage | None = self._single("event")
        return value

    @property
    def subscription_state(self) -> SubscriptionState | None:
        """Subscription-State."""
        value: SubscriptionState | None = self._single("subscription-state")
        return value

    @property
    def expires(self) -> int | None:
        """Seconds."""
        value: int | None = self._single("expires")
        return value

    @property
    def min_expires(self) -> int | None:
        """Seconds."""
        value: int | None = self._single("min-expires")
        return value

    @property
    def session_expires(self) -> SessionExpires | None:
        """Session-Expires."""
        value: SessionExpires | None = self._single("session-expires")
        return value

    @property
    def min_se(self) -> int | None:
        """Seconds of Min-SE."""
        value: MinSE | None = self._single("min-se")
        return None if value is None else value.interval

    # Checks

    def check(self, all: bool = False, *, ignore: bool = False) -> None:
        """Parse what every element needs: Via, From, To, Call-ID, CSeq, Max-Forwards; with ``all`` whatever has a type.

        Raises RemoteProtocolError with the status to answer, also when one of these comes twice, or with ``all`` any
        header that may come once; without, such a one is a defect, and for those who act on it to judge. With
        ``ignore`` what nobody can read counts as absent from now on (`ignore_unreadable`).
        """
        headers, cache, report = self.headers, self._cache, self._report
        index = headers._index or headers.by_key
        vias = index.get("via")
        if vias is None:
            raise RemoteProtocolError("no Via header")
        if "via" not in cache:
            if len(vias) == 1 and vias[0] and "," not in vias[0]:  # nearly always, and read without a detour
                try:
                    cache["via"] = (Via.parse(vias[0], report),)
                except SipError:
                    self._list("via")
            else:
                self._list("via")
        if not cache["via"]:
            raise RemoteProtocolError("no Via header")
        for key, parser in _NEEDED:
            if key in cache:
                continue
            lines = index.get(key)
            if lines is not None:
                try:
                    cache[key] = parser(lines[0], report)
                except SipError:
                    cache[key] = self._parsed_with_care(parser, key, lines[0])
            elif key != "max-forwards":
                raise RemoteProtocolError(f"no {canonical_name(key)} header")
        self._check_start_line()
        if len(index) != len(headers._fields):
            for key, values in index.items():
                if len(values) > 1 and shape_of(key) is Shape.SINGLE:
                    self._repeated(key, len(values), refuse=all or self._strict or key in _ONCE)
        if all:
            self._check_all()
        if ignore and self._unread is None:
            self._unread = NONE

    def _repeated(self, key: str, times: int, refuse: bool) -> None:
        if refuse:
            raise RemoteProtocolError(f"{times} {canonical_name(key)} headers")
        self._defects.append(Defect(canonical_name(key), f"comes {times} times"))

    def _check_all(self) -> None:
        for key, lines in self.headers.by_key.items():
            parser = PARSERS.get(key)
            if parser is not None:
                values = tuple([self._parsed_with_care(parser, key, item) for item in self._items(key, lines)])
                self._cache[key] = values if shape_of(key) is not Shape.SINGLE else values[0]

    def _check_start_line(self) -> None:
        """Compare the headers that every element needs with the start line. Raises RemoteProtocolError."""

    # Writing

    def _restamp(self, text: str) -> bool:
        """Replace the top Via in place: for whoever has just parsed the message and not shown it to anybody.

        False, with nothing changed, when it shares its line with other hops.
        """
        lines = self.headers.by_key["via"]
        if "," in lines[0]:
            return False
        fields = self.headers._fields
        at = 0
        while key_of(fields[at][0]) != "via":
            at += 1
        fields[at] = (fields[at][0], text)
        index = self.headers._index
        assert index is not None
        index["via"] = (text, *lines[1:])
        del self._cache["via"]
        return True

    def _edited(self, changes: Changes) -> tuple[list[Field], bytes]:
        """Header lines and body after the changes, Content-Length in place."""
        body = self.body if changes.body is None else changes.body
        fields = changes.applied(self.headers._fields[:])
        if changes.body is not None or not self._framed or "content-length" in changes.touched:
            fields = framed(fields, body)
        return fields, body

    def _keep_values(self, source: Message, touched: set[str]) -> None:
        self._strict, self._report = source._strict, source._report
        self._cache = source._cache.copy()
        for key in touched:
            self._cache.pop(key, None)
        self._unread = source._unread and source._unread - touched

    if TYPE_CHECKING:

        def _start_line(self) -> str: ...

    def __bytes__(self) -> bytes:
        fields = self.headers._fields
        if not self._framed:
            fields = framed(list(fields), self.body)
        lines = f"{self._start_line()}\r\n"
        for name, value in fields:
            lines += f"{COMPACT.get(name, name)}: {value}\r\n"
        return f"{lines}\r\n".encode("utf-8", "surrogateescape") + self.body

    def __eq__(self, other: object) -> bool:
        return bytes(self) == bytes(other) if isinstance(other, Message) else NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __repr__(self) -> str:
        return f"<{self._start_line()}, {len(self.headers)} headers, {len(self.body)} octets>"
