"""Which addresses of a trace are of one element."""

from __future__ import annotations

from collections.abc import Iterable

import sip
from pyc3p.trace.trace import Address, Names, Record

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
                self._programs.setdefault(self.called(self.of(record.source)), program)

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
        """What people call an element."""
        listening = self._at.get(element)
        return element if listening is None else self._called.label(listening)


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
