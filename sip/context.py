"""What all layers of one endpoint share: settings, time, chance, the events so far and the counters."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable

from sip.authentication.digest import MAX_CHALLENGED, Credentials, DigestClient
from sip.config import EndpointConfig
from sip.entropy import Entropy
from sip.events import Event
from sip.faults import internal_fault
from sip.flow import Flow
from sip.message.lines import Lines
from sip.message.message import Message
from sip.message.request import Request
from sip.message.response import Response
from sip.source_limits import SourceLimits
from sip.timers import Timers
from sip.traffic import Traffic


class Context:
    """Shared by the layers of one endpoint; each kind of random value has a source of its own."""

    __slots__ = (
        "_branches",
        "_digest",
        "_given",
        "_ids",
        "_last_id",
        "_stateless",
        "_tags",
        "config",
        "counters",
        "events",
        "limits",
        "timers",
        "traffic",
        "waits",
    )

    def __init__(self, config: EndpointConfig, entropy: Entropy) -> None:
        self.config = config
        self.timers = Timers(lambda error: self.fault(error, "fire a timer"))
        self.counters: Counter[str] = Counter()
        self.traffic = Traffic()
        self.limits = SourceLimits(config)
        self.waits = entropy.child("waits")  #: for random delays
        self._tags = entropy.child("tags")
        self._branches = entropy.child("branches")
        self._ids = entropy.child("call-ids")
        self.events: list[Event] = []  #: since they were taken last; always the same list, so that a look tells
        self._last_id = 0
        self._stateless: bytes | None = None
        self._given: dict[str, Credentials] = {}  # credentials by realm, beside those of the configuration
        self._digest = DigestClient(self._credentials, entropy=entropy.child("cnonces"))

    def emit(self, event: Event) -> None:
        """Report an event."""
        self.events.append(event)

    def take_events(self) -> list[Event]:
        """Return the events since the last call."""
        events = self.events[:]
        self.events.clear()
        return events

    def count(self, what: str) -> None:
        """Note something that was dropped, ignored or refused."""
        self.counters[what] += 1

    def fault(self, error: Exception, doing: str, *, owner: str = "", message: Message | bytes = b"") -> None:
        """Note that something of ours raised that must not; whoever caught it goes on with the next thing."""
        self.count("internal fault")
        self.emit(internal_fault(error, doing, owner=owner, message=message))

    def attempt(self, doing: str, action: Callable[..., object], *args: object) -> bool:
        """Do one thing of several; when it raises, that is noted, and the others are done all the same."""
        try:
            action(*args)
        except Exception as error:
            self.fault(error, doing)
            return False
        return True

    def new_id(self) -> int:
        """Return a number that no other thing of this endpoint has or had."""
        self._last_id += 1
        return self._last_id

    def was_id(self, number: int) -> bool:
        """Whether ``new_id`` ever returned ``number``."""
        return 0 < number <= self._last_id

    def new_tag(self) -> str:
        """Return a tag of 64 random bits (RFC 3261 section 19.3 asks for 32)."""
        return self._tags.token(8)

    def tag_for(self, request: Request, flow: Flow) -> str:
        """Return the tag of answers without a transaction: the same for a repetition (RFC 3261 section 8.2.7).

        From another address it is no repetition: what one host is told proves nothing for another.
        """
        if self._stateless is None:
            self._stateless = self._tags.child("stateless").token(16).encode()
        named = [request.headers.get(name, "") or "" for name in ("Via", "From", "Call-ID", "CSeq")]
        named.append(flow.remote.host)
        seal = hmac.new(self._stateless, "\n".join(named).encode("utf-8", "surrogateescape"), hashlib.sha256)
        return seal.hexdigest()[:16]

    def new_branch(self) -> str:
        """Return a Via branch with the magic cookie (RFC 3261 section 8.1.1.7)."""
        return "z9hG4bK" + self._branches.token(8)

    def new_call_id(self) -> str:
        """Return a Call-ID of 128 random bits, which names no host (RFC 3261 section 8.1.1.4)."""
        return self._ids.token(16)

    def set_credentials(self, realm: str, credentials: Credentials | None) -> None:
        """Use these for a realm from now on, before those of the configuration; None forgets them."""
        if credentials is None:
            self._given.pop(realm, None)
        else:
            self._given[realm] = credentials

    def _credentials(self, realm: str) -> Credentials | None:
        configured = self.config.credentials
        given = self._given.get(realm)
        return given if given is not None or configured is None else configured(realm)

    def authorize(self, request: Request | None, response: Response, challenged: int) -> Lines | None:
        """Return the header lines with which a refused request is tried again; None when it is of no use.

        ``challenged`` is how often that was done for it before.
        """
        if request is None or response.status not in (401, 407):
            return None
        if challenged >= MAX_CHALLENGED:
            self.count("refused: asked for credentials too often")
            return None
        answers = self._digest.answer(response, request)
        if not answers:
            return None
        renewed = {name for name, _ in answers}
        # Credentials for another server on the way stay (RFC 3261 section 22.3).
        kept = [
            (name, value)
            for name in ("Authorization", "Proxy-Authorization")
            if name not in renewed
            for value in request.headers.get_all(name)
        ]
        return [*kept, *answers]
