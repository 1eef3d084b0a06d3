"""Flow tokens: what a proxy writes into its own Record-Route and Path, to know it again (RFC 5626 section 5.2).

A token says who the two ends of a dialog are and how each is reached. It is signed, so a valid one proves that we let
the dialog pass. Two things make it worth more than that:

- It is good for its dialog alone. The signature covers the Call-ID and the tag of the caller, and whichever of the two
  tags of a request is the caller's tells from which end the request comes. No address has to be compared for that, so
  it holds behind NATs, over new connections, and where both ends are on one host.
- Any process with the same key reads it. A flow is named by the process that has it and by its addresses: a later
  process knows that the number means nothing to it, and still where the phone was.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections import OrderedDict
from typing import Final

import attrs

from sip.flow import Address, Flow
from sip.message.request import Request
from sip.transport.locate import is_numeric

PATH: Final = "path"  #: scope of the tokens in a Path: whoever got it from the registrar may use it
_TRANSPORTS: Final = ("UDP", "TCP", "TLS", "SCTP", "WS", "WSS")
_SEAL: Final = 12  #: octets of the signature that are kept: 96 bits, which nobody guesses through a network
_DIGEST: Final = 4  #: octets of the digest of a host; keyed, and the token it stands in is signed
_EPOCH: Final = 4  #: octets that tell the processes of one key apart
_LOCAL, _HAS_FLOW, _NUMERIC = 1, 2, 4


class UnreadableToken(ValueError):
    """What cannot be a token of ours, whatever its key: no base64, or cut off."""


@attrs.frozen(kw_only=True)
class DialogEnd:
    """One end of what a token is written for."""

    flow: Flow | None = None  #: by which it is reached; None: by the address that a request names
    reached: str = ""  #: host at which it is reached without a flow
    source: str = ""  #: host from which its requests come, as far as one knows
    local: bool = False  #: a user of ours, or somebody who may have us relay


@attrs.frozen(kw_only=True)
class NamedEnd:
    """One end as a token names it."""

    bound: bool  #: it is reached by a flow of its own
    flow: Flow | None  #: that flow, if this process has it
    transport: str = ""  #: of that flow, also when another process had it
    remote: Address | None = None  #: its other end
    reached: bytes = b""
    source: bytes = b""
    local: bool = False


@attrs.frozen(kw_only=True)
class Pass:
    """What a valid token in a request says: who sends it, and where it leads."""

    sender: NamedEnd | None  #: None for a Path
    target: NamedEnd


def dialog_scope(call_id: str, caller_tag: str | None) -> str:
    """What a token of a dialog is signed with."""
    return f"dialog {call_id}\n{caller_tag or ''}"


class FlowTokens:
    """Issues and reads tokens.

    ``key`` is shared by all processes that stand in for each other, ``epoch`` is of this one alone. At most ``limit``
    flows are remembered; that of a forgotten one is known by its addresses.
    """

    def __init__(self, key: bytes, *, limit: int, epoch: bytes) -> None:
        self._key, self._limit, self._epoch = key, limit, epoch[:_EPOCH].ljust(_EPOCH, b"\0")
        self._flows: OrderedDict[int, Flow] = OrderedDict()

    def issue(self, first: DialogEnd, second: DialogEnd, *, scope: str) -> str:
        """Name two ends; of a dialog the caller first."""
        payload = self._epoch + self._packed(first) + self._packed(second)
        return _text(payload + self._seal(payload, scope))

    def read(self, token: str, *, scope: str) -> tuple[NamedEnd, NamedEnd] | None:
        """The ends that a token names; None when it is not ours for that scope. Raises UnreadableToken."""
        data = _octets(token)
        payload, seal = data[:-_SEAL], data[-_SEAL:]
        if not hmac.compare_digest(seal, self._seal(payload, scope)):
            return None
        first, rest = self._unpacked(payload[_EPOCH:], payload[:_EPOCH])
        second, _ = self._unpacked(rest, payload[:_EPOCH])
        return first, second

    def read_for(self, token: str, request: Request) -> Pass | None:
        """What a token is worth for a request; None when it is of another dialog, or none. Raises UnreadableToken."""
        if (ends := self.read(token, scope=PATH)) is not None:
            return Pass(sender=None, target=ends[0])
        sender, receiver = request.from_.tag, request.to.tag
        if receiver is None:
            return None  # it begins something, and a token is for what has begun
        if (ends := self.read(token, scope=dialog_scope(request.call_id, sender))) is not None:
            return Pass(sender=ends[0], target=ends[1])
        if (ends := self.read(token, scope=dialog_scope(request.call_id, receiver))) is not None:
            return Pass(sender=ends[1], target=ends[0])
        return None

    def is_host(self, host: str, digest: bytes) -> bool:
        """Whether a digest in a token is that of a host."""
        return bool(host) and hmac.compare_digest(self._digest(host), digest)

    # Octets ----------------------------------------------------------------------------------------------------------

    def _packed(self, end: DialogEnd) -> bytes:
        """Flags, digests of the hosts, then the flow: number, transport, port, address with its length."""
        flags = _LOCAL * end.local | _HAS_FLOW * (end.flow is not None)
        hosts = self._digest(end.reached) + self._digest(end.source)
        if end.flow is None:
            return bytes((flags,)) + hosts
        number = self._remember(end.flow)
        transport = _TRANSPORTS.index(end.flow.transport) if end.flow.transport in _TRANSPORTS else 0xFF
        remote = end.flow.remote
        if is_numeric(remote.host) and "%" not in remote.host:
            host = ipaddress.ip_address(remote.host).packed
            flags |= _NUMERIC
        else:  # a name, or an address with a zone
            host = remote.host.encode("utf-8", "surrogateescape")[:0xFF]
        place = number.to_bytes(4, "big") + bytes((transport,)) + remote.port.to_bytes(2, "big")
        return bytes((flags,)) + hosts + place + bytes((len(host),)) + host

    def _unpacked(self, data: bytes, epoch: bytes) -> tuple[NamedEnd, bytes]:
        """One end, and what follows it. The signature was good, so the form is."""
        flags, rest = data[0], data[1:]
        reached, source, rest = rest[:_DIGEST], rest[_DIGEST : 2 * _DIGEST], rest[2 * _DIGEST :]
        local = bool(flags & _LOCAL)
        if not flags & _HAS_FLOW:
            return NamedEnd(bound=False, flow=None, reached=reached, source=source, local=local), rest
        number, port, length = int.from_bytes(rest[:4], "big"), int.from_bytes(rest[5:7], "big"), rest[7]
        transport = _TRANSPORTS[rest[4]] if rest[4] < len(_TRANSPORTS) else ""
        host, rest = rest[8 : 8 + length], rest[8 + length :]
        name = str(ipaddress.ip_address(host)) if flags & _NUMERIC else host.decode("utf-8", "surrogateescape")
        end = NamedEnd(
            bound=True,
            flow=self._flows.get(number) if epoch == self._epoch else None,
            transport=transport,
            remote=Address(name, port),
            reached=reached,
            source=source,
            local=local,
        )
        return end, rest

    def _remember(self, flow: Flow) -> int:
        number = flow.id & 0xFFFFFFFF
        self._flows[number] = flow
        self._flows.move_to_end(number)
        if len(self._flows) > self._limit:
            self._flows.popitem(last=False)
        return number

    def _digest(self, host: str) -> bytes:
        return hmac.digest(self._key, f"host {host}".encode("utf-8", "surrogateescape"), "sha256")[:_DIGEST]

    def _seal(self, payload: bytes, scope: str) -> bytes:
        return hmac.digest(self._key, payload + b" " + scope.encode("utf-8", "surrogateescape"), "sha256")[:_SEAL]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _octets(token: str) -> bytes:
    """Raises UnreadableToken."""
    try:
        data = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise UnreadableToken(token) from error
    if len(data) < _EPOCH + 2 * (1 + 2 * _DIGEST) + _SEAL:
        raise UnreadableToken(token)
    return data
