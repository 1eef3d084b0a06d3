"""Where a request came from, as far as passwords are concerned, and whether that can be forged."""

from __future__ import annotations

from collections.abc import Iterable

from sip.flow import Flow
from sip.message.request import Request
from sip.networks import Networks, source_of
from sip.transport.locate import is_numeric


class Origins:
    """Tells origins apart; ``proxies`` are networks of our own parts, which tell the truth about whom they pass on.

    Raises ValueError for what is no network.
    """

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        self._proxies = Networks(proxies)

    def of(self, request: Request, flow: Flow) -> str:
        """The source that a request counts under; of what one of the proxies passed on, the one before all of them.

        That stands in the Via of who passed it on (RFC 3261 section 18.2.1).
        """
        host = flow.remote.host
        for via in request.via[1:]:
            before = via.received or via.host
            if host not in self._proxies or not is_numeric(before):
                break
            host = before
        return source_of(host)

    def forgeable(self, request: Request, flow: Flow) -> str | None:
        """The same, if anybody can send in its name: over UDP, or to a proxy before us. Else None.

        A nonce has to have been given to such a source before credentials are looked at (`DigestServer.verify`).
        """
        origin = self.of(request, flow)
        return None if flow.reliable and origin == source_of(flow.remote.host) else origin

    def are_ours(self, source: str) -> bool:
        """Whether a source is one of the proxies themselves."""
        return self._proxies.holds(source)
