"""An endpoint for somebody who calls servers: a bot, a client. It finds out its own address by itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

import attrs

from sip.aio.clock import live_entropy, wall_clock
from sip.authentication.digest import Credentials
from sip.config import EndpointConfig, Listen
from sip.endpoint.endpoint import Endpoint
from sip.entropy import Entropy
from sip.errors import LocalProtocolError, RemoteProtocolError
from sip.syntax.uri import Uri

_LOOPBACK: Final = "127.0.0.1"
_PORT: Final = 5060
_TLS_SCHEMES: Final = {"sips": "tls"}


def as_server(server: Uri | str, *, tls: bool) -> Uri:
    """A server as people write it, ``192.0.2.1``, ``example.com:5070`` or a SIP URI.

    ``tls``: whether there are `TlsContexts`, without which nothing can be sent by TLS. Raises LocalProtocolError.
    """
    try:
        uri = server if isinstance(server, Uri) else Uri.parse(_with_scheme(server))
    except RemoteProtocolError:
        uri = None
    if uri is None or uri.scheme not in ("sip", "sips"):
        raise LocalProtocolError(
            f"server must be an address such as 192.0.2.1:5060 or sip:192.0.2.1;transport=tcp, not {str(server)!r}"
        )
    if uri.transport not in (None, "udp", "tcp", "tls"):
        raise LocalProtocolError(f"server: transport must be udp, tcp or tls, not {uri.transport!r}")
    if "tls" in (uri.transport, _TLS_SCHEMES.get(uri.scheme)) and not tls:
        raise LocalProtocolError(
            f"{str(server)!r} is reached by TLS: the settings need tls=sip.aio.TlsContexts(client=...)"
        )
    return uri


def _with_scheme(server: str) -> str:
    return server if server.lower().startswith(("sip:", "sips:")) else f"sip:{server}"


async def own_address(server: Uri | None) -> str:
    """The address of this machine that faces a server; nothing is sent. Loopback without one.

    Raises OSError when there is no way to it.
    """
    if server is None:
        return _LOOPBACK
    host, port = server.host.strip("[]"), server.port or _PORT
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        raise socket.gaierror(error.errno, f"there is no server {host}: {error.strerror}") from error
    family, _, _, _, address = found[0]
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])


async def client_endpoint(
    *,
    server: Uri | None,
    host: str | None = None,
    port: int = 0,
    credentials: Credentials | None = None,
    config: EndpointConfig | None = None,
    entropy: Entropy | None = None,
) -> Endpoint:
    """An endpoint that faces ``server``, listening on ``host`` (None: what faces it) and ``port`` (0: any free one).

    ``config`` has everything else. Unless it has listeners of its own there is one for UDP and one for TCP, first the
    transport of the server. ``credentials`` answer every challenge. Raises OSError when there is no way to the server.
    """
    settings = config or EndpointConfig()
    if not settings.listen:
        own = host or await own_address(server)
        order = ("TCP", "UDP") if server is not None and server.transport == "tcp" else ("UDP", "TCP")
        settings = attrs.evolve(settings, listen=tuple(Listen(each, own, port) for each in order))
    if credentials is not None:
        settings = attrs.evolve(settings, credentials=lambda realm: credentials)
    return Endpoint(settings, entropy=entropy or live_entropy(), wall_clock=wall_clock())
