"""SIP requests and responses (RFC 3261 section 7).

A message keeps its header lines as they came. Values are parsed when they are first asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sip.content_type import ContentType
from sip.cseq import CSeq
from sip.defects import Defect
from sip.editing import Changes, framed
from sip.errors import MalformedHeader, RemoteProtocolError, SipError
from sip.event import EventPackage
from sip.grammar import Report, assume, refuse, split_list
from sip.header_names import COMPACT, Shape, canonical_name, key_of, shape_of
from sip.header_types import PARSERS, Parser
from sip.headers import Field, Headers
from sip.name_addr import NameAddr, Star
from sip.session_expires import MinSE, SessionExpires
from sip.subscription_state import SubscriptionState
from sip.via import Via

__all__ = ["Message"]

#: Single headers that every element needs, besides Via; Max-Forwards may be missing.
_NEEDED: Final = tuple((key, PARSERS[key]) for key in ("from", "to", "call-id", "cseq", "max-forwards"))
_SECRET: Final = frozenset(("authorization", "proxy-authorization"))


class Message:
    """What requests and responses share. Immutable; `evolve` makes changed copies."""

    __slots__ = ("_cache", "_defects", "_framed", "_report", "_strict", "body", "headers")

    headers: Headers  #: header lines in wire order
    body: bytes
    _framed: bool  # whether the header lines hold exactly one, right Content-Length
    _strict: bool
    _report: Report  # for the first reading of a value
    _defects: list[Defect]
    _cache: dict[str, Any]

    def _fill(self, headers: Headers, body: bytes, framed: bool, strict: bool = False) -> None:
        self.headers, self.body, self._framed, self._strict = headers, body, framed, strict
        self._report = refuse if strict else assume
        self._defects, self._cache = [], {}

    # Typed access

    def header(self, name: str) -> object | None:
        """Typed value of a header: a tuple for list headers, else the first value or None. Raises MalformedHeader."""
        key = key_of(name)
        shape = shape_of(key)
        if shape is Shape.LIST or (shape is Shape.LINES and key in PARSERS):
            values: tuple[object, ...] = self._list(key)
            return values
        value: object | None = self._single(key)
        return value

    def _single(self, key: str) -> Any:
        cache = self._cache
        if key in cache:
            return cache[key]
        values = (self.headers._index or self.headers.by_key).get(key)
        if values is None:
            return None
        text = values[0]
        parser = PARSERS.get(key)
        value = cache[key] = text if parser is None else self._parsed(parser, key, text)
        return value

    def _required(self, key: str) -> Any:
        value = self._single(key)
        if value is None:
            raise RemoteProtocolError(f"no {canonical_name(key)} header")
        return value

    def _list(self, key: str) -> Any:
        cache = self._cache
        if key in cache:
            return cache[key]
        lines = (self.headers._index or self.headers.by_key).get(key)
        if lines is None:
            return ()
        parser = PARSERS[key]
        value: tuple[Any, ...]
        if len(lines) == 1 and "," not in lines[0] and lines[0]:
            try:
                value = (parser(lines[0], self._report),)
            except SipError:
                value = (self._parsed_with_care(parser, key, lines[0]),)
        else:
            value = tuple([self._parsed(parser, key, item) for item in self._items(key, lines)])
        cache[key] = value
        return value

    def _items(self, key: str, lines: tuple[str, ...]) -> Sequence[str]:
        if shape_of(key) is not Shape.LIST:
            return lines
        items: list[str] = []
        for line in lines:
            listed = split_list(line)
            items += listed
        return items

    def _parsed(self, parser: Parser, key: str, text: str) -> Any:
        try:
            # Nearly every value keeps to the grammar, so the quick reading comes first.
            return parser(text, self._report)
        except SipError:
            return self._parsed_with_care(parser, key, text)

    def _parsed_with_care(self, parser: Parser, key: str, text: str) -> Any:
        name, shown = canonical_name(key), "***" if key in _SECRET else text
        found: dict[str, None] = {}

        def report(what: str) -> None:
            if self._strict:
                raise MalformedHeader(name, shown, what)
            found[what] = None

        try:
            value = parser(text, report)
        except SipError as error:
            raise MalformedHeader(name, shown) from (None if key in _SECRET else error)
        self._defects += [Defect(name, what) for what in found]
        return value

    @property
    def defects(self) -> tuple[Defect, ...]:
        """Deviations that were tolerated so far: in framing at once, in a value when it is first read.

        After ``check(all=True)`` it is complete.
        """
        return tuple(dict.fromkeys(self._defects))

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
    def cseq(self) -> CSeq:
        """Order and method of the request."""
        value: CSeq = self._cache.get("cseq") or self._required("cseq")
        return value

    @property
    def call_id(self) -> str:
        """Call-ID."""
        value: str = self._cache.get("call-id") or self._required("call-id")
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

    def check(self, all: bool = False) -> None:
        """Parse what every element needs: Via, From, To, Call-ID, CSeq, Max-Forwards; with ``all`` whatever has a type.

        Raises RemoteProtocolError with the status to answer, also when a header that may come once comes twice.
        """
        self._check_needed()
        index = self.headers.by_key
        if len(index) != len(self.headers._fields):
            for key, values in index.items():
                if len(values) > 1 and shape_of(key) is Shape.SINGLE:
                    raise RemoteProtocolError(f"{len(values)} {canonical_name(key)} headers")
        if all:
            self._check_all()

    def _check_all(self) -> None:
        for key, lines in self.headers.by_key.items():
            parser = PARSERS.get(key)
            if parser is not None:
                values = tuple([self._parsed_with_care(parser, key, item) for item in self._items(key, lines)])
                self._cache[key] = values if shape_of(key) is not Shape.SINGLE else values[0]

    def _check_needed(self) -> None:
        if not self._list("via"):
            raise RemoteProtocolError("no Via header")
        cache, index, report = self._cache, self.headers.by_key, self._report
        for key, parser in _NEEDED:
            if key in cache:
                continue
            lines = index.get(key)
            if lines is None:
                if key == "max-forwards":
                    continue
                raise RemoteProtocolError(f"no {canonical_name(key)} header")
            try:
                cache[key] = parser(lines[0], report)
            except SipError:
                cache[key] = self._parsed_with_care(parser, key, lines[0])

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
        fields = changes.applied(list(self.headers))
        if changes.body is not None or not self._framed or "content-length" in changes.touched:
            fields = framed(fields, body)
        return fields, body

    def _keep_values(self, source: Message, touched: frozenset[str]) -> None:
        self._strict, self._report = source._strict, source._report
        self._cache = {key: value for key, value in source._cache.items() if key not in touched}

    if TYPE_CHECKING:

        def _start_line(self) -> str: ...

    def __bytes__(self) -> bytes:
        fields = self.headers._fields
        if not self._framed:
            fields = framed(list(fields), self.body)
        lines = "".join([f"{COMPACT.get(name, name)}: {value}\r\n" for name, value in fields])
        return f"{self._start_line()}\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + self.body

    def __eq__(self, other: object) -> bool:
        return bytes(self) == bytes(other) if isinstance(other, Message) else NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __repr__(self) -> str:
        return f"<{self._start_line()}, {len(self.headers)} headers, {len(self.body)} octets>"
