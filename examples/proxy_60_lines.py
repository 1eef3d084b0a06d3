"""A registrar and forking proxy: phones that register here can call each other.

Run: .venv/bin/python examples/proxy_60_lines.py example.com 192.0.2.10 5060
Then set any softphone's domain to example.com and its proxy to 192.0.2.10.
"""

from __future__ import annotations

import asyncio
import sys

from sip import (
    BindingsChanged,
    Endpoint,
    EndpointConfig,
    Event,
    Listen,
    Proxy,
    ProxyConfig,
    Pump,
    Registrar,
    RegistrarConfig,
)
from sip.aio import SipTransport, live_entropy, wall_clock


def show(events: list[Event]) -> None:
    """Print who came and who went."""
    for event in events:
        if isinstance(event, BindingsChanged):
            contacts = ", ".join(str(binding.uri) for binding in event.bindings)
            print(f"{event.aor} {event.cause}: {contacts or 'nowhere'}", flush=True)


async def main(
    domain: str = "example.com", host: str = "127.0.0.1", port: str = "5060"
) -> None:
    """Serve a domain until interrupted."""
    entropy = live_entropy()
    listen = (Listen("UDP", host, int(port)), Listen("TCP", host, int(port)))
    endpoint = Endpoint(
        EndpointConfig(listen=listen), entropy=entropy, wall_clock=wall_clock()
    )
    registrar = Registrar(endpoint, RegistrarConfig(domains=(domain,)), entropy=entropy)
    proxy = Proxy(
        endpoint,
        ProxyConfig(domains=(domain,)),
        entropy=entropy,
        location=registrar.lookup,
        moved=registrar.flow_after,
        bound=registrar.at,
    )
    transport = SipTransport(Pump(endpoint, [registrar, proxy]), on_events=show)
    await transport.start()
    print(f"serving {domain} on {host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except KeyboardInterrupt:
        print("stopped")
