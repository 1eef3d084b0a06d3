"""After a case the target is left as it was: calls end, registrations go, whatever still asks is answered."""

from __future__ import annotations

import contextlib
from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.call import Call
from pyc3p.conform.case import Blame, NotApplicable
from pyc3p.conform.peer import Peer, cancel_of
from sip import Request, SipError

#: Seconds for each answer: that nobody answers any more is what the case has told.
_PATIENCE: Final = 1.5
#: What may go wrong with a target of which something is wrong.
_EXPECTED: Final = (Blame, NotApplicable, SipError, OSError)


def tidy(bench: Bench) -> None:
    """Do all that; what fails is left to the timers of the target."""
    bench.patience = bench.ring_patience = min(bench.patience, _PATIENCE)
    for peer in bench.peers:
        peer.acks = True
        with contextlib.suppress(*_EXPECTED):
            _end_calls(peer)
    for peer in bench.peers:
        for arrival in list(peer.unanswered()):
            request = arrival.message
            assert isinstance(request, Request)
            with contextlib.suppress(*_EXPECTED):
                peer.answer(arrival, 487 if request.method == "INVITE" else 200)
    for peer in bench.registrants.values():
        # A user who was named may have phones of its own: of that one only is removed what was bound here.
        lines = list(bench.bound.get(peer.name, ())) if bench.settings.user else ["*"]
        for line in lines:
            with contextlib.suppress(*_EXPECTED):
                peer.ask(
                    bench.registration(
                        peer, contacts=[line.partition(">")[0] + ">" if ">" in line else line], expires=0
                    )
                )
    bench.wire.close()


def _end_calls(peer: Peer) -> None:
    for invite, responses in peer.invites():
        final = [each for each in responses if each.status >= 200]
        if not final and responses:
            peer.send(cancel_of(invite))
            late = peer.response(invite, final=True, within=_PATIENCE)
            final = [] if late is None else [late]
        taken = {each.to.tag: each for each in final if each.status < 300}
        if invite.to.tag is not None or peer.hung_up(invite.call_id):
            continue  # a re-INVITE; or it is over
        for response in taken.values():
            call = Call.of_caller(peer, invite, response)
            call.cseq = max(each.cseq.number for each, _ in peer.invites() if each.call_id == call.call_id)
            call.acknowledge()
            call.cseq += 100  # beyond whatever the case has used
            call.hang_up()
