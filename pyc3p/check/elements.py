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

    def __init__(self, names: Names) -> None:
        self._names = names
        self._above: dict[Address, Address] = {}

    def learn(self, records: Iterable[tuple[Record, sip.Request | sip.Response]]) -> None:
        """Take all SIP of a trace."""
        for record, message in records:
            if isinstance(message, sip.Request):
                listening = _listening(record, message)
                if listening is not None and listening != record.source:
                    self._above.setdefault(record.source, listening)

    def of(self, address: Address) -> str:
        """The element at an address, as it is called in the trace, or its address."""
        name = self._names.get(address)
        if name is not None:
            return name
        listening = self._above.get(address, address)
        return self._names.label(listening) if listening != address else text_address(address)


def _listening(record: Record, request: sip.Request) -> Address | None:
    try:
        via = request.via[0]
    except (sip.SipError, IndexError):
        return None
    if via.host.strip("[]") != record.source[0]:
        return None
    return record.source[0], via.port or _PORTS.get(via.transport.upper(), 5060)
