"""An A/V MCU over your own transport, without asyncio: a number in place of a clock.

The MCU is commanded with C3P documents as a Focus would do it, calls two phones, mixes
them, and reports. What your program has to supply is in ``Host``: it carries bytes,
posts documents, opens ports and says what time it is.

Run: .venv/bin/python examples/embed_mcu.py
"""

from __future__ import annotations

from collections.abc import Callable

import c3p
from mcu import (
    DialOutRules,
    LegConnected,
    LegEnded,
    LegId,
    Mcu,
    McuConfig,
    MediaPortWanted,
    MixerSettings,
)
from rtp import Capabilities, MediaStream, OfferAnswerSession, SessionDescription
from sip import (
    Address,
    Claim,
    ConnectWanted,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    InviteReceived,
    Listen,
    Pump,
    SeededEntropy,
    SessionConfirmed,
    SessionId,
    Uri,
)

CONFERENCE = c3p.focus_uri("sip:alice@example.com", "WEEKLY01")
AV = c3p.mcu_uri(CONFERENCE, "audio-video")


class Phone:
    """A plain user agent: rings, answers at once, and says one value over and over."""

    owner = "phone"

    def __init__(self, host: str, number: int, level: int) -> None:
        self.host, self.number, self.level = host, number, level
        listen = (Listen("UDP", host, 5060),)
        self.endpoint = Endpoint(
            EndpointConfig(listen=listen), entropy=SeededEntropy(host.encode())
        )
        methods = ("INVITE", "BYE", "CANCEL")
        self.endpoint.add_core(
            self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=methods
        )
        self.pump = Pump(self.endpoint, [self])
        self.media = OfferAnswerSession(Capabilities(), address=host, port=4000)
        self.session: SessionId | None = None
        self.stream: MediaStream | None = None
        self.heard = 0

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, InviteReceived):
            self.session = event.session
            answer, _ = self.media.receive_offer(
                SessionDescription.parse(event.request.body)
            )
            self.endpoint.progress(event.session, 180, now=now)
            self.endpoint.accept(
                event.session,
                body=bytes(answer),
                content_type="application/sdp",
                now=now,
            )
        elif (
            isinstance(event, SessionConfirmed)
            and self.media.agreement
            and self.media.agreement.audio
        ):
            self.stream = MediaStream(
                self.media.agreement.audio,
                entropy=SeededEntropy(self.host.encode()),
                now=now,
            )
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


