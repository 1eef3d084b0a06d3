"""Requests of a dialog that come by another connection, or from another address: whose are they (RFC 3261 section 22)?

What identifies people when they join identifies them here. So where From is believed it is believed here, too; with
credentials they are asked for, and whoever has no account, a guest, is known by the connection on which it joined.
"""

from __future__ import annotations

from focus import refusal
from focus.active import ActiveConferences
from focus.context import Context
from focus.identity import insist_on, name_of
from focus.questions.identification import identification, sender_of
from focus.questions.procedure import Line, Steps, Turn
from focus.refusal import Refused
from sip import RequestFromElsewhere


class DialogGuard:
    """Has a request taken whose sender proves to be who has the dialog."""

    def __init__(self, context: Context, active: ActiveConferences) -> None:
        self._context = context
        self._active = active

    def procedure(self, event: RequestFromElsewhere, turn: Turn) -> Steps[None]:
        """From a request to its answer, or to what it asks for. Raises Refused."""
        try:
            yield Line(sender_of(event.request, event.flow))
            known = yield from identification(self._context.config.identify, event.request, event.flow)
            name = name_of(insist_on(known), event.request)
            users = self._active.users_of(event.session, event.subscriptions)
            if not users:
                raise Refused(refusal.NOBODYS_DIALOG)
            if name is None or name.key not in users:
                raise Refused(refusal.NOT_YOUR_DIALOG)
        except Refused as refused:
            answer = self._context.refuse("dialog", refused, event.request, event.flow)
            self._context.answer(event.transaction, answer, now=turn.now)
        else:
            self._context.endpoint.take_request(event.transaction, now=turn.now)
