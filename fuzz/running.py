"""The elements that ``fuzz/elements.py`` lets messages arrive at, in the middle of their work.

The first octet of an input says how the rest arrives; see `Phones.take` and `Conferencing.take`. In an answer, the
words ``$Via``, ``$From``, ``$To``, ``$Call-ID`` and ``$CSeq`` stand for the header lines of the last request that the
element sent, so that answers belong to something.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final

import c3p
import sip
from pyc3p.simnet import Passing
from pyc3p.simnet.hostile import BOB, HostileMeeting
from sip.testing import CONVERSATIONS, DOMAIN, Crossing, Scene, Sent, faults, unanswered

_ANSWERED: Final = ("Via", "From", "To", "Call-ID", "CSeq")


class Problem(Exception):
    """A promise was broken."""


class Element(ABC):
    """An element at work."""

    @abstractmethod
    def first_inputs(self) -> list[bytes]:
        """Inputs to begin with; the element is of no other use afterwards."""

    @abstractmethod
    def take(self, data: bytes) -> None:
        """Let something arrive; raises Problem."""

    @abstractmethod
    def finish(self) -> None:
        """Let time pass until nothing may be left; raises Problem."""


def answering(data: bytes, request: bytes) -> bytes:
    """Put header lines of a request into an answer."""
    for name in _ANSWERED:
        lines = re.findall(rb"(?im)^%s[ \t]*:[^\r\n]*" % name.encode(), request)
        data = data.replace(b"$" + name.encode(), b"\r\n".join(lines))
    return data


def made_new(data: bytes, number: int) -> bytes:
    """A request that is no repetition of one before; every other time one of another call as well."""
    data = data.replace(b"branch=z9hG4bK", b"branch=z9hG4bK%d." % number)
    return re.sub(rb"(?im)^(call-id:[ \t]*)", rb"\g<1>%d." % number, data) if number % 2 else data


def as_template(response: bytes) -> bytes:
    """An answer that can be given to any request."""
    for name in _ANSWERED:
        pattern = rb"(?im)^%s[ \t]*:[^\r\n]*\r\n" % name.encode()
        response = re.sub(pattern, b"", re.sub(pattern, b"$" + name.encode() + b"\r\n", response, count=1))
    return response


def complain(wrong: list[str]) -> None:
    """Raise Problem when there is something to complain of."""
    if wrong:
        raise Problem("\n".join(wrong)[:4000])


# Registrar, proxy and user agent -------------------------------------------------------------------------------------


class Phones(Element):
    """The scene of `sip.testing.scenes`: a site that is proxy and registrar, and two phones."""

    def __init__(self, element: str) -> None:
        self._element = element
        self._scene = scene = Scene("udp")
        self._conversations = {
            "proxy": ("call through proxy", "message through proxy", "subscription through proxy"),
            "registrar": ("registration",),
            "user-agent": ("call", "call without offer", "subscription", "REFER"),
        }[element]
        self._agent = scene.alice if element == "user-agent" else scene.site
        self._last_request = b""
        self._count = 0
        scene.net.middle = self._pass
        scene.register(scene.bob)

    def _pass(self, sent: Sent, flow: sip.Flow) -> bytes:
        if sent.by == self._agent.name and not sent.data.startswith((b"SIP/2.0", b"ACK")):
            self._last_request = sent.data
        names = {each.host: each.name for each in (self._scene.site, self._scene.alice, self._scene.bob)}
        stream = None if flow.transport == "UDP" else (flow.id, sent.by)
        receiver = names.get(flow.remote.host)  # None where nobody is
        self._scene.crossings.append(
            Crossing(sender=sent.by, receiver=receiver, flow=stream, sent=sent.data, arrived=sent.data)
        )
        return sent.data

    def first_inputs(self) -> list[bytes]:
        """What arrives in its conversations, by all ways."""
        inputs: dict[bytes, None] = {}
        for conversation in self._conversations:
            scene = Scene("udp")
            CONVERSATIONS[conversation](scene)
            for crossing in scene.crossings:
                if crossing.receiver == self._agent.name:
                    answer = crossing.sent.startswith(b"SIP/2.0")
                    data = as_template(crossing.sent) if answer else crossing.sent
                    inputs[b"\0" + data] = inputs[b"\1" + data] = inputs[b"\2" + data] = None
        return list(inputs)

    def take(self, data: bytes) -> None:
        """A datagram of the other phone (0) or of a stranger (1), or octets on a connection (2)."""
        scene, agent = self._scene, self._agent
        self._count += 1
        if self._count % 4 == 0:
            self._begin_something()
        kind, message = data[:1], answering(made_new(data[1:], self._count), self._last_request)
        host = "192.0.2.99" if kind == b"\1" else scene.bob.host
        transport = "TCP" if kind == b"\2" else "UDP"
        # A new connection for each: what comes after broken framing is not looked at.
        remote = sip.Address(host, 5060 if transport == "UDP" else 30_000 + self._count)
        flow = scene.net.flow(transport, sip.Address(agent.host, 5060), remote)
        stream = (flow.id, "stranger") if transport == "TCP" else None
        scene.crossings.append(Crossing(sender=host, receiver=agent.name, flow=stream, sent=message, arrived=message))
        scene.net.inject(agent, message, flow)
        scene.net.run(0.3)
        if transport == "TCP":
            agent.take(agent.endpoint.flow_closed(flow, now=scene.net.now))
        complain([*scene.raised, *faults(**{agent.name: agent.events})])

    def _begin_something(self) -> None:
        """Give answers something to belong to."""
        scene = self._scene
        kinds = (
            lambda: scene.call(f"sip:bob@{DOMAIN}", through_site=True),
            lambda: scene.call("sip:nobody@192.0.2.98;transport=udp", through_site=False),
            lambda: scene.subscribe(f"sip:bob@{DOMAIN}", through_site=True),
            lambda: scene.subscribe("sip:nobody@192.0.2.98;transport=udp", through_site=False),
            lambda: scene.refer("sip:nobody@192.0.2.98;transport=udp"),
        )
        scene._do(kinds[self._count // 4 % len(kinds)])
        scene.net.run(0.05)

    def finish(self) -> None:
        """Everybody hangs up; nothing is left, and every request was answered."""
        scene = self._scene
        scene.finish()
        complain([each for each in scene.complaints() if " answered " not in each])
        complain(unanswered_ever(scene.crossings, self._agent.name, silent_proxy=self._agent is scene.site))


def unanswered_ever(crossings: list[Crossing], receiver: str, *, silent_proxy: bool = False) -> list[str]:
    """Requests that got no answer at all; among thousands that look alike some get several."""

    def excuse(element: str, request: sip.Request) -> bool:
        return element != receiver or (silent_proxy and request.method not in ("INVITE", "REGISTER", "CANCEL"))

    return [each for each in unanswered(crossings, excuse) if " answered nothing " in each]


# Focus and MCU -------------------------------------------------------------------------------------------------------


class Conferencing(Element):
    """A conference that goes on: documents and messages arrive at its Focus or its MCU."""

    def __init__(self, element: str) -> None:
        self._element = element
        self._hostile = hostile = HostileMeeting()
        self._received: list[tuple[bytes, Passing]] = []
        self._last_request = b""
        self._replacing: bytes | None = None
        hostile.network.middle = self._pass
        meeting = hostile.meeting
        meeting.register_phones()
        meeting.open()
        meeting.outcome("presenter", meeting.dial("presenter", BOB))
        self._count = 0

    def _pass(self, passing: Passing) -> bytes:
        if passing.layer == "sip":
            if passing.sender == self._element and not passing.data.startswith((b"SIP/2.0", b"ACK")):
                self._last_request = passing.data
            self._hostile.crossings.append(
                Crossing(
                    sender=passing.sender,
                    receiver=passing.receiver,
                    flow=passing.stream,
                    sent=passing.data,
                    arrived=passing.data,
                )
            )
        if passing.receiver == self._element:
            self._received.append((b"\3" if passing.layer == "http" else b"\0", passing))
            if passing.layer == "http" and self._replacing is not None:
                data, self._replacing = self._replacing, None
                return data
        return passing.data

    def first_inputs(self) -> list[bytes]:
        """What arrived in a whole conference."""
        self._hostile._dial()
        self._hostile.finish()
        inputs: dict[bytes, None] = {}
        for kind, passing in self._received:
            data = passing.data
            if kind == b"\3":
                inputs[b"\3" + data] = inputs[b"\4" + data] = None
            else:
                data = as_template(data) if data.startswith(b"SIP/2.0") else data
                inputs[b"\0" + data] = inputs[b"\1" + data] = inputs[b"\2" + data] = None
        return list(inputs)

    def take(self, data: bytes) -> None:
        """A datagram of the proxy (0) or a stranger (1), octets on a connection (2), a document posted (3), or one that
        stands in place of the next that arrives (4)."""
        hostile, network = self._hostile, self._hostile.network
        self._count += 1
        kind, message = data[:1], data[1:]
        if kind == b"\3":
            self._post(message)
        elif kind == b"\4":
            self._replacing = message
            hostile._try(lambda: hostile.meeting.dial("presenter", f"sip:user{self._count}@example.com"))
        else:
            self._sip(kind, answering(made_new(message, self._count), self._last_request))
        network.run_for(0.1)
        hosts = hostile.meeting.sim.hosts
        complain([*hostile.raised, *faults(**{name: host.events for name, host in hosts.items()})])

    def _post(self, data: bytes) -> None:
        try:
            document = c3p.parse_document(data)
        except c3p.C3PError:
            return
        if isinstance(document, c3p.ConferenceInfo):
            return
        host = self._hostile.meeting.host(self._element)
        peer = "mcu" if self._element == "focus" else "focus"
        path = next(iter(host.element.services))
        host.element.receive_c3p(path, document, peer=peer, now=self._hostile.network.now)
        host.kick()

    def _sip(self, kind: bytes, message: bytes) -> None:
        network, place = self._hostile.network, self._hostile.meeting.sim.farm.places[self._element]
        proxy = self._hostile.meeting.sim.farm.places["proxy"]
        here = sip.Address(place.host, 5060)
        host = self._hostile.meeting.host(self._element)
        if kind == b"\2":
            flow = network.wire.flow("TCP", here, sip.Address("192.0.2.250", 30_000 + self._count))
            self._cross(message, (flow.id, "stranger"))
            host.receive_sip(flow, message)
            host.flow_closed(flow)
            return
        source = ("192.0.2.250", 5060) if kind == b"\1" else (proxy.host, 5060)
        self._cross(message, None)
        network.inject(source, (here.host, here.port), message)

    def _cross(self, message: bytes, stream: object) -> None:
        self._hostile.crossings.append(
            Crossing(sender="stranger", receiver=self._element, flow=stream, sent=message, arrived=message)
        )

    def finish(self) -> None:
        """Everybody leaves; nothing is left, and every request was answered."""
        self._hostile.finish()
        complain([each for each in self._hostile.complaints() if " answered " not in each])
        complain(unanswered_ever(self._hostile.crossings, self._element))
