"""Flow tokens: names of flows, put into our own Record-Route and Path so that they come back (RFC 5626 section 5.2)."""

import base64
import hmac
from collections import OrderedDict

from sip.flow import Flow

__all__ = ["FlowTokens"]


class FlowTokens:
    """Issues and reads tokens.

    A token is signed together with the scope that it was made for (a Call-ID, or "path"), so a valid one also proves
    that we stood on the way before. At most ``limit`` flows are remembered; a token of a forgotten flow is valid but
    names none.
    """

    def __init__(self, key: bytes, *, limit: int) -> None:
        self._key = key
        self._limit = limit
        self._flows: OrderedDict[int, Flow] = OrderedDict()

    def issue(self, first: Flow | None, second: Flow | None, *, scope: str) -> str:
        """Name up to two flows."""
        numbers = ".".join(str(self._remember(flow)) for flow in (first, second))
        return f"{numbers}.{self._seal(numbers, scope)}"

    def read(self, token: str, *, scope: str) -> tuple[Flow | None, Flow | None] | None:
        """The flows that a token names, None when it is not ours for that scope."""
        numbers, _, seal = token.rpartition(".")
        if not hmac.compare_digest(seal.encode("utf-8", "surrogateescape"), self._seal(numbers, scope).encode()):
            return None
        first, _, second = numbers.partition(".")
        return self._flows.get(int(first)), self._flows.get(int(second))

    def _remember(self, flow: Flow | None) -> int:
        if flow is None:
            return 0
        self._flows[flow.id] = flow
        self._flows.move_to_end(flow.id)
        if len(self._flows) > self._limit:
            self._flows.popitem(last=False)
        return flow.id

    def _seal(self, numbers: str, scope: str) -> str:
        digest = hmac.digest(self._key, f"{numbers} {scope}".encode("utf-8", "surrogateescape"), "sha256")
        return base64.urlsafe_b64encode(digest[:12]).decode()
