"""A Focus among others: its questions go to the member, and what the member reports is done.

It is a machine beside the endpoint, in the middle between four others: the Focus asks for claims and tells what has
ended (`focus.ClaimWanted`, `focus.ClaimReleased`), `Forwarding` asks whose a conference is, the `Member` claims, and
the endpoint goes on with the dialogs of a conference that was taken over. Whoever drives it gives it the events of all
of them (``handle_event``), and carries out the operations of the store.

**A takeover** brings all that the last owner wrote, with the claim: the endpoint has the dialogs first, then the Focus
the conference, under the new epoch, which it tells the MCUs at once (`focus.durable.resume`). It may be asked for by a
request of somebody who is in the conference, before this node saw that the owner is gone; that request then goes on
where it belongs.

**Draining** hands over everything: each conference is forgotten without a word, what there is of it is written, then
the lease is given back, and the others take their shares. Requests that still come here are sent on to them; until
they have claimed, whoever asks has to wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import attrs

import focus
from pyc3p.placement.events import (
    ClaimFailed,
    ClaimLost,
    ClaimMade,
    ClaimRefused,
    ClaimRenewed,
    OwnerFound,
    TakenOver,
)
from pyc3p.placement.forwarding import Forwarding, OwnerWanted
from pyc3p.placement.member import Member, Membership
from sip import Deadlines, Endpoint, Event, Piece, first_due, internal_fault

#: Seconds after which the owner of a conference that is being handed over is looked for again.
_AGAIN: Final = 0.25


@attrs.frozen
class _FromFocus:
    """A `focus.ClaimWanted`."""

    id: int
    key: str
    uri: str


@attrs.frozen
class _FromForwarding:
    """An `OwnerWanted`."""

    id: int
    key: str


class PlacedFocus:
    """Drives nothing by itself: after every call read ``take_events``, the member's operations and the timeouts."""

    owner = "placement"

    def __init__(self, endpoint: Endpoint, core: focus.Focus, forwarding: Forwarding, member: Member) -> None:
        self.member = member
        self._endpoint, self._focus, self._forwarding = endpoint, core, forwarding
        self._events: list[Event] = []
        self._wants: dict[int, _FromFocus | _FromForwarding] = {}
        self._last_want = 0
        self._uris: dict[str, str] = {}  #: of the conferences that are ours, by key
        self._again: Deadlines[_FromForwarding] = Deadlines()
        self._leaving = False

    @property
    def has_left(self) -> bool:
        """Whether everything has been handed over."""
        return self.member.state is Membership.LEFT

    # What happens ----------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> bool:
        """Act on an event of the Focus or of Forwarding; false when it is not for here."""
        match event:
            case focus.ClaimWanted():
                want = self._want(_FromFocus(event.id, event.key, event.conference_uri))
                self.member.claim(want, event.key, above=event.above, now=now)
            case focus.ClaimReleased():
                self._uris.pop(event.key, None)
                self.member.release(event.key, epoch=event.epoch, now=now)
            case OwnerWanted():
                self._find_owner(_FromForwarding(event.id, event.key), now)
            case _:
                return False
        self._work(now)
        return True

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        return first_due(self.member.next_timeout(), self._again.first)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due."""
        self.member.handle_timeout(now=now)
        for asker in self._again.pop_due(now):
            self._find_owner(asker, now)
        self._work(now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application: of the lease, of conferences that went on here, and of the Focus."""
        events, self._events = self._events, []
        return events

    def done(self, number: int, result: object, *, now: float) -> None:
        """The store has carried out an operation of the member."""
        self.member.done(number, result, now=now)
        self._work(now)

    def failed(self, number: int, *, lost: bool = False, now: float) -> None:
        """The store has not carried out an operation of the member (`Member.failed`)."""
        self.member.failed(number, lost=lost, now=now)
        self._work(now)

    def drain(self, *, now: float) -> None:
        """Take nothing new, and hand over what there is."""
        self._focus.drain(now=now)
        if self._leaving:
            return
        self._leaving = True
        for key, uri in list(self._uris.items()):
            if self._focus.ownership.is_active(key):
                pieces = self._focus.release(uri, now=now)
                self.member.rewrite(key, partial(tuple, pieces), now=now)  # nothing changes it any more
        self._uris.clear()
        self._work(now)

    # The member ------------------------------------------------------------------------------------------------------

    def _want(self, asker: _FromFocus | _FromForwarding) -> int:
        self._last_want += 1
        self._wants[self._last_want] = asker
        return self._last_want

    def _find_owner(self, asker: _FromForwarding, now: float) -> None:
        self.member.find_owner(self._want(asker), asker.key, now=now)

    def _work(self, now: float) -> None:
        """Do what the member reports, until nothing moves."""
        while events := self.member.take_events():
            for event in events:
                try:
                    self._reported(event, now)
                except Exception as error:  # the store has answered all the same, and others go on
                    self._fault(event, error)
        if self._leaving and not self.has_left and not self.member.is_writing:
            self.member.leave(now=now)

    def _fault(self, event: Event, error: Exception) -> None:
        """Tell it. A claim that nothing serves is not held: the next request for that conference asks for it again."""
        self._events.append(internal_fault(error, f"handle {type(event).__name__}", owner=self.owner))
        match event:
            case ClaimMade(key=key) | TakenOver(key=key) | ClaimRenewed(key=key) | ClaimLost(key=key):
                if not self._focus.ownership.is_active(key):
                    self._uris.pop(key, None)
                    self.member.disown(key)

    def _reported(self, event: Event, now: float) -> None:
        match event:
            case ClaimMade():
                self._claim_made(event, self._wants.pop(event.want, None), now)
            case ClaimRefused():
                self._claim_refused(event, self._wants.pop(event.want, None), now)
            case ClaimFailed():
                self._claim_failed(self._wants.pop(event.want, None), now)
            case OwnerFound():
                self._owner_found(event, self._wants.pop(event.want, None), now)
            case TakenOver():
                self._take_over(event.key, event.epoch, event.pieces, now)
            case ClaimRenewed():
                uri = self._uris.get(event.key)
                if uri is not None and self._focus.ownership.is_active(event.key):
                    self._focus.ownership.renewed(uri, event.epoch, now=now)
                    self.member.rewrite(event.key, partial(self._whole, uri), now=now)  # it may be lost as well
            case ClaimLost():
                uri = self._uris.pop(event.key, None)
                if uri is not None and self._focus.ownership.is_active(event.key):
                    self._focus.ownership.lost(uri, now=now)
                    self._focus.release(uri, now=now)
            case _:
                self._events.append(event)

    def _claim_made(self, made: ClaimMade, asker: _FromFocus | _FromForwarding | None, now: float) -> None:
        if made.pieces:
            try:
                self._take_over(made.key, made.epoch, made.pieces, now)
            except Exception:
                self._claim_failed(asker, now)
                raise
        if isinstance(asker, _FromFocus):
            self._uris[asker.key] = asker.uri
            self._focus.ownership.claimed(asker.id, made.epoch, now=now)
        elif not made.pieces and made.key not in self._uris:  # there was nothing to go on with
            self.member.release(made.key, epoch=made.epoch, now=now)
        if isinstance(asker, _FromForwarding):
            self._forwarding.owner_found(asker.id, None, now=now)

    def _claim_refused(self, refused: ClaimRefused, asker: _FromFocus | _FromForwarding | None, now: float) -> None:
        if isinstance(asker, _FromFocus):
            self._focus.ownership.owned_elsewhere(asker.id, refused.node, now=now)
        elif asker is not None:
            self._owner_is(asker, refused.node, now)

    def _claim_failed(self, asker: _FromFocus | _FromForwarding | None, now: float) -> None:
        if isinstance(asker, _FromFocus):
            self._focus.ownership.failed(asker.id, now=now)
        elif asker is not None and self._leaving:
            self._again.set(asker, now + _AGAIN)
        elif asker is not None:
            self._forwarding.owner_unknown(asker.id, now=now)

    def _owner_found(self, found: OwnerFound, asker: _FromFocus | _FromForwarding | None, now: float) -> None:
        if not isinstance(asker, _FromForwarding):
            return
        ours = found.node == self.member.node.name
        abandoned = found.node is not None and not found.alive and not ours
        if (self._leaving and (ours or abandoned)) or (abandoned and self.member.is_settling(now=now)):
            self._again.set(asker, now + _AGAIN)  # another one is about to claim it, or back in a moment
        elif found.node is None or (ours and asker.key in self._uris):
            self._forwarding.owner_found(asker.id, None, now=now)
        elif found.alive and not ours:
            self._owner_is(asker, found.node, now)
        else:
            self.member.claim(self._want(asker), asker.key, now=now)

    def _owner_is(self, asker: _FromForwarding, node: str, now: float) -> None:
        address = self.member.addresses.get(node)
        if address is None:
            self._forwarding.owner_unknown(asker.id, now=now)
        else:
            self._forwarding.owner_found(asker.id, address, now=now)

    def _take_over(self, key: str, epoch: int, pieces: Sequence[Piece], now: float) -> None:
        """Go on with a conference from what its last owner wrote."""
        if key in self._uris and self._focus.ownership.is_active(key):
            self._focus.ownership.renewed(self._uris[key], epoch, now=now)
            return
        if not pieces:
            self.member.release(key, epoch=epoch, now=now)  # a claim whose answer had been lost
            return
        restored = self._endpoint.restore(pieces, now=now)
        before = set(self._focus.conferences)
        self._events += self._focus.restore(pieces, epoch=epoch, now=now)
        for event in restored:  # what ended while nobody was here
            self._events += self._focus.handle_event(event, now=now) if event.owner == self._focus.owner else (event,)
        for uri in self._focus.conferences:
            if uri not in before:
                self._uris[key] = uri
        if key not in self._uris:  # nothing of it can be read here: it stays written, and may be begun anew
            self.member.disown(key)

    def _whole(self, uri: str) -> Sequence[Piece] | None:
        """All that there is to write of a conference, at the moment when it is written."""
        return self._focus.snapshot(uri) or None
