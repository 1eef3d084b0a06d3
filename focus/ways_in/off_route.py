"""Callers that do not follow Record-Route: for them a proxy keeps what they should have kept (RFC 3261 section 12.1.2).

The requests of a dialog go along the Route that its 2xx recorded (section 12.2.1.1). Many small programs do not know of
that: they send ACK and BYE to where the INVITE went, or straight to the Contact of the 2xx, and the MCU never hears
that its answer came. The scenario ``uac`` that is built into sipp is one of them. For what it is responsible for, a
proxy may find the target by whatever it knows (section 16.5), and one that keeps the state of calls (section 6) knows
Route and remote target of this dialog. It puts them where the caller should have, and then treats the request as
any other of the dialog: nothing gets further than it would have by the Route.

Nobody else gains by that. The request must have Call-ID and both tags of the dialog, come from where the INVITE came
from, be addressed to where the INVITE or the Contact was, and have no Route; and it goes to the MCU that answered,
wherever its Request-URI points.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import attrs

from focus.active import ActiveConferences
from focus.ways_in.way import Way
from sip import Flow, NameAddr, Request, Response, SipError, TransactionId, Uri

#: Calls that are kept at once: a table of some megabytes. The oldest one goes first; its caller cannot hang up then,
#: and the MCU ends the call when it hears nothing more.
MOST_CALLS: Final = 10_000
#: Seconds between two looks for calls whose users are gone without a BYE that went through here, as when an MCU died.
SWEEP: Final = 60.0


@attrs.define(eq=False)
class _Call:
    """A call that was let through, and of which no request has followed the Route."""

    flow: Flow  #: by which it came
    called: Uri  #: Request-URI of the INVITE
    way: Way
    transaction: TransactionId  #: of the INVITE
    begun: float  #: monotonic seconds
    tag: str | None = None  #: of the MCU; None until it answers
    target: Uri | None = None  #: Contact of the 2xx
    route: tuple[NameAddr, ...] = ()


def _key(call_id: str, tag: str | None) -> tuple[str, str]:
    return call_id, tag or ""


class OffRoute:
    """The calls of which one cannot say yet that their callers follow the Route."""

    def __init__(self, active: ActiveConferences) -> None:
        self._active = active
        self._calls: OrderedDict[tuple[str, str], _Call] = OrderedDict()  # by Call-ID and tag of the caller
        self._ringing: dict[TransactionId, tuple[str, str]] = {}
        self.first: float | None = None  #: when to look for calls that are over (`sip.Due`)

    def __len__(self) -> int:
        return len(self._calls)

    # What goes through -----------------------------------------------------------------------------------------------

    def begun(self, transaction: TransactionId, request: Request, flow: Flow, way: Way, *, now: float) -> None:
        """An INVITE is let through."""
        key = _key(request.call_id, request.from_.tag)
        known = self._calls.get(key)
        if known is not None and not _is_from(known.flow, flow):
            return  # a name of somebody else's call
        self._calls[key] = _Call(flow=flow, called=request.uri, way=way, transaction=transaction, begun=now)
        self._ringing[transaction] = key
        if len(self._calls) > MOST_CALLS:
            self._calls.popitem(last=False)
        if self.first is None:
            self.first = now + SWEEP

    def answered(self, response: Response) -> None:
        """An answer to an INVITE: with a 2xx there is a dialog, the first one if there are several."""
        call = self._calls.get(_key(response.call_id, response.from_.tag))
        if (
            call is None
            or not 200 <= response.status < 300
            or response.cseq.method != "INVITE"
            or call.target is not None
        ):
            return
        try:
            contact, recorded = response.contact, response.record_route
        except SipError:
            return  # who answers so is reached by nobody
        if contact and isinstance(contact[0], NameAddr):
            call.tag, call.target = response.to.tag, contact[0].uri
            call.route = tuple(reversed(recorded))

    def settled(self, transaction: TransactionId) -> None:
        """The transaction of an INVITE is over: a call without 2xx was none."""
        key = self._ringing.pop(transaction, None)
        call = None if key is None else self._calls.get(key)
        if key is not None and call is not None and call.transaction == transaction and call.target is None:
            del self._calls[key]

    # Requests that do not follow -------------------------------------------------------------------------------------

    def knows(self, request: Request, flow: Flow) -> bool:
        """Whether a request is of a dialog of these, and lacks its Route."""
        return self._call_of(request, flow) is not None

    def onward(self, request: Request, flow: Flow) -> Request:
        """A request of a dialog as its sender should have sent it. Whoever does so, or ends, needs nothing kept."""
        call = self._call_of(request, flow)
        if call is None or request.method == "BYE":
            self._calls.pop(_key(request.call_id, request.from_.tag), None)
        if request.method == "BYE":  # of the other end
            self._calls.pop(_key(request.call_id, request.to.tag), None)
        return request if call is None else request.evolve(uri=call.target, set={"Route": call.route or None})

    def _call_of(self, request: Request, flow: Flow) -> _Call | None:
        tag = request.to.tag
        if tag is None:
            return None
        call = self._calls.get(_key(request.call_id, request.from_.tag))
        if call is None or call.target is None or call.tag != tag or not _is_from(call.flow, flow):
            return None
        return None if request.route or request.uri not in (call.called, call.target) else call

    # Time ------------------------------------------------------------------------------------------------------------

    def handle_timeout(self, *, now: float) -> None:
        """Forget the calls of those who are not in their conference any more."""
        if self.first is None or self.first > now:
            return
        for key, call in list(self._calls.items()):
            if call.begun + SWEEP <= now and call.target is not None and not self._is_in(call.way):
                del self._calls[key]
        self.first = now + SWEEP if self._calls else None

    def _is_in(self, way: Way) -> bool:
        conference = self._active.get(way.conference)
        return conference is not None and conference.roster.find(way.user) is not None


def _is_from(began: Flow, flow: Flow) -> bool:
    """Whether a request came as the INVITE did: by that connection, over UDP from that address."""
    if began == flow:
        return True
    return not began.reliable and not flow.reliable and (began.local, began.remote) == (flow.local, flow.remote)
