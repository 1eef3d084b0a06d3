"""The answers of all branches of one forwarded request, and which of them goes back (RFC 3261 section 16.7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from sip.authentication.asserted import without_claims
from sip.authentication.own_realm import without_challenges
from sip.entropy import Entropy
from sip.flow import Flow
from sip.ids import RequestId, TransactionId
from sip.message.request import Request
from sip.message.response import Response
from sip.servers.proxy_admission import Answered, ProxyConfig
from sip.servers.proxy_targets import Alternatives
from sip.timers import Timer

#: Within 4xx these tell the caller what to do better, so they come before the rest (section 16.7 step 6).
_TELLING = (401, 407, 415, 420, 484)


@attrs.define(eq=False)
class Branch:
    """One copy of the request that waits for its final answer."""

    had_flow: bool  #: whether it went down a flow that was known before
    others: Alternatives = ()  #: other flows of the same device
    share: int = 1  #: its part of the breadth
    timer_c: Timer | None = None
    expired: bool = False  #: Timer C fired: what comes now is because we cancelled


@attrs.define(eq=False)
class ResponseContext:
    """One request on its way through a proxy: branches that wait for answers, and targets that wait for their turn."""

    transaction: TransactionId
    is_invite: bool  #: whether branches can be cancelled, and answered more than once
    _request: Request | None
    flow: Flow  #: where it came from
    fingerprint: str  #: what our branches begin with, for the detection of loops
    breadth: int  #: how many branches may run at once from here on (RFC 5393 section 5.3)
    realm: str | None = None  #: ours: nobody further on asks for passwords of it
    located: bool = False  #: whether the location service named the targets
    vouched: bool = False  #: whether the sender may have us relay
    astray: bool = False  #: whether it is for its sender's own domain, which is not ours
    caller: str | None = None  #: whose open INVITE it is, as long as it is one (`CallerLimits`)
    groups: list[list[Alternatives]] = attrs.field(factory=list)  #: targets not tried yet, the next ones first
    branches: dict[RequestId, Branch] = attrs.field(factory=dict)  #: those without final answer
    tried: list[RequestId] = attrs.field(factory=list)  #: all of them: an INVITE may bring several 2xx
    #: of them, those to peers who are not believed when they say who answers
    doubted: set[RequestId] = attrs.field(factory=set)
    winners: dict[RequestId, set[str]] = attrs.field(factory=dict)  #: To tags of the 2xx that each brought
    finals: list[Response] = attrs.field(factory=list)  #: final answers other than 2xx
    answered: bool = False  #: a final answer went back
    cancelled: bool = False  #: the caller gave up, or somebody answered for all

    @property
    def request(self) -> Request:
        """The request as it came, without our Route values; kept until it is settled."""
        assert self._request is not None
        return self._request

    def sent(self, request_id: RequestId, *, believed: bool) -> None:
        """A copy is on its way; ``believed`` is what its target says of identities."""
        self.tried.append(request_id)
        if not believed:
            self.doubted.add(request_id)

    def seen(self, request_id: RequestId, response: Response) -> Response:
        """The answer to a copy as it goes on.

        It is without an identity that nobody we trust has asserted (RFC 5876), and asks for nothing in our name.
        """
        response = without_challenges(response, self.realm)
        return without_claims(response) if request_id in self.doubted else response

    def may_pass(self, request_id: RequestId, tag: str, most: int) -> bool:
        """Whether a 2xx goes back: a repetition does; another dialog while its branch brought less than ``most``."""
        tags = self.winners.setdefault(request_id, set())
        if tag not in tags and len(tags) >= most:
            return False
        tags.add(tag)
        return True

    def unanswered(self, config: ProxyConfig, branch: Branch, reason: str) -> Answered:
        """What stands for the answer of a branch that gave none, by the reason of `sip.RequestFailed`.

        Whoever asks us for a domain of its own to which there is no way has the wrong server: 404 says that the domain
        is none that is handled here (section 21.4.5).
        """
        status = 487 if self.cancelled else config.failure_status(reason, had_flow=branch.had_flow)
        if status == 503 and self.astray:
            return Answered.not_served(404, self.request, owner=config.owner)
        return Answered(status)

    def settle(self) -> None:
        """Every branch has its answer and the best one went back: keep what late 2xx need, for half a minute."""
        self._request = None
        self.groups.clear()
        self.finals.clear()

    def best(self, entropy: Entropy, headers: Iterable[tuple[str, object]] = ()) -> Response:
        """The final answer that goes back, made of all that came (section 16.7 steps 6 and 7).

        ``headers`` are for one that is our own.
        """
        best = best_of(self.finals)
        if best.status == 503:
            return best.evolve(status=500)  # it was about that server, not about us
        if best.status == 430 and self.located:
            # That is for proxies: a caller hears that the user is not there (RFC 5626 section 11.5).
            return self.request.response(480, to_tag=entropy.token(8), headers=headers)
        return with_all_challenges(best, self.finals)


def best_of(finals: Sequence[Response]) -> Response:
    """The best of several final answers: 6xx first, then the lowest class, then the most telling (step 6)."""
    return min(finals, key=_rank)


def _rank(response: Response) -> tuple[int, int]:
    family = response.status // 100
    if family == 6:
        return 0, 0
    telling = _TELLING.index(response.status) if response.status in _TELLING else len(_TELLING)
    # 408 says least: some other branch knows more. 430 and 503 speak of one way or server, not of the user.
    return family, telling + (response.status in (408, 430, 487, 503))


def with_all_challenges(best: Response, finals: Sequence[Response]) -> Response:
    """A 401 or 407 with the challenges of all branches, so that the caller can answer them at once (step 7)."""
    if best.status not in (401, 407):
        return best
    others = [each for each in finals if each is not best and each.status in (401, 407)]
    more = [
        (name, value)
        for each in others
        for name in ("WWW-Authenticate", "Proxy-Authenticate")
        for value in each.headers.get_all(name)
    ]
    return best.evolve(add=more)
