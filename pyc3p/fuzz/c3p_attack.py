"""C3P over HTTP: altered documents posted to a Focus, an MCU or an MCU Factory."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import attrs

from c3p import (
    AddConference,
    AddUser,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    DeleteUser,
    Endpoint,
    GetConference,
    ModifyConferenceLock,
    Request,
    User,
    UserKeys,
)
from pyc3p.fuzz.process import Process
from pyc3p.fuzz.sip_attack import COMES_BACK
from pyc3p.fuzz.sip_inputs import flipped
from pyc3p.problems import UsageProblem
from pyc3p.simnet import BodyAlteration, BodyHow
from pyc3p.trace.trace import Record
from sip.testing import JUNK, Seeded, alteration

_CONFERENCE: Final = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:A1"
_KEYS: Final = ConferenceKeys(conf_entity=_CONFERENCE)
_USER: Final = User(
    entity="sip:bob@nowhere.invalid",
    endpoints=(Endpoint(entity="{B7C6FBA4-04D5-43C5-9F3A-9B2B4D9F2D6B}", joining_method="dialed-out"),),
)
_KEYS_OF_USER: Final = UserKeys(conf_entity=_CONFERENCE, user_entity="sip:bob@nowhere.invalid")
#: Commands of each kind, the plainest first: a conference that is not there, which any target can say of.
_COMMANDS: Final = (
    GetConference(conference_keys=_KEYS),
    AddConference(
        conference_keys=_KEYS,
        mcu_type="audio-video",
        conference_info=ConferenceInfo(entity=_CONFERENCE),
        callback_uri="http://nowhere.invalid/LiveServer/Focus",
    ),
    AddUser(conference_keys=_KEYS, user=_USER),
    DeleteUser(user_keys=_KEYS_OF_USER),
    ModifyConferenceLock(conference_keys=_KEYS, locked=True),
    DeleteConference(conference_keys=_KEYS),
)
_DOCUMENTS: Final = tuple(
    bytes(Request(request_id=str(number), from_="sip:focus@example.com", to=_CONFERENCE, command=command))
    for number, command in enumerate(_COMMANDS)
)
_READ: Final = 65_536


@attrs.frozen(kw_only=True)
class HttpTarget:
    """Where documents are posted to."""

    host: str
    port: int
    path: str
    secret: str = attrs.field(default="", repr=False)

    def request(self, body: bytes) -> bytes:
        """A POST of a document."""
        secret = f"Authorization: Bearer {self.secret}\r\n" if self.secret else ""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{secret}"
            f"Content-Type: application/cccp+xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body


def parse_http_target(text: str, *, secret: str = "") -> HttpTarget:
    """``http://HOST:PORT/PATH``; raises UsageProblem."""
    try:
        parts = urlsplit(text)
        port = parts.port or 80
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "http" or not parts.hostname:
        raise UsageProblem(f"{text!r} is no target; write it as http://HOST:PORT/PATH")
    return HttpTarget(host=parts.hostname, port=port, path=parts.path or "/", secret=secret)


@attrs.define(eq=False)
class C3pInputs:
    """Altered requests of HTTP by number, with C3P in them."""

    target: HttpTarget
    seed: int

    def __getitem__(self, number: int) -> bytes:
        choose, dice = Seeded(self.seed, number), random.Random((self.seed << 32) + number)
        body = dice.choice(_DOCUMENTS)
        for _ in range(dice.choice((0, 1, 1, 2))):
            body = BodyAlteration(0, dice.randrange(1000), dice.choice(list(BodyHow)), dice.choice(JUNK)).apply(body)
        if dice.random() < 0.2:
            body = flipped(dice, body)
        head, separator, _ = self.target.request(body).partition(b"\r\n\r\n")
        data = head + separator
        if dice.random() < 0.3:
            data = attrs.evolve(alteration(choose, 1), message=0).apply(data)
        return data + (body if dice.random() < 0.9 else body[: dice.randrange(len(body) + 1)])


class C3pAttack:
    """The target, and a plain document as canary. ``turn`` waits until one more may be sent."""

    def __init__(
        self, target: HttpTarget, *, patience: float, turn: Callable[[], None], process: Process | None = None
    ) -> None:
        self._target, self._patience, self._turn, self._process = target, patience, turn, process
        self._records: list[Record] = []

    def begin(self) -> str:
        """What the canary is; it has to be answered once. Raises OSError when it is not."""
        status = self._ask(self._target.request(_DOCUMENTS[0]), self._patience)
        return f"getConference, which is answered {status}"

    def send(self, inputs: Sequence[bytes]) -> None:
        """Each on a connection of its own, whose answer is not waited for for long."""
        for data in inputs:
            self._turn()
            with contextlib.suppress(OSError):
                self._ask(data, 0.2)
        del self._records[:-300]

    def _ask(self, data: bytes, patience: float) -> str:
        """Post something; the status of what is answered. Raises OSError when nothing is in time."""
        address = (self._target.host, self._target.port)
        with socket.create_connection(address, timeout=max(patience, 1.0)) as stream:
            stream.settimeout(patience)
            here, there = stream.getsockname()[:2], stream.getpeername()[:2]
            self._record(here, there, data)
            stream.sendall(data)
            answer = stream.recv(_READ)
            if not answer:
                raise ConnectionResetError("the connection was closed without an answer")
            self._record(there, here, answer)
        found = re.match(rb"HTTP/1\.[01] ([0-9]{3}[^\r\n]*)", answer)
        return found[1].decode("latin-1") if found else "something that is no HTTP"

    def _record(self, source: tuple[str, int], destination: tuple[str, int], data: bytes) -> None:
        at = time.monotonic()
        self._records.append(
            Record(at=at, layer="http", transport="TCP", source=source, destination=destination, data=data)
        )

    def complaint(self) -> str:
        """What is wrong with the canary, or the program."""
        ended = "" if self._process is None else self._process.ended()
        if ended:
            return ended
        why = ""
        for _ in range(2):
            try:
                self.begin()
                return ""
            except OSError as error:
                why = f"a plain document is not answered: {error}"
        return (self._process.ended() if self._process is not None else "") or why

    def revive(self) -> bool:
        """Start the program again, if we did so at first, and wait until it answers."""
        self._records = []
        if self._process is not None:
            self._process.start()
        end = time.monotonic() + COMES_BACK
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                self.begin()
                return True
            time.sleep(0.2)
        return False

    def records(self) -> Sequence[Record]:
        """What crossed the wire since it was revived, the last of it."""
        return self._records

    def names(self) -> dict[tuple[str, int], str]:
        """Who speaks at which address."""
        return {(self._target.host, self._target.port): "target"}

    def close(self) -> None:
        """Nothing is left open."""
