"""Whose the conferences of a Focus are, where there are several Foci (`FocusConfig.placed`)."""

from __future__ import annotations

from typing import Final

import attrs

from focus import refusal
from focus.active import ActiveConferences
from focus.conference import Conference
from focus.context import Context
from focus.durable.written import Written
from focus.errors import LocalProtocolError
from focus.events import ClaimWanted
from focus.questions.placement import Owned, OwnedElsewhere
from focus.questions.procedure import Kind, Line, Steps, Turn, settled
from focus.questions.procedures import Procedures
from focus.refusal import Refused
from sip import ConferenceAddress, Event

#: How far versions of documents leap where another Focus may have told something: as far as a hundred of them that went
#: on one after the other. 2**32 has room for 40,000.
VERSION_LEAP: Final = 100_000


@attrs.frozen(kw_only=True)
class _Outranked(Event):
    """An MCU obeys a higher claim to a conference than ours."""

    address: ConferenceAddress
    above: int  #: its epoch


class Ownership:
    """Takes the answers to `ClaimWanted`, and the news about claims.

    After every call settle the Focus with ``Focus.take_events``, drain, and read ``next_timeout()`` again.
    """

    def __init__(self, owner: str, context: Context, active: ActiveConferences, procedures: Procedures) -> None:
        self._owner, self._context, self._active, self._procedures = owner, context, active, procedures

    def claimed(self, want_id: int, epoch: int, *, now: float) -> None:
        """Answer ClaimWanted: the conference is ours, with this epoch. Raises LocalProtocolError when nobody asked."""
        late = self._procedures.answer(Kind.CLAIM, want_id, Owned(epoch), now=now)
        if isinstance(late, ClaimWanted) and self._active.get(late.key) is None:
            self._context.placement.release(ConferenceAddress.read(late.conference_uri), epoch)

    def owned_elsewhere(self, want_id: int, node: str, *, now: float) -> None:
        """Answer ClaimWanted: the conference is that of another node. Raises LocalProtocolError when nobody asked."""
        self._procedures.answer(Kind.CLAIM, want_id, OwnedElsewhere(node), now=now)

    def failed(self, want_id: int, *, now: float) -> None:
        """Answer ClaimWanted: nobody can say whose it is. Raises LocalProtocolError when nobody asked."""
        self._procedures.refuse(Kind.CLAIM, want_id, refusal.PLACEMENT_FAILED, now=now)

    def renewed(self, conference_uri: str, epoch: int, *, now: float) -> None:
        """The claim to an active conference was made again, with this epoch: it had lapsed, or the store forgot it.

        Another Focus may have had the conference meanwhile. So what we send goes on well above what that one may have
        sent, every subscriber is told the whole state, and MCUs are asked for theirs, by which they learn the epoch.
        Raises LocalProtocolError when the conference is not active.
        """
        conference = self._conference(conference_uri)
        conference.claimed(epoch, now=now)
        self._context.endpoint.go_on_above(Written(conference, self._context.endpoint).dialogs())
        conference.roster.version += VERSION_LEAP
        conference.notifier.begin_again(leap=VERSION_LEAP, now=now)
        conference.mcus.ask_all(now=now)
        self._active.settle(conference, now=now)

    def lost(self, conference_uri: str, *, now: float) -> None:
        """Another Focus has gone on with an active conference, and may not know everybody who is here.

        Whoever follows it here is told to subscribe anew (``deactivated``, RFC 6665 section 4.1.3), and finds that one
        by it. `Focus.release` comes next. Raises LocalProtocolError when the conference is not active.
        """
        self._conference(conference_uri).notifier.send_away(now=now)

    def _conference(self, conference_uri: str) -> Conference:
        conference = self._active.get(ConferenceAddress.read(conference_uri).key)
        if conference is None:
            raise LocalProtocolError(f"not active: {conference_uri}")
        return conference

    def epoch(self, conference_uri: str) -> int | None:
        """Of our claim to a conference; None when it is not active."""
        conference = self._active.get(ConferenceAddress.read(conference_uri).key)
        return None if conference is None else conference.claim.epoch

    def is_active(self, key: str) -> bool:
        """Whether the conference with that key (`sip.conference_key`) is active here."""
        return self._active.get(key) is not None

    # For the Focus ---------------------------------------------------------------------------------------------------

    def check(self, conference: Conference, *, now: float) -> None:
        """See whether an MCU obeys a higher claim: then one above it is asked for."""
        above, conference.claim.outranked_by = conference.claim.outranked_by, None
        if above is not None:
            outranked = _Outranked(owner=self._owner, address=conference.address, above=above)
            self._procedures.begin(self._claim_again, outranked, now=now)

    def _claim_again(self, outranked: _Outranked, turn: Turn) -> Steps[None]:
        """Either the store has lost the claim that the MCU knows, or the conference is another's now."""
        owned = None
        try:
            yield Line(outranked.address.key)
            owned = yield from settled(self._context.placement.claim(outranked.address, above=outranked.above))
        except Refused:
            pass  # nobody can say, for now
        conference = self._active.get(outranked.address.key)
        if conference is not None:
            conference.claimed(owned.epoch if isinstance(owned, Owned) else None, now=turn.now)
            self._active.settle(conference, now=turn.now)
        elif isinstance(owned, Owned):
            self._context.placement.release(outranked.address, owned.epoch)
