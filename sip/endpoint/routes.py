"""Who gets a request: the owner of its dialog, else the core that claims it, else nobody, and what is answered then.

Nothing is changed here; `Receiver` acts on what is returned.
"""

from __future__ import annotations

from typing import Final

from sip.core.dialog import Dialog
from sip.core.routing import KNOWN_METHODS, CoreEntry, Routing
from sip.core.stack import Stack
from sip.flow import Flow
from sip.message.request import Request
from sip.subscription.subscriptions import Subscriptions

#: Methods that make no sense outside of a dialog.
_DIALOG_ONLY: Final = frozenset(("BYE", "INFO", "UPDATE", "PRACK", "NOTIFY"))


class Routes:
    """The way of each request to its core."""

    def __init__(self, stack: Stack, subscriptions: Subscriptions) -> None:
        self._transport = stack.transport
        self._transactions = stack.transactions
        self._cores = stack.cores
        self._dialogs = stack.dialogs
        self._subscriptions = subscriptions

    def of(self, request: Request, flow: Flow) -> Routing:
        """Return who gets a request."""
        dialog = self._dialogs.find(request)
        return self.new(request, flow) if dialog is None else self.in_dialog(request, dialog)

    def new(self, request: Request, flow: Flow, without: str | None = None) -> Routing:
        """Return who gets a request outside of dialogs; ``without`` a transparent core that had it."""
        if request.method == "NOTIFY" and (waiting := self._subscriptions.expecting(request)) is not None:
            return Routing(owner=waiting.owner, subscription=waiting.id)
        if request.uri.scheme == "sips" and not self._transport.takes_sips(flow):
            return Routing(status=416)
        core = self._cores.claiming(request, flow, without)
        if core is None:
            return self._unclaimed(request)
        if core.transparent:
            return Routing(owner=core.owner)
        if request.to.tag is not None:
            return Routing(owner=core.owner, status=481)
        if self._transactions.is_merged(request):
            return Routing(owner=core.owner, status=482)
        refused = core.refusal(request)
        if refused is None and request.method in _DIALOG_ONLY:
            return Routing(owner=core.owner, status=481)
        return refused or Routing(owner=core.owner)

    def _unclaimed(self, request: Request) -> Routing:
        if request.to.tag is not None:
            return Routing(status=481)
        if request.method not in KNOWN_METHODS:
            return Routing(status=501)
        return Routing(status=404 if request.uri.scheme in ("sip", "sips", "tel") else 416)

    def in_dialog(self, request: Request, dialog: Dialog) -> Routing:
        """Return who gets a request of a dialog."""
        core = self.core_of(dialog)
        session = None if dialog.session is None else dialog.session.id
        if core is None:
            return Routing(status=481)
        if dialog.remote_cseq is not None and request.cseq.number < dialog.remote_cseq:
            return Routing(owner=core.owner, session=session, status=500)
        refused = core.refusal(request, subscribed=bool(dialog.subscriptions))
        return refused or Routing(owner=core.owner, session=session)

    def core_of(self, dialog: Dialog) -> CoreEntry | None:
        """Return the core whose dialog it is."""
        if dialog.session is not None:
            return dialog.session.core
        for subscription in dialog.subscriptions.values():
            return subscription.core
        return None
