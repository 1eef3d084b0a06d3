"""C3P over HTTP of one node: its client and its server, with who the others are."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

import attrs

from c3p.aio import C3pClient, C3pServer, Handler, Listener
from pyc3p.elements.principals import Acquaintance
from pyc3p.elements.tls import C3pTls
from pyc3p.trace.sinks import ElementSink
from sip.aio import TlsFaultKind, TlsFaults, failure_text


@attrs.frozen(kw_only=True)
class HttpSettings:
    """C3P over HTTP of one node."""

    host: str = "127.0.0.1"
    port: int = 0
    secret: str = attrs.field(default="", repr=False)  #: with which this node proves who it is
    known: Mapping[str, str] = attrs.field(factory=dict, repr=False)  #: secret to principal of those who may ask
    peers: Acquaintance | None = None  #: who the others are, in place of ``secret`` and ``known``
    reached_at: Mapping[str, str] = attrs.field(factory=dict)  #: where hosts are, if not at their address
    local_host: str | None = None  #: address that our own connections come from; None: the system chooses
    tls: C3pTls | None = None  #: C3P goes over HTTPS; with ``peers``
    port_option: str = "--http-port"  #: what changes the port, for who reads that it is in use


def client_of(http: HttpSettings, trace: ElementSink | None, faults: TlsFaults) -> C3pClient:
    """What posts documents; over HTTPS it shows and asks for certificates."""
    peers, tls = http.peers, http.tls
    if peers is None:
        return C3pClient(secret=http.secret, trace=trace, reached_at=http.reached_at, local_host=http.local_host)
    if tls is None:
        return C3pClient(secrets=peers.secret_for, trace=trace, reached_at=http.reached_at, local_host=http.local_host)

    def failed(url: str, error: Exception) -> None:
        where = urlsplit(url)
        faults.report(TlsFaultKind.SERVER, where.hostname or "", where.port or 443, failure_text(error))

    def context(peer: str) -> ssl.SSLContext:
        return tls.client(has_secret=peers.secret_for(peer) is not None)

    def server_name(peer: str) -> str | None:
        return peers.certificate_name_of(peer) or (tls.name if peers.is_here(peer) else None)

    return C3pClient(
        secrets=peers.secret_for,
        trace=trace,
        ssl_context=context,
        server_names=server_name,
        https_only=True,
        on_tls_failure=failed,
        reached_at=http.reached_at,
        local_host=http.local_host,
    )


def server_of(
    http: HttpSettings,
    routes: Mapping[str, Handler],
    trace: ElementSink | None,
    on_stranger: Callable[[str, str], None],
    faults: TlsFaults,
    on_gone: Callable[[str], None],
) -> C3pServer:
    """What takes documents."""
    peers, tls = http.peers, http.tls
    make = partial(C3pServer, http.host, http.port, routes, trace=trace, on_stranger=on_stranger, on_gone=on_gone)
    if peers is None:
        return make(secrets=http.known)
    if tls is None:
        return make(secrets=peers.known)

    async def listen(protocol: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> Listener:
        return await tls.listen(protocol, host, port, faults)

    return make(secrets=peers.known, certificate_names=peers.by_certificate, listen=listen)
