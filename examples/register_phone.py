"""Register a phone and keep it registered: a user agent in one core, on real sockets.

Run: .venv/bin/python examples/register_phone.py sip:bob@example.com 192.0.2.10:5060 \\
         [own address] [password]
"""

from __future__ import annotations

import asyncio
import sys

from sip import (
    Claim,
    Credentials,
    Endpoint,
    EndpointConfig,
    Event,
    Listen,
    NameAddr,
    Pump,
    RequestFailed,
    ResponseReceived,
    Uri,
)
from sip.aio import SipTransport, live_entropy


class Phone:
    """Registers, again at half of the time granted; its endpoint answers OPTIONS."""

    owner = "phone"

    def __init__(self, endpoint: Endpoint, aor: Uri, registrar: Uri) -> None:
        self._endpoint, self._aor, self._registrar = endpoint, aor, registrar
        # The REGISTERs of a phone share one, and count on (RFC 3261 section 10.2.4).
        self._call_id: str | None = None
        self._cseq = 0
        self._again: float | None = None
        endpoint.add_core(
            self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=()
        )

    def register(self, *, now: float) -> None:
        here = self._endpoint.listen[0]
        self._cseq += 1
        self._endpoint.request(
            self.owner,
            "REGISTER",
            Uri("sip", self._aor.host),
            from_=NameAddr(self._aor),
            to=NameAddr(self._aor),
            headers=[("Expires", "600")],
            contact=NameAddr(Uri("sip", here.host, self._aor.user, port=here.port)),
            route=[NameAddr(self._registrar.with_params(lr=None))],
            call_id=self._call_id,
            cseq=self._cseq,
            now=now,
        )

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, ResponseReceived):
            response = event.response
            self._call_id, self._cseq = response.call_id, response.cseq.number
            self._again = now + (response.expires or 60) / 2
            print(
                f"REGISTER: {response.status} {response.reason}",
                *response.contact,
                flush=True,
            )
        elif isinstance(event, RequestFailed):
            self._again = now + 30
            print(f"REGISTER: no answer ({event.reason})", flush=True)
        return []

    def next_timeout(self) -> float | None:
        return self._again

    def handle_timeout(self, *, now: float) -> list[Event]:
        self._again = None
        self.register(now=now)
        return []

    def take_events(self) -> list[Event]:
        return []


async def main(
    aor: str,
    registrar: str,
    own_address: str = "127.0.0.1",
    password: str | None = None,
) -> None:
    user = Uri.parse(aor)
    credentials = None if password is None else Credentials(user.user or "", password)
    config = EndpointConfig(
        listen=(Listen("UDP", own_address, 0),), credentials=lambda realm: credentials
    )
    endpoint = Endpoint(config, entropy=live_entropy())
    phone = Phone(endpoint, user, Uri.parse(f"sip:{registrar}"))
    transport = SipTransport(Pump(endpoint, [phone]))
    await transport.start()
    phone.register(now=transport.now)
    transport.kick()
    try:
        await asyncio.Event().wait()
    finally:
        await transport.stop()


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(
            "usage: register_phone.py sip:USER@DOMAIN REGISTRAR [ADDRESS [PASSWORD]]"
        )
    try:
        asyncio.run(main(*sys.argv[1:5]))
    except KeyboardInterrupt:
        print("stopped")
