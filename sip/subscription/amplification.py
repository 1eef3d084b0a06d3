"""What may be sent to a subscriber over UDP before it is known to be where it says (no amplification)."""

from __future__ import annotations

from sip.flow import Flow
from sip.message.request import Request
from sip.transport.return_routability import ProvenSources


class AmplificationLimit:
    """The source of one SUBSCRIBE, and how much it may be sent unseen."""

    __slots__ = ("_answered", "_flow", "_proven", "limit")

    def __init__(self, proven: ProvenSources, flow: Flow, request: Request, excess: int) -> None:
        self._proven = proven
        self._flow = flow
        self._answered = False
        self.limit = len(bytes(request)) + excess  #: octets

    @property
    def over(self) -> bool:
        """Whether the subscriber has shown by now that it gets what it is sent."""
        return self._answered or self._flow in self._proven

    def end(self) -> None:
        """It has answered where its notifications go, which says nothing of where it asked from."""
        self._answered = True


def amplification_limit(proven: ProvenSources, flow: Flow, request: Request, excess: int) -> AmplificationLimit | None:
    """Return the limit that a SUBSCRIBE calls for; None over connections and towards those who proved themselves."""
    return None if flow in proven else AmplificationLimit(proven, flow, request, excess)