class Host:
    """All around the MCU that a real program does with sockets, HTTP and a clock."""

    def __init__(self, phones: list[Phone], tell: Callable[[str], None]) -> None:
        self.now = 0.0
        self.tell = tell
        self.phones = {phone.host: phone for phone in phones}
        self.endpoint = Endpoint(
            EndpointConfig(listen=(Listen("UDP", "192.0.2.1", 5060),)),
            entropy=SeededEntropy(b"not for production"),
        )
        config = McuConfig(
            mcu_id="mcu1",
            http_url="https://mcu1.example.com/LiveServer/AVMCU",
            sip_contact=Uri.parse("sip:mcu@192.0.2.1:5060"),
            mixer=MixerSettings(gate=0),
        )
        # Without rules of its own an MCU calls users of the conference's domain only.
        rules = DialOutRules(domains=frozenset(self.phones))
        self.mcu = Mcu(
            self.endpoint,
            config,
            entropy=SeededEntropy(b"not for production either"),
            policy=rules,
        )
        self.pump = Pump(self.endpoint, [self.mcu])
        self.pumps = {"192.0.2.1": self.pump} | {
            phone.host: phone.pump for phone in phones
        }
        self.legs: dict[int, LegId] = {}
        self.requests = 0

    def command(self, command: c3p.Command) -> c3p.Reply:
        """What the HTTP server does with a document that was posted to it."""
        self.requests += 1
        request = c3p.Request(
            request_id=str(self.requests),
            from_=CONFERENCE,
            to=AV,
            command=command,
            originator="sip:alice@example.com",
            originator_role="presenter",
        )
        reply = self.mcu.receive_c3p(
            c3p.parse_document(bytes(request)), peer="focus", now=self.now
        )
        self.carry()
        return reply

    def carry(self) -> None:
        """Until nothing moves: events, SIP bytes, documents."""
        moved = True
        while moved:
            moved = False
            for host, pump in self.pumps.items():
                self.act(host, pump.settle(now=self.now))
                for transmit in pump.data_to_send():
                    moved = True
                    there = transmit.flow.remote
                    flow = Flow(
                        int(host.rpartition(".")[2]), "UDP", there, transmit.flow.local
                    )
                    self.act(
                        there.host,
                        self.pumps[there.host].receive_data(
                            transmit.data, flow=flow, now=self.now
                        ),
                    )
            for exchange in self.mcu.c3p_to_send():
                moved = True
                self.posted(exchange.document)
                self.act(
                    "192.0.2.1",
                    self.mcu.receive_reply(exchange.id, c3p.Reply(200), now=self.now),
                )

    def posted(self, document: object) -> None:
        """What a Focus would read."""
        if (
            isinstance(document, c3p.Notify)
            and document.conference_info.users is not None
        ):
            for user in document.conference_info.users.users:
                for endpoint in user.endpoints:
                    what = endpoint.status or endpoint.state
                    self.tell(f"{self.now:6.2f} roster   {user.entity} {what}")
        elif isinstance(document, c3p.Response):
            self.tell(
                f"{self.now:6.2f} response {document.request_id} {document.code.value}"
            )

    def act(self, host: str, events: list[Event]) -> None:
        """The questions that machines ask of their host."""
        for event in events:
            if isinstance(event, ConnectWanted):
                there = Address(event.destination.host, event.destination.port)
                flow = Flow(
                    int(there.host.rpartition(".")[2]),
                    "UDP",
                    Address(host, 5060),
                    there,
                )
                self.act(
                    host,
                    self.pumps[host].endpoint.flow_opened(event.id, flow, now=self.now),
                )
            elif isinstance(event, MediaPortWanted):
                port = 40000 + 2 * event.leg
                self.legs[port] = event.leg
                addresses = {
                    "rtp": ("192.0.2.1", port),
                    "rtcp": ("192.0.2.1", port + 1),
                }
                self.act(
                    host,
                    self.mcu.media_opened(
                        event.leg, **addresses, advertised="192.0.2.1", now=self.now
                    ),
                )
            elif isinstance(event, LegConnected):
                self.tell(
                    f"{self.now:6.2f} event    leg {event.leg} connected, {event.codec}"
                )
            elif isinstance(event, LegEnded):
                self.tell(f"{self.now:6.2f} event    leg {event.leg} {event.method}")

    def talk(self, seconds: float) -> None:
        """Let time pass, 20 ms at a time."""
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            batch = []
            for phone in self.phones.values():
                if phone.stream is not None:
                    frame = phone.level.to_bytes(2, "little", signed=True) * 160
                    for kind, data, (_, port) in phone.stream.send_frame(
                        frame, now=self.now
                    ):
                        batch.append(
                            (self.legs[port], kind, data, (phone.host, 4000), self.now)
                        )
            self.act("192.0.2.1", self.mcu.receive_media(batch))
            for _, kind, data, (there, _) in self.mcu.tick(self.now):
                stream = self.phones[there].stream
                if kind == "rtp" and stream is not None:
                    self.phones[there].heard = int.from_bytes(
                        stream.decode(data[-160:])[-2:], "little", signed=True
                    )
            self.carry()


def main(tell: Callable[[str], None] = print) -> tuple[int, int]:
    """Run the conference; returns what each phone heard last."""
    bob, carol = Phone("198.51.100.7", 7, 1000), Phone("198.51.100.8", 8, 4000)
    host = Host([bob, carol], tell)
    info = c3p.ConferenceInfo(entity=CONFERENCE)
    host.command(
        c3p.AddConference(
            conference_info=info,
            callback_uri="https://focus.example.com/LiveServer/Focus",
        )
    )
    for phone in (bob, carol):
        endpoint = c3p.Endpoint(
            entity=f"{{00000000-0000-4000-8000-{phone.number:012X}}}",
            joining_method="dialed-out",
        )
        user = c3p.User(
            entity=f"sip:user{phone.number}@{phone.host}", endpoints=(endpoint,)
        )
        host.command(
            c3p.AddUser(
                conference_keys=c3p.ConferenceKeys(conf_entity=CONFERENCE), user=user
            )
        )
    host.talk(1.0)
    heard = bob.heard, carol.heard
    tell(f"{host.now:6.2f} sound    bob hears {heard[0]}, carol hears {heard[1]}")
    assert bob.session is not None
    bob.endpoint.bye(bob.session, now=host.now)
    host.carry()
    host.command(
        c3p.DeleteConference(conference_keys=c3p.ConferenceKeys(conf_entity=CONFERENCE))
    )
    return heard


if __name__ == "__main__":
    main()
