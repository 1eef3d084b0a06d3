"""Ask SIP elements whether they are there: OPTIONS, once a second, with its time.

Run: .venv/bin/python examples/options_pinger.py [-c COUNT] sip:bob@192.0.2.10 ...
"""

from __future__ import annotations

import argparse
import asyncio

from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    Event,
    Listen,
    Pump,
    RequestFailed,
    RequestId,
    ResponseReceived,
)
from sip.aio import SipTransport, live_entropy


class Pinger:
    """Sends OPTIONS and prints what comes of each."""

    owner = "pinger"

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._open: dict[RequestId, tuple[str, float]] = {}
        endpoint.add_core(
            self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=()
        )

    @property
    def is_waiting(self) -> bool:
        return bool(self._open)

    def ping(self, target: str, *, now: float) -> None:
        request_id = self._endpoint.request(
            self.owner,
            "OPTIONS",
            target,
            from_="<sip:pinger@example.com>",
            to=f"<{target}>",
            now=now,
        )
        self._open[request_id] = target, now

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, ResponseReceived | RequestFailed):
            target, asked_at = self._open.pop(event.request_id)
            if isinstance(event, ResponseReceived):
                outcome = f"{event.response.status} {event.response.reason}"
            else:
                outcome = f"no answer ({event.reason})"
            print(f"{target}: {outcome}, {1000 * (now - asked_at):.1f} ms", flush=True)
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


async def main(targets: list[str], count: int, interval: float) -> None:
    config = EndpointConfig(
        listen=(Listen("UDP", "0.0.0.0", 0), Listen("TCP", "0.0.0.0", 0))
    )
    endpoint = Endpoint(config, entropy=live_entropy())
    pinger = Pinger(endpoint)
    transport = SipTransport(Pump(endpoint, [pinger]))
    await transport.start()
    for _ in range(count):
        for target in targets:
            pinger.ping(target, now=transport.now)
        transport.kick()
        await asyncio.sleep(interval)
    while pinger.is_waiting:
        await asyncio.sleep(0.1)
    await transport.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Ask SIP elements whether they are there."
    )
    parser.add_argument("target", nargs="+", help="a SIP URI")
    parser.add_argument("-c", "--count", type=int, default=3, help="how often (3)")
    parser.add_argument(
        "-i", "--interval", type=float, default=1.0, help="seconds between (1)"
    )
    given = parser.parse_args()
    asyncio.run(main(given.target, given.count, given.interval))
