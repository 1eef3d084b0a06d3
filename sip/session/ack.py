"""ACK for a 2xx (RFC 3261 section 13.2.2.4): made once, sent again for every repetition of the 2xx."""

from __future__ import annotations

from sip.core.dialog import Dialog
from sip.core.uac import Requests
from sip.flow import Flow
from sip.message.lines import NO_LINES, Lines
from sip.transport.secure import leaves_in_the_clear


class Ack:
    """One ACK. It is no transaction: nobody answers it."""

    __slots__ = (
        "_body",
        "_branch",
        "_content_type",
        "_cseq",
        "_data",
        "_dialog",
        "_flow",
        "_lines",
        "_requests",
        "sent",
    )

    def __init__(self, requests: Requests, dialog: Dialog, cseq: int, lines: Lines) -> None:
        self._requests = requests
        self._dialog: Dialog | None = dialog  # until it was built
        self._cseq = cseq
        self._lines = lines
        self._body = b""
        self._content_type: str | None = None
        self._branch = ""
        self._data = b""
        self._flow: Flow | None = None
        self.sent = False

    def send(self, now: float, body: bytes = b"", content_type: str | None = None) -> None:
        """Build and send it; ``body`` is the answer when the 2xx carried the offer."""
        self.sent = True
        self._body, self._content_type = body, content_type
        self._branch = self._requests.context.new_branch()
        dialog = self._dialog
        assert dialog is not None
        if dialog.flow is not None and self._requests.transport.is_open(dialog.flow):
            self.flow_ready(dialog.flow, now)
        else:
            self._requests.transport.find(dialog.next_hop, self, size=len(body) + 600 if body else 0, now=now)

    def send_again(self) -> None:
        """Answer a repeated 2xx, unless the first ACK still waits for the core or for a flow."""
        if self._flow is not None:
            self._requests.transport.send(self._flow, self._data)

    def flow_ready(self, flow: Flow, now: float) -> None:
        """Send it on the flow that was found."""
        dialog = self._dialog
        assert dialog is not None
        via = self._requests.transport.via(flow, self._branch)
        request = dialog.build(
            "ACK", via, self._cseq, headers=self._lines, body=self._body, content_type=self._content_type
        )
        self._flow, self._data = flow, bytes(request)
        self._dialog, self._lines, self._body = None, NO_LINES, b""
        if leaves_in_the_clear(self._data, flow):
            self._flow = None
            self.flow_unavailable(now)
        else:
            self._requests.transport.send(flow, self._data)

    def flow_unavailable(self, now: float) -> None:
        """Count it; the callee ends the session when no ACK comes."""
        self._requests.context.count("dropped: ACK without a way to its next hop")
