"""The way to the node that has a conference: a request that comes to another one is sent on there, once.

Which node a request reaches first is chance, or a hint of the proxy in front. A node that has the conference takes the
request by itself, and `Forwarding` never sees it. For any other it asks who owns the conference (`OwnerWanted`), and

* sends the request on to the owner, as a proxy that stays on the way only of who comes to it directly. What comes
  back goes back by the way it came; what the owner sends later, down the connection of the client;
* or, where nobody owns it, or this node does by now, gives it to the Focus here (`sip.Endpoint.hand_on`).

**One hop, no loop.** What another node has sent on says so, with a proof (`handover`), and is never sent on again: the
Focus takes it, or refuses it (503, Retry-After) if the conference has moved in between. The client, or the proxy in
front, tries again, and by then everybody knows.

**Nobody is trusted for where he comes from.** What is sent on goes to the owner of that conference, and what follows to
the two ends of that dialog. An identity that a trusted peer asserted goes along, and the owner believes it by the same
proof; any other is taken out, and the owner asks whoever sent it as if it had come directly.

Answers are remembered for a second, so that a client with many requests costs no more than one question a second.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import attrs

import sip
from c3p import conf_id_of, focus_uri_of
from focus import DialInNumbers
from pyc3p.placement.handover import Handovers
from sip import (
    AckReceived,
    CancelReceived,
    Claim,
    ConferenceAddress,
    Deadlines,
    Endpoint,
    Event,
    Flow,
    NameAddr,
    PartTarget,
    Pending,
    Request,
    RequestReceived,
    ServerTransactionEnded,
    TransactionId,
    TrustedPeers,
    Uri,
)

#: Requests that wait for an answer to `OwnerWanted`; about 4 KiB each. Beyond it 503.
MAX_WAITING: Final = 1_000
#: Seconds that one waits, then 503: two of the store's time-outs.
LONGEST_WAIT: Final = 2.0
#: Seconds for which an owner is believed to have a conference: as long as a node needs to see that another is gone.
OWNER_LIFETIME: Final = 1.0
#: Seconds after which it is tried again: by then a store that was started anew is back, or others have taken over.
RETRY_AFTER: Final = 5
#: Owners, numbers and calls that are remembered; the one asked for longest ago gives way.
MAX_OWNERS: Final = 10_000


_Asking = RequestReceived | AckReceived
_K = TypeVar("_K")
_V = TypeVar("_V")


@attrs.frozen(kw_only=True)
class OwnerWanted(Event):
    """Whose is a conference? Answer with ``Forwarding.owner_found``, or with ``owner_unknown``."""

    id: int
    key: str  #: `sip.conference_key` of the Conference-URI
    in_dialog: bool  #: whether somebody believes to be in it already


class Forwarding:
    """A transparent core before the Focus. ``is_here`` says whether a conference (key) is active on this node.

    ``numbers`` are those by which phones call: what they lead to is asked before whose it is. ``refuses`` says of whom
    nothing is asked, who has tried too many. ``secret`` is what all nodes share. ``trusted`` and ``trusted_peers`` are
    networks and proven names whose word about who sends counts (`sip.AuthenticatorConfig`); it is all that they are
    trusted for.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        domains: Sequence[str],
        is_here: Callable[[str], bool],
        secret: str,
        entropy: sip.Entropy,
        trusted: Sequence[str] = (),
        trusted_peers: Sequence[str] = (),
        numbers: DialInNumbers | None = None,
        refuses: Callable[[Request, Flow], bool] = lambda request, flow: False,
        owner: str = "forwarding",
    ) -> None:
        self.owner = owner
        self._endpoint, self._is_here = endpoint, is_here
        self._numbers, self._refuses = numbers, refuses
        self._handovers = Handovers.of_secret(secret)
        self._believed = TrustedPeers(trusted, trusted_peers)
        self._domains = frozenset(sip.canonical_host(name) for name in domains)
        self._entropy = entropy.child("tags")
        self.counters: Counter[str] = Counter()  #: what was dropped, by reason
        self._events: list[Event] = []
        self._last_id = 0
        self._wanted: dict[int, str] = {}  #: conferences by question
        self._waiting: dict[str, list[_Asking]] = {}  #: what waits, by conference
        self._deadlines: Deadlines[int] = Deadlines()
        self._owners: OrderedDict[str, tuple[Uri, float]] = OrderedDict()
        self._asked: dict[str, tuple[str, RequestReceived]] = {}  #: numbers and calls that wait, by question
        self._late: Deadlines[str] = Deadlines()
        self._led: OrderedDict[str, str] = OrderedDict()  #: conferences by the numbers that led there last
        self._settled: OrderedDict[tuple[str, str | None], None] = OrderedDict()  #: calls of numbers that are for here
        config = sip.ProxyConfig(
            owner=owner,
            domains=tuple(domains),
            trusted=tuple(trusted),
            trusted_peers=tuple(trusted_peers),
            steps_aside=True,
            ends_only=True,
        )
        self._proxy = sip.Proxy(
            endpoint, config, entropy=entropy, location=self._targets, claims=self._claims, claim=Claim.CONFERENCE
        )

    @property
    def sizes(self) -> dict[str, int]:
        """How much is kept at the moment; zero but for ``owners`` when nothing goes on."""
        return {**self._proxy.sizes, "waiting": self._all_waiting, "owners": len(self._owners)}

    @property
    def _all_waiting(self) -> int:
        return len(self._asked) + sum(map(len, self._waiting.values()))

    # Which requests --------------------------------------------------------------------------------------------------

    def _claims(self, request: Request, flow: Flow) -> bool:
        key = self._key_of(request)
        if key is None:
            theirs = (
                self._is_number(request, flow) and not self._refuses(request, flow) and not self._is_settled(request)
            )
        else:
            theirs = not self._is_here(key)
        return theirs and self.word_on(request) is None

    def _key_of(self, request: Request) -> str | None:
        """The conference that a request is for."""
        uri = request.uri
        if uri.host not in self._domains or conf_id_of(str(uri)) is None:
            return None
        return ConferenceAddress.read(focus_uri_of(str(uri))).key

    def _is_number(self, request: Request, flow: Flow) -> bool:
        """Whether a phone calls a number, or asks what that takes."""
        uri = request.uri
        return (
            self._numbers is not None
            and request.method in ("INVITE", "OPTIONS")
            and request.to.tag is None
            and uri.host in self._domains
            and uri.user is not None
            and conf_id_of(str(uri)) is None
            and self._proxy.serves(uri, flow)
            and self._numbers.is_number(uri.user)
        )

    def _is_settled(self, request: Request) -> bool:
        """Whether it was seen already that a call is for here: whoever has it next may hand it on, too."""
        return _name(request) in self._settled

    def word_on(self, request: Request) -> bool | None:
        """Whether the node that has sent a request on believes whoever sent it; None: no node has sent it on."""
        return self._handovers.word_on(request)

    def asked_at(self, authenticator: sip.Authenticator, clock: Callable[[], float]) -> sip.Identify:
        """`sip.Authenticator.asked_at` for the cores behind: of what was sent on, the word of that node counts."""
        return lambda request, flow: authenticator.identify(request, flow, now=clock(), trusted=self.word_on(request))

    def _targets(self, uri: Uri) -> Sequence[PartTarget]:
        by_number = self._led.get(uri.user or "", "")
        key = ConferenceAddress.read(focus_uri_of(str(uri))).key if conf_id_of(str(uri)) else by_number
        known = self._owners.get(key)
        return () if known is None else (PartTarget(uri, (NameAddr(known[0]),)),)

    # The core --------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Find out whose a request is, send it on, answer, cancel."""
        key = self._key_of(event.request) if isinstance(event, RequestReceived | AckReceived) else None
        if isinstance(event, RequestReceived | AckReceived) and key is not None:
            self._take(key, event, now)
        elif isinstance(event, RequestReceived) and self._is_number(event.request, event.flow):
            self._take_number(event.request.uri.user or "", event, now)
        elif isinstance(event, CancelReceived) and (waited := self._withdraw(event.transaction)) is not None:
            self._answer(waited, 487, now)
        else:
            if isinstance(event, ServerTransactionEnded):
                self._withdraw(event.transaction)
            self._events += self._proxy.handle_event(event, now=now)
        return self.take_events()

    def _take(self, key: str, event: _Asking, now: float) -> None:
        known = self._owners.get(key)
        if known is not None and now < known[1]:
            self._send_on(event, now)
        elif self._all_waiting >= MAX_WAITING:
            self._answer(event, 503, now)
        elif (waiting := self._waiting.get(key)) is not None:
            waiting.append(event)
        else:
            self._last_id += 1
            self._waiting[key] = [event]
            self._wanted[self._last_id] = key
            self._deadlines.set(self._last_id, now + LONGEST_WAIT)
            in_dialog = event.request.to.tag is not None
            self._events.append(OwnerWanted(owner=self.owner, id=self._last_id, key=key, in_dialog=in_dialog))

    def _take_number(self, number: str, event: RequestReceived, now: float) -> None:
        assert self._numbers is not None
        if self._all_waiting >= MAX_WAITING:
            self._answer(event, 503, now)
            return
        found = self._numbers.conference_of(number)
        if isinstance(found, Pending):
            self._asked[found.id] = (number, event)
            self._late.set(found.id, now + LONGEST_WAIT)
        else:
            self._number_led(number, event, found, now)

    def _number_led(self, number: str, event: RequestReceived, uri: str | None, now: float) -> None:
        key = None if uri is None else ConferenceAddress.read(uri).key
        if key is None or self._is_here(key):
            assert event.transaction is not None
            _remember(self._settled, _name(event.request), None)
            self._endpoint.hand_on(event.transaction, owner=self.owner, now=now)
            return
        _remember(self._led, number, key)
        self._take(key, event, now)

    def number_found(self, pending_id: str, conference_uri: str | None, *, now: float) -> bool:
        """Answer what ``numbers`` left open; false when nobody waits for that here. Otherwise as `owner_found`."""
        number, event = self._asked.pop(pending_id, ("", None))
        self._late.set(pending_id, None)
        if event is not None:
            self._number_led(number, event, conference_uri, now)
        return event is not None

    def _send_on(self, event: _Asking, now: float) -> None:
        marked = self._handovers.marked(event.request, believed=event.flow in self._believed)
        self._proxy.handle_event(attrs.evolve(event, request=marked), now=now)

    def _withdraw(self, transaction: TransactionId) -> RequestReceived | None:
        """A request that waits and whose answer nobody wants any more."""
        for id, (_, asking) in self._asked.items():
            if asking.transaction == transaction:
                del self._asked[id]
                self._late.set(id, None)
                return asking
        for key, waiting in self._waiting.items():
            for event in waiting:
                if isinstance(event, RequestReceived) and event.transaction == transaction:
                    self._waiting[key] = [each for each in waiting if each is not event]
                    return event
        return None

    def _answer(self, event: _Asking, status: int, now: float) -> None:
        if isinstance(event, AckReceived) or event.transaction is None:
            self.counters["dropped: nobody knows whose it is"] += 1
            return
        headers = [("Retry-After", RETRY_AFTER)] if status == 503 else []
        response = event.request.response(status, to_tag=self._entropy.token(8), headers=headers)
        self._endpoint.send_response(event.transaction, response, now=now)

    # Answers to OwnerWanted ------------------------------------------------------------------------------------------

    def owner_found(self, want_id: int, address: str | None, *, now: float) -> None:
        """The SIP address of the node that owns the conference; None: this one does, or nobody.

        Nothing happens when the question was given up. Then settle the endpoint, drain, read ``next_timeout``.
        """
        key = self._settle(want_id)
        if key is None:
            return
        if address is not None:
            _remember(self._owners, key, (Uri.parse(address).with_params(lr=None), now + OWNER_LIFETIME))
        for event in self._waiting.pop(key, ()):
            if address is not None:
                self._send_on(event, now)
            elif isinstance(event, RequestReceived) and event.transaction is not None:
                _remember(self._settled, _name(event.request), None)
                self._endpoint.hand_on(event.transaction, owner=self.owner, now=now)
            else:
                self.counters["dropped: for nobody"] += 1

    def owner_unknown(self, want_id: int, *, now: float) -> None:
        """Nobody can say. Otherwise as `owner_found`."""
        key = self._settle(want_id)
        for event in self._waiting.pop(key, ()) if key is not None else ():
            self._answer(event, 503, now)

    def _settle(self, want_id: int) -> str | None:
        self._deadlines.set(want_id, None)
        return self._wanted.pop(want_id, None)

    # Time ------------------------------------------------------------------------------------------------------------

    def abandon(self, event: Event, *, now: float) -> None:
        """Answer 500 to what an event was about, and forget it. `sip.Pump` calls it
        where handling the event has raised."""
        self._proxy.abandon(event, now=now)

    def next_timeout(self) -> float | None:
        """When a request has waited long enough, here or in the proxy."""
        return sip.first_due(self._deadlines.first, self._late.first, self._proxy.next_timeout())

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Answer those that have waited long enough."""
        for want_id in self._deadlines.pop_due(now):
            self.owner_unknown(want_id, now=now)
        for pending_id in self._late.pop_due(now):
            self._answer(self._asked.pop(pending_id)[1], 503, now)
        self._events += self._proxy.handle_timeout(now=now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application: `OwnerWanted`."""
        events, self._events = self._events, []
        return events


def _name(request: Request) -> tuple[str, str | None]:
    """What tells a request from others while it is open."""
    return request.call_id, request.via[0].branch


def _remember(known: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MAX_OWNERS:
        known.popitem(last=False)
