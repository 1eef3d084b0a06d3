"""Who speaks at an address that nobody named: learnt from what is said there, so that each element is one column.

A phone says its name when it registers; who calls has it in From, who answers in To; Contact and the topmost Via tell
its other addresses, a session description those of its media. Who posts C3P says in the document where it is reached.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from pyc3p.trace.summary import sdp_addresses
from pyc3p.trace.trace import Address, Names, Record, text_address

#: Addresses that are remembered by what they did; one for each connection of some hours.
MAX_SEEN: Final = 20_000
#: Longest name of a column that is taken from an address-of-record.
MAX_NAME: Final = 40

#: Users that one phone has; who speaks for more is a gateway, which is called by its address.
MAX_USERS: Final = 2

_VIA: Final = re.compile(
    rb"(?im)^(?:via|v)[ \t]*:[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*\w+[ \t]+"
    rb"(\[[^\]]+\]|[^:;,\s]+)(?::(\d{1,5}))?([^\r\n]*)"
)
_CONTACT: Final = re.compile(
    rb"(?im)^(?:contact|m)[ \t]*:[^<\r\n]{0,200}<?sips?:(?:[^<>@\s;]{1,200}@)?(\[[^\]]+\]|[\w.-]{1,255})(?::(\d{1,5}))?"
)
#: The user of From or To. Conferences have no phone: their address has parameters of its own.
_USER: Final = rb"[ \t]*:[^<\r\n]{0,200}<?sips?:([^<>@:;\s]{1,200})@(?![^>\r\n]*opaque=app:conf)"
_FROM: Final = re.compile(rb"(?im)^(?:from|f)" + _USER)
_TO: Final = re.compile(rb"(?im)^(?:to|t)" + _USER)
_ANSWERED: Final = re.compile(rb"(?i:sip)/\d\.\d 2\d\d ")
_INVITE: Final = re.compile(rb"(?im)^cseq[ \t]*:[ \t]*\d+[ \t]+INVITE")
#: What the sender of a C3P request says of itself: where answers reach it, or an MCU's addresses.
_OWN_ADDRESS: Final = re.compile(
    rb"<(?:[\w.-]{1,40}:)?(?:callback-uri|sip-uri|http-url)>\s*(?:https?://|sips?:)(?:[^<@/\s]{1,200}@)?"
    rb"(\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,255}):(\d{1,5})"
)
_SDP_START: Final = re.compile(rb"\r\n\r\nv=0\r?\n")


@attrs.define(eq=False)
class _Element:
    """Addresses of one element, and what it is called by whom."""

    addresses: dict[Address, None]
    registered: dict[str, None] = attrs.Factory(dict)  #: users who registered there
    spoken: dict[str, None] = attrs.Factory(dict)  #: users in From of its requests, in To of its answers


class Naming:
    """Adds to ``names`` what records tell. A name that somebody gave stays.

    Another address of an element with a name gets that name at once; what nobody named is called something by
    `settle`, when all has been seen.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._elements: dict[Address, _Element] = {}
        self._spoke: dict[str, dict[Address, None]] = {}  #: addresses of SIP, by host
        self._clients: dict[Address, None] = {}  #: of HTTP, that have said nothing of themselves

    def learn(self, record: Record) -> None:
        """Look at one record; media tell nothing."""
        if len(self._elements) >= MAX_SEEN:
            return
        if record.layer == "http":
            self._learn_client(record)
        elif record.layer == "sip":
            self._learn_sip(record)

    def settle(self) -> None:
        """Call what has no name by its user, or by one of its addresses."""
        seen: set[int] = set()
        for element in list(self._elements.values()):
            if id(element) not in seen:
                seen.add(id(element))
                self._name(element)
        for address in self._clients:
            self._name_by_host(address)

    # What is said ----------------------------------------------------------------------------------------------------

    def _learn_sip(self, record: Record) -> None:
        head = record.data[: record.data.find(b"\r\n\r\n") + 2 or None]
        for address in (record.source, record.destination):
            self._element(address)
            self._spoke.setdefault(address[0], {})[address] = None
        if record.data[:4].upper() == b"SIP/":
            self._learn_answering(record.source, head)
        else:
            self._learn_asking(record.source, head)
        body = _SDP_START.search(record.data)
        if body:
            for address in sdp_addresses(record.data[body.start() :]):
                self._same(record.source, address)

    def _learn_asking(self, source: Address, head: bytes) -> None:
        """A request with one Via is as its sender made it: its addresses are in it, and its name."""
        vias = _VIA.findall(head)
        if not vias:
            return
        sent_by = (_host(vias[0][0]), int(vias[0][1] or 5060))
        if sent_by[0] == source[0]:
            self._same(sent_by, source)
        if len(vias) > 1 or b"," in vias[0][2]:
            return
        element = self._element(source)
        if head.startswith(b"REGISTER "):
            _note(element.registered, _TO.search(head))
        elif sent_by[0] == source[0]:
            _note(element.spoken, _FROM.search(head))
        contact = _address_of(_CONTACT.search(head))
        if contact is not None and contact[0] == source[0]:
            self._same(source, contact)

    def _learn_answering(self, source: Address, head: bytes) -> None:
        """Who takes a call says in Contact where it is; where that is the sender, To has its name."""
        if _ANSWERED.match(head) and _INVITE.search(head) and _address_of(_CONTACT.search(head)) == source:
            _note(self._element(source).spoken, _TO.search(head))

    def _learn_client(self, record: Record) -> None:
        """Who posts may say in the document where it is reached."""
        if record.data.startswith(b"HTTP/") or self._names.get(record.source) is not None:
            return
        stated = [(_host(host), int(port)) for host, port in _OWN_ADDRESS.findall(record.data)]
        own = [address for address in stated if address[0] == record.source[0]]
        for address in own:
            self._same(address, record.source)
        if not own and record.source not in self._elements:
            self._clients[record.source] = None
            self._name_by_host(record.source)

    # Who it is -------------------------------------------------------------------------------------------------------

    def _element(self, address: Address) -> _Element:
        return self._elements.setdefault(address, _Element({address: None}))

    def _same(self, one: Address, other: Address) -> None:
        """Two addresses of one element."""
        here, there = self._element(one), self._element(other)
        if here is not there:
            here.addresses.update(there.addresses)
            here.registered.update(there.registered)
            here.spoken.update(there.spoken)
            self._elements.update(dict.fromkeys(there.addresses, here))
        for known, new in ((one, other), (other, one)):
            name = self._names.get(known)
            if name is not None and self._names.get(new) is None:
                self._names.add(name, new)

    def _name(self, element: _Element) -> None:
        """By what somebody said of one of its addresses, its users, or the port at which it is known."""
        given = [name for each in element.addresses if self._names.knows(each) and (name := self._names.get(each))]
        by_port = [name for each in element.addresses if (name := self._names.get(each))]
        users = element.registered or ({} if by_port else element.spoken)
        if given:
            name = given[0]
        elif 0 < len(users) <= MAX_USERS:
            name = self._unused("+".join(users), next(iter(element.addresses))[0])
        elif by_port:
            name = by_port[0]
        elif len(element.addresses) > 1:
            name = text_address(self._preferred(element))
        else:
            return
        unnamed = [each for each in element.addresses if not self._names.knows(each)]
        if unnamed:
            self._names.add(name, *unnamed)

    def _unused(self, name: str, host: str) -> str:
        """A second phone of the same user gets its host added."""
        return f"{name} {host}" if name in self._names.elements else name

    def _preferred(self, element: _Element) -> Address:
        """Where it speaks SIP, rather than where it posts from; the port that is lowest, rather than a passing one."""
        spoken = [each for each in element.addresses if each in self._spoke.get(each[0], {})]
        return min(spoken or element.addresses, key=lambda address: address[1])

    def _name_by_host(self, address: Address) -> None:
        """Who posts and says nothing of itself is the one element of its host, where there is only one."""
        host = address[0]
        known = self._names.at_host(host) | set(map(self._names.label, self._spoke.get(host, {})))
        if len(known) == 1:
            self._names.add(known.pop(), address)


def _note(users: dict[str, None], found: re.Match[bytes] | None) -> None:
    if found is not None and len(users) <= MAX_USERS:
        name = found[1].decode("utf-8", "replace")
        users["".join(each if each.isprintable() else "?" for each in name)[:MAX_NAME]] = None


def _host(text: bytes) -> str:
    return text.decode("latin-1").strip("[]")


def _address_of(match: re.Match[bytes] | None) -> Address | None:
    return None if match is None else (_host(match[1]), int(match[2] or 5060))
