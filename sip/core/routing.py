"""Which core gets a new request, and what is refused before any core sees it (RFC 3261 section 8.2)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable
from typing import Final

import attrs

from sip.context import Context
from sip.errors import LocalProtocolError, refuse_one_name
from sip.flow import Flow
from sip.ids import SessionId, SubscriptionId
from sip.message.bodies import describes, refusal_of_body
from sip.message.request import Request

#: Methods that exist; others are answered 501, known ones that a core does not take 405.
KNOWN_METHODS: Final = frozenset(
    (
        *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "UPDATE", "MESSAGE", "SUBSCRIBE"),
        *("NOTIFY", "BENOTIFY", "REFER", "PUBLISH", "SERVICE"),
    )
)
#: What the endpoint answers for every core that takes INVITE.
_WITH_INVITE: Final = ("ACK", "BYE", "CANCEL", "PRACK", "UPDATE")
#: Option tags that the endpoint itself implements.
ENDPOINT_OPTIONS: Final = ("timer", "100rel")
#: What every element says to OPTIONS of bodies: none that are compressed, in whatever language (section 11.2).
TAKES_AS_IT_IS: Final = (("Accept-Encoding", "identity"), ("Accept-Language", "*"))


class Claim(enum.IntEnum):
    """The order in which cores are asked for a new request."""

    CONFERENCE = 1
    ELEMENT = 2
    REGISTRAR = 3
    PROXY = 4


@attrs.frozen(kw_only=True)
class Routing:
    """Where a new request goes: to ``owner``, or refused with ``status``."""

    owner: str | None = None
    session: SessionId | None = None
    subscription: SubscriptionId | None = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True, eq=False)
class CoreEntry:
    """What a core registered with."""

    owner: str
    claims: Callable[[Request, Flow], bool]
    claim: Claim
    methods: frozenset[str]
    supported: tuple[str, ...]
    accept: frozenset[str]
    events: frozenset[str]
    accept_line: str  #: value of Accept in its answers to OPTIONS
    transparent: bool
    guards_dialogs: bool  #: whether it says what becomes of a request of a dialog that came from elsewhere
    durable: bool  #: whether its dialogs are written for a restart
    names_dialogs: bool  #: whether it lists ``replaces`` or ``join``
    takes_notify: bool  #: whether it lists NOTIFY itself: one of a session, and of no event, is for it
    answers_options: bool  #: whether it takes OPTIONS itself; otherwise the endpoint answers
    allow: str  #: value of its Allow header
    supported_line: str  #: value of its Supported header
    supported_without_100rel: str  #: the same for INVITEs that are not to be answered reliably

    def refusal(self, request: Request, *, subscribed: bool = False) -> Routing | None:
        """Return the refusal of a request that this core cannot take, None when it can (section 8.2 in its order).

        With ``subscribed`` it came in the dialog of a subscription: who subscribes takes NOTIFY, listed or not.
        """
        method = request.method
        if method not in self.methods and not (subscribed and method == "NOTIFY"):
            if method not in KNOWN_METHODS:
                return Routing(owner=self.owner, status=501, headers=(("Allow", self.allow),))
            return Routing(owner=self.owner, status=405, headers=(("Allow", self.allow),))
        if request.uri.scheme not in ("sip", "sips", "tel"):
            return Routing(owner=self.owner, status=416)
        if self.names_dialogs and method != "INVITE" and ("Replaces" in request.headers or "Join" in request.headers):
            return Routing(owner=self.owner, status=400)  # RFC 3891 section 3, RFC 3911 section 4
        return (
            self._missing_option(request)
            or self._bad_body(request)
            or self._no_answer_taken(request)
            or self._bad_event(request)
        )

    def _missing_option(self, request: Request) -> Routing | None:
        unknown = [tag for tag in request.require if tag.lower() not in self.supported]
        if not unknown:
            return None
        return Routing(owner=self.owner, status=420, headers=(("Unsupported", ", ".join(unknown)),))

    def _bad_body(self, request: Request) -> Routing | None:
        if request.method == "BYE":
            return None  # whoever sends it has ended the session already (section 15.1.1): refusing helps nobody
        # A core that does not say what it takes judges for itself, but nobody reads what is encoded.
        if not request.body or not (self.accept or "Content-Encoding" in request.headers):
            return None
        refused = refusal_of_body(request, self.accept or ("*/*",))
        if refused is None or (not self.accept and not refused.encoded):
            return None
        return Routing(owner=self.owner, status=refused.status, headers=refused.headers)

    def _no_answer_taken(self, request: Request) -> Routing | None:
        """Refuse an offer whose sender does not take the answer (RFC 4475 section 3.3.15)."""
        if request.method != "INVITE" or "Accept" not in request.headers or not describes(request):
            return None
        ranges = request.header("Accept")
        if isinstance(ranges, tuple) and any(each.accepts("application/sdp") for each in ranges):
            return None
        warning = '399 uas "An offer is answered in application/sdp"'
        return Routing(owner=self.owner, status=406, headers=(("Warning", warning),))

    def _bad_event(self, request: Request) -> Routing | None:
        if request.method != "SUBSCRIBE" or not self.events:
            return None
        package = request.event
        if package is not None and package.package.lower() in self.events:
            return None
        allowed = (("Allow-Events", ", ".join(sorted(self.events))),)
        return Routing(owner=self.owner, status=489 if package is not None else 400, headers=allowed)


class Cores:
    """The cores of one endpoint."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._entries: list[CoreEntry] = []
        self._by_owner: dict[str, CoreEntry] = {}

    def add(
        self,
        owner: str,
        claims: Callable[[Request, Flow], bool],
        *,
        claim: Claim,
        methods: Collection[str],
        supported: Collection[str],
        accept: Collection[str],
        media_types: Collection[str],
        events: Collection[str],
        transparent: bool,
        guards_dialogs: bool,
        durable: bool,
    ) -> None:
        """Register a core; raises LocalProtocolError for a name that is taken, or one in place of several."""
        if not owner or owner in self._by_owner:
            raise LocalProtocolError(f"a core needs a name of its own: {owner!r}")
        several = {"methods": methods, "supported": supported, "accept": accept, "media_types": media_types}
        for what, names in (several | {"events": events}).items():
            refuse_one_name(what, names)
        all_methods = {*methods, *(_WITH_INVITE if "INVITE" in methods else ()), "OPTIONS"}
        if "SUBSCRIBE" in methods:
            all_methods.add("NOTIFY")
        options = tuple(dict.fromkeys(tag.lower() for tag in (*supported, *ENDPOINT_OPTIONS)))
        listed = [tag for tag in options if "INVITE" in methods or tag in supported]
        entry = CoreEntry(
            owner=owner,
            claims=claims,
            claim=claim,
            methods=frozenset(all_methods),
            supported=options,
            accept=frozenset(each.lower() for each in accept),
            events=frozenset(each.lower() for each in events),
            accept_line=", ".join(sorted(each.lower() for each in accept or media_types)) or "*/*",
            transparent=transparent,
            guards_dialogs=guards_dialogs,
            durable=durable,
            names_dialogs="replaces" in options or "join" in options,
            takes_notify="NOTIFY" in methods,
            answers_options="OPTIONS" in methods,
            allow=", ".join(sorted(all_methods)),
            supported_line=", ".join(listed),
            supported_without_100rel=", ".join(tag for tag in listed if tag != "100rel"),
        )
        self._by_owner[owner] = entry
        self._entries.append(entry)
        self._entries.sort(key=lambda each: each.claim)

    def by_owner(self, owner: str) -> CoreEntry:
        """Return a core; raises LocalProtocolError when none has that name."""
        try:
            return self._by_owner[owner]
        except KeyError:
            raise LocalProtocolError(f"no core is called {owner!r}") from None

    def get(self, owner: str) -> CoreEntry | None:
        """Return a core, None when none has that name."""
        return self._by_owner.get(owner)

    def abilities(self, core: CoreEntry, request: Request, flow: Flow) -> tuple[tuple[str, str], ...]:
        """Return what an answer to OPTIONS says that ``core`` can do (section 11.2).

        About an address without a user, which is that of the element, it says what all cores there can do: what one
        leaves another takes, and a transparent one takes every method.
        """
        cores = [core]
        if request.uri.user is None:
            cores += [each for each in self._entries if each is not core and each.claims(request, flow)]
        if len(cores) == 1:
            lines: tuple[tuple[str, str], ...] = (
                ("Allow", core.allow),
                ("Accept", core.accept_line),
                ("Supported", core.supported_line),
            )
            events = core.events
        else:
            methods = frozenset[str]().union(*(KNOWN_METHODS if each.transparent else each.methods for each in cores))
            events = frozenset[str]().union(*(each.events for each in cores))
            accept = _united(each.accept_line for each in cores)
            lines = (
                ("Allow", ", ".join(sorted(methods))),
                ("Accept", "*/*" if "*/*" in accept else ", ".join(accept)),
                ("Supported", ", ".join(_united(each.supported_line for each in cores))),
            )
        lines += TAKES_AS_IT_IS
        return (*lines, ("Allow-Events", ", ".join(sorted(events)))) if events else lines

    def claiming(self, request: Request, flow: Flow, without: str | None = None) -> CoreEntry | None:
        """Return the first core that claims a request; ``without`` is not asked."""
        for entry in self._entries:
            if entry.owner != without and entry.claims(request, flow):
                return entry
        return None


def _united(lines: Iterable[str]) -> tuple[str, ...]:
    """The items of several lists, each once."""
    return tuple(dict.fromkeys(item for line in lines for item in line.split(", ") if item))
