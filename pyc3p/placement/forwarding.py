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
from typing import Final

import attrs

import sip
from c3p import conf_id_of, focus_uri_of
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
#: Owners that are remembered; the one asked for longest ago gives way.
MAX_OWNERS: Final = 10_000


_Asking = RequestReceived | AckReceived


@attrs.frozen(kw_only=True)
class OwnerWanted(Event):
    """Whose is a conference? Answer with ``Forwarding.owner_found``, or with ``owner_unknown``."""

    id: int
    key: str  #: `sip.conference_key` of the Conference-URI
    in_dialog: bool  #: whether somebody believes to be in it already


class Forwarding:
    """A transparent core before the Focus. ``is_here`` says whether a conference (key) is active on this node.

    ``secret`` is what all nodes share. ``trusted`` and ``trusted_peers`` are networks and proven names whose word about
    who sends counts (`sip.AuthenticatorConfig`); it is all that they are trusted for.
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
        owner: str = "forwarding",
    ) -> None:
        self.owner = owner
        self._endpoint, self._is_here = endpoint, is_here
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
        return {**self._proxy.sizes, "waiting": sum(map(len, self._waiting.values())), "owners": len(self._owners)}

    # Which requests --------------------------------------------------------------------------------------------------

    def _claims(self, request: Request, flow: Flow) -> bool:
        key = self._key_of(request)
        return key is not None and not self._is_here(key) and self.word_on(request) is None

    def _key_of(self, request: Request) -> str | None:
        """The conference that a request is for."""
        uri = request.uri
        if uri.host not in self._domains or conf_id_of(str(uri)) is None:
            return None
        return ConferenceAddress.read(focus_uri_of(str(uri))).key

    def word_on(self, request: Request) -> bool | None:
        """Whether the node that has sent a request on believes whoever sent it; None: no node has sent it on."""
        return self._handovers.word_on(request)

    def asked_at(self, authenticator: sip.Authenticator, clock: Callable[[], float]) -> sip.Identify:
        """`sip.Authenticator.asked_at` for the cores behind: of what was sent on, the word of that node counts."""
        return lambda request, flow: authenticator.identify(request, flow, now=clock(), trusted=self.word_on(request))

    def _targets(self, uri: Uri) -> Sequence[PartTarget]:
        known = self._owners.get(ConferenceAddress.read(focus_uri_of(str(uri))).key) if conf_id_of(str(uri)) else None
        return () if known is None else (PartTarget(uri, (NameAddr(known[0]),)),)

    # The core --------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Find out whose a request is, send it on, answer, cancel."""
        key = self._key_of(event.request) if isinstance(event, RequestReceived | AckReceived) else None
        if isinstance(event, RequestReceived | AckReceived) and key is not None:
            self._take(key, event, now)
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
        elif sum(map(len, self._waiting.values())) >= MAX_WAITING:
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

    def _send_on(self, event: _Asking, now: float) -> None:
        marked = self._handovers.marked(event.request, believed=event.flow in self._believed)
        self._proxy.handle_event(attrs.evolve(event, request=marked), now=now)

    def _withdraw(self, transaction: TransactionId) -> RequestReceived | None:
        """A request that waits and whose answer nobody wants any more."""
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
            self._owners[key] = Uri.parse(address).with_params(lr=None), now + OWNER_LIFETIME
            self._owners.move_to_end(key)
            if len(self._owners) > MAX_OWNERS:
                self._owners.popitem(last=False)
        for event in self._waiting.pop(key, ()):
            if address is not None:
                self._send_on(event, now)
            elif isinstance(event, RequestReceived) and event.transaction is not None:
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
        """Answer 500 to what an event was about, and forget it (`sip.endpoint.pump.Forgetful`)."""
        self._proxy.abandon(event, now=now)

    def next_timeout(self) -> float | None:
        """When a request has waited long enough, here or in the proxy."""
        return sip.first_due(self._deadlines.first, self._proxy.next_timeout())

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Answer those that have waited long enough."""
        for want_id in self._deadlines.pop_due(now):
            self.owner_unknown(want_id, now=now)
        self._events += self._proxy.handle_timeout(now=now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application: `OwnerWanted`."""
        events, self._events = self._events, []
        return events
