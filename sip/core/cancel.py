"""CANCEL as a server takes it (RFC 3261 section 9.2): it is answered hop by hop, the INVITE by whoever has it."""

from __future__ import annotations

from sip.core.forwarding import TransparentInvite
from sip.core.stack import Stack
from sip.events import CancelReceived
from sip.flow import Flow
from sip.headers.via import Via
from sip.message.request import Request
from sip.transactions.tables import State


class CancelServer:
    """Answers every CANCEL, and tells whoever has the INVITE: the proxy core of a transparent one, else its usage."""

    def __init__(self, stack: Stack, transparent: TransparentInvite) -> None:
        self._context = stack.context
        self._transactions = stack.transactions
        self._answers = stack.answers
        self._transparent = transparent

    def receive_cancel(self, request: Request, via: Via, flow: Flow, now: float) -> None:
        """Take a CANCEL; ``via`` is the top one as it came."""
        key = self._transactions.key_of(request, via, flow, "CANCEL")
        again = self._transactions.find_server(key)
        if again is not None:
            again.receive_again(now)
            return
        invite = self._transactions.find_server(self._transactions.key_of(request, via, flow, "INVITE"))
        if invite is None:
            # Anybody can send any number of these: nothing is kept of them.
            self._answers.refuse_statelessly(request, 481, flow)
            return
        # RFC 3261 section 9.2: the To tag of the answer to CANCEL is that of the answer to the INVITE. Another host
        # than the one that sent the INVITE is not told it, because with it that one may prove that it is there.
        tag = invite.to_tag
        if flow.remote.host != invite.flow.remote.host:
            tag = self._context.new_tag()
        elif tag is None and invite.state is State.PROCEEDING and invite.request.to.tag is None:
            tag = invite.to_tag = self._context.new_tag()
        source = self._transactions.room_for(flow, "CANCEL")
        if source is None:  # the more welcome is what ends something
            self._answers.answer_statelessly(request, 200, flow, tag)
        else:
            cancelling = self._transactions.open_server(key, request, via, flow, source)
            cancelling.to_tag = tag
            self._answers.send(cancelling, 200, now=now)
        if invite.state is not State.PROCEEDING or invite.user is None:
            return
        if invite.user is self._transparent:
            self._context.emit(CancelReceived(owner=invite.owner, transaction=invite.id, request=request))
        else:
            invite.user.on_cancel(invite, request, now)
