"""Messages for the SIP benchmarks: each one has its own tags, branches, Call-IDs and hosts.

So no cache of whole values can help a parser. ``http`` is a request with the same header lines, for h11.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Fields = list[tuple[str, str]]


@dataclass(frozen=True)
class Sample:
    """One message as SIP, and an HTTP message with the same headers and body."""

    kind: str
    sip: bytes
    http: bytes


class Corpus:
    """Endless different messages of six kinds."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def round(self, count: int) -> list[Sample]:
        """``count`` messages of each kind, mixed."""
        samples = [make for _ in range(count) for make in self._one_of_each()]
        self._random.shuffle(samples)
        return samples

    def _one_of_each(self) -> Iterator[Sample]:
        for kind, (start, fields, body) in self._messages().items():
            yield Sample(kind, _wire(start, fields, body), _wire("POST /c3p HTTP/1.1", _for_http(fields), body))

    def _hex(self, digits: int) -> str:
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def _host(self) -> str:
        return f"h{self._random.randrange(10**6)}.example.com"

    def _address(self) -> str:
        return f"192.0.2.{self._random.randrange(256)}:{self._random.randrange(1024, 65536)}"

    def _via(self, transport: str) -> tuple[str, str]:
        return ("Via", f"SIP/2.0/{transport} {self._address()};branch=z9hG4bK{self._hex(16)};rport")

    def _dialog(self, method: str, *, to_tag: bool) -> Fields:
        sender, receiver = f"alice{self._hex(4)}@{self._host()}", f"bob{self._hex(4)}@{self._host()}"
        tag = f";tag={self._hex(8)}" if to_tag else ""
        return [
            ("Max-Forwards", "70"),
            ("From", f'"Alice {self._hex(3)}" <sip:{sender}>;tag={self._hex(10)};epid={self._hex(10)}'),
            ("To", f"<sip:{receiver}>{tag}"),
            ("Call-ID", f"{self._hex(24)}@{self._host()}"),
            ("CSeq", f"{self._random.randrange(1, 10**6)} {method}"),
        ]

    def _contact(self, transport: str) -> tuple[str, str]:
        return ("Contact", f"<sip:alice{self._hex(4)}@{self._address()};transport={transport}>")

    def _proxy(self) -> str:
        return f"<sip:{self._host()};transport=tcp;lr>"

    def _messages(self) -> Mapping[str, tuple[str, Fields, bytes]]:
        agent = ("User-Agent", f"Bench/{self._hex(4)}")
        allow = ("Allow", "INVITE, ACK, BYE, CANCEL, INFO, UPDATE, REFER, NOTIFY, OPTIONS")
        register = [self._via("UDP"), *self._dialog("REGISTER", to_tag=False)]
        register += [(self._contact("udp")[0], self._contact("udp")[1] + ";expires=3600"), ("Expires", "3600"), agent]
        invite = [self._via("TCP"), ("Route", self._proxy()), *self._dialog("INVITE", to_tag=False)]
        invite += [self._contact("tcp"), agent, allow, ("Supported", "timer, replaces, ms-dialog-route-set-update")]
        invite += [("Session-Expires", "1800"), ("Content-Type", "application/sdp")]
        answer = [self._via("TCP"), self._via("UDP"), *(("Record-Route", self._proxy()) for _ in range(3))]
        answer += [
            *self._dialog("INVITE", to_tag=True),
            self._contact("tcp"),
            allow,
            ("Content-Type", "application/sdp"),
        ]
        subscribe = [self._via("TCP"), *self._dialog("SUBSCRIBE", to_tag=False), self._contact("tcp"), agent]
        subscribe += [("Event", "conference"), ("Accept", "application/conference-info+xml"), ("Expires", "3600")]
        notify = [
            self._via("TCP"),
            ("Route", self._proxy()),
            *self._dialog("NOTIFY", to_tag=True),
            self._contact("tcp"),
        ]
        notify += [("Event", "conference"), ("Subscription-State", "active;expires=3599")]
        notify += [("Content-Type", "application/conference-info+xml")]
        info = [self._via("TCP"), ("Route", self._proxy()), *self._dialog("INFO", to_tag=True), agent]
        info += [("Content-Type", "application/cccp+xml")]
        conference = f"sip:alice@{self._host()};gruu;opaque=app:conf:focus:id:{self._hex(32)}"
        return {
            "REGISTER": (f"REGISTER sip:{self._host()} SIP/2.0", register, b""),
            "INVITE": (f"INVITE sip:bob@{self._host()} SIP/2.0", invite, self._body("a=rtpmap:", 900)),
            "200": ("SIP/2.0 200 OK", answer, self._body("a=rtpmap:", 900)),
            "SUBSCRIBE": (f"SUBSCRIBE {conference} SIP/2.0", subscribe, b""),
            "NOTIFY": (f"NOTIFY sip:bob@{self._address()};transport=tcp SIP/2.0", notify, self._body("<user/>", 4096)),
            "INFO": (f"INFO {conference} SIP/2.0", info, self._body("<addUser/>", 1024)),
        }

    def _body(self, line: str, size: int) -> bytes:
        return (f"{line}{self._hex(8)}\r\n" * (size // 8))[:size].encode()


def _for_http(fields: Fields) -> Fields:
    return [("Host", "h.example.com"), *fields]


def _wire(start: str, fields: Fields, body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in [*fields, ("Content-Length", str(len(body)))])
    return f"{start}\r\n{lines}\r\n".encode() + body
