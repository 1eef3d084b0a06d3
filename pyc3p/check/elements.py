"""Which addresses of a trace are of one element."""

from __future__ import annotations

from collections.abc import Iterable

import sip
from pyc3p.trace.trace import Address, Names, Record, text_address

_PORTS = {"TLS": 5061, "WSS": 443, "WS": 80}


class Elements:
    """Addresses of one element together: where it listens, and from where it connects.

    Whoever sends a request says in the topmost Via where it listens.
    """

    def __init__(self, names: Names, called: Names | None = None) -> None:
        self._names = names
        self._called = called or names
        self._above: dict[Address, Address] = {}
        self._at: dict[str, Address] = {}
        self._callers: dict[str, str] = {}  #: who is called something
        self._owners: dict[Address, str] = {}  #: of addresses of media
        self._seen: dict[Address, None] = {}  #: every address of the trace
        self._programs: dict[str, str] = {}

    def learn(self, records: Iterable[tuple[Record, sip.Request | sip.Response]]) -> None:
        """Take all SIP of a trace."""
        seen = list(records)
        for record, message in seen:
            if isinstance(message, sip.Request):
                listening = _listening(record, message)
                if listening is not None and listening != record.source:
                    self._above.setdefault(record.source, listening)

        for record, message in seen:
            asks = isinstance(message, sip.Request)
            program = message.headers.get("User-Agent" if asks else "Server") or message.headers.get("User-Agent")
            if program and _is_of_its_author(message):
                self._programs.setdefault(self.of(record.source), program)

    def meet(self, records: Iterable[Record]) -> None:
        """Take all addresses of a trace, also those that only media have."""
        for record in records:
            for address in (record.source, record.destination):
                self._seen.setdefault(address)
                self.of(address)

    def asked_for(self, wanted: str) -> set[str]:
        """The elements that somebody means by a name, or by any address that they have; none where nobody is it."""
        at = next((each for each in self._seen if text_address(each) == wanted), None)
        if at is None:
            return {each for each in self._at if wanted in (each, self.called(each), self._label(each))}
        # Where it posts from is no address of its SIP: the same name at the same host is the same element.
        name = self._called.get(at)
        beside = {self.of(each) for each in self._seen if name and each[0] == at[0] and self._called.get(each) == name}
        return {self.owner(at), self.of(at)} | beside

    def everybody(self) -> list[str]:
        """What people call the elements of the trace."""
        return sorted({self.called(self.owner(each)) for each in self._seen})

    def address(self, element: str) -> str:
        """Where an element listens, as ``host:port``; empty where nobody knows."""
        listening = self._at.get(element)
        return "" if listening is None else text_address(listening)

    def program(self, element: str) -> str:
        """What an element says it is; nothing where it does not."""
        return self._programs.get(element, "")

    def of(self, address: Address) -> str:
        """What is the same for all addresses of an element: its name, if somebody gave one, or where it listens."""
        known = self._names.get(address)
        listening = self._above.get(address, address)
        element = known or self._names.label(listening)
        self._at.setdefault(element, listening)
        return element

    def called(self, element: str) -> str:
        """What people call an element, if nothing else in the trace is called so, else where it listens."""
        name = self._label(element)
        return name if self._callers.setdefault(name, element) == element else element

    def _label(self, element: str) -> str:
        listening = self._at.get(element)
        return element if listening is None else self._called.label(listening)

    def shown(self, records: Iterable[Record]) -> Names:
        """Names for a ladder: each address of these records with what its element is called."""
        names = Names()
        for record in records:
            for address in (record.source, record.destination):
                names.add(self.called(self._owners.get(address) or self.of(address)), address)
        return names

    def own(self, element: str, address: Address) -> None:
        """An element has said that it takes media at an address; who says so later has passed that on."""
        self._owners.setdefault(address, element)

    def owner(self, address: Address) -> str:
        """Who takes media at an address, or what is there."""
        return self._owners.get(address) or self.of(address)


def _is_of_its_author(message: sip.Request | sip.Response) -> bool:
    """Whether nobody has passed a request on; of a response nobody knows."""
    try:
        return isinstance(message, sip.Response) or len(message.via) == 1
    except sip.SipError:
        return False


def _listening(record: Record, request: sip.Request) -> Address | None:
    try:
        via = request.via[0]
    except (sip.SipError, IndexError):
        return None
    if via.host.strip("[]") != record.source[0]:
        return None
    return record.source[0], via.port or _PORTS.get(via.transport.upper(), 5060)
