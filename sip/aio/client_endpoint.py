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


def as_server(server: Uri | str) -> Uri:
    """A server as people write it, ``192.0.2.1``, ``example.com:5070`` or a SIP URI. Raises LocalProtocolError."""
    if isinstance(server, Uri):
        return server
    text = server if server.lower().startswith(("sip:", "sips:")) else f"sip:{server}"
    try:
        return Uri.parse(text)
    except RemoteProtocolError:
        raise LocalProtocolError(
            f"server must be an address such as 192.0.2.1:5060 or sip:192.0.2.1;transport=tcp, not {server!r}"
        ) from None


async def own_address(server: Uri | None) -> str:
    """The address of this machine that faces a server; nothing is sent. Loopback without one.

    Raises OSError when there is no way to it.
    """
    if server is None:
        return _LOOPBACK
    host, port = server.host.strip("[]"), server.port or _PORT
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
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
