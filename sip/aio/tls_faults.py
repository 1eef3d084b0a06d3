"""What is wrong with the TLS of others, said once: an application shows it to whoever runs it."""

from __future__ import annotations

import enum
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs

from sip.events import Event
from sip.flow import Flow

#: Faults that are remembered; what more there are is a scan, and nobody reads that.
_MOST: Final = 64


#: What OpenSSL calls it when a server answers a handshake with something else.
_OTHER_WORDS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}
)


class TlsFaultKind(enum.Enum):
    """What does not fit."""

    TLS_ON_PLAIN_PORT = "TLS on a plain port"
    PLAIN_ON_TLS_PORT = "no TLS on a TLS port"
    CLIENT = "client"  #: the handshake with somebody who connected failed
    SERVER = "server"  #: a server has not proved that it is the one that was asked for
    NO_TLS = "no TLS"  #: a server closes the connection, or says something else, where TLS was to begin


@attrs.frozen(kw_only=True)
class TlsFault(Event):
    """A connection was closed for its TLS, or its lack of it: reported once for each address, kind and reason."""

    kind: TlsFaultKind
    host: str  #: address of the other side
    port: int  #: the port that was connected to: ours, for ``SERVER`` the other side's
    reason: str = ""  #: in the words of OpenSSL, where a handshake failed


class TlsFaults:
    """Counts faults, and hands each to the application the first time."""

    def __init__(self, counters: Counter[str], tell: Callable[[list[Event]], None]) -> None:
        self._counters, self._tell = counters, tell
        self._told: set[TlsFault] = set()

    def report(self, kind: TlsFaultKind, host: str, port: int, reason: str = "") -> None:
        """Something does not fit; nothing is told when it was told before, or when too many others were."""
        self._counters[f"refused: TLS, {kind.value}"] += 1
        fault = TlsFault(owner="", kind=kind, host=host, port=port, reason=reason)
        if fault not in self._told and len(self._told) < _MOST:
            self._told.add(fault)
            self._tell([fault])

    def report_server(self, error: OSError, host: str, port: int, reason: str) -> None:
        """A connection to a server came to nothing; nothing is told where it was not for TLS."""
        if isinstance(error, ConnectionResetError | ConnectionAbortedError):
            self.report(TlsFaultKind.NO_TLS, host, port)
        elif isinstance(error, ssl.SSLError):
            kind = TlsFaultKind.NO_TLS if getattr(error, "reason", None) in _OTHER_WORDS else TlsFaultKind.SERVER
            self.report(kind, host, port, "" if kind is TlsFaultKind.NO_TLS else reason)

    def report_hello(self, flow: Flow) -> None:
        """Somebody speaks TLS to a plain port."""
        self.report(TlsFaultKind.TLS_ON_PLAIN_PORT, flow.remote.host, flow.local.port)

    def report_refusal(self, flow: Flow, reason: str) -> None:
        """A server closed a connection that we opened: it wanted a certificate, or another one."""
        self.report(TlsFaultKind.SERVER, flow.remote.host, flow.remote.port, reason)

    def forget(self) -> None:
        """Certificates have changed: what is wrong now is told anew."""
        self._told.clear()
