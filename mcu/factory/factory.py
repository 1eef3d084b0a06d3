"""The MCU Factory: picks an MCU for a conference, and nothing else (docs/design-decisions.rst). It speaks no SIP."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping

import attrs

from c3p import (
    MCU_HTTP_URI,
    MCU_ID,
    MCU_SERVER_URI,
    AddConference,
    Code,
    ConferenceInfo,
    ConnectionInfo,
    Exchange,
    ExchangeFailure,
    ExchangeOwner,
    Exchanges,
    Notify,
    RegisterMcu,
    Reply,
    Request,
    Response,
    principal_of_worker,
)
from mcu.config import FactoryConfig
from mcu.events import AnnouncementFault, AnnouncementRefused, McuAllocated, McuForgotten, McuRegistered
from mcu.factory.failed import FailedMcus
from mcu.factory.health import HealthProbes
from mcu.factory.kept import KeptFactory
from mcu.factory.registry import KnownMcu, Registry
from mcu.factory.selection import LeastLoaded, SelectionStrategy
from mcu.identity import conference_id
from mcu.policy import Refusal, RefusalReason
from mcu.responses import refused
from mcu.whereabouts import is_allowed_sip_uri, is_allowed_url
from sip import Event, Piece, first_due

#: What an MCU may not do, so that HTTP says 403; the other faults are in an announcement that it may make.
_FORBIDDEN = frozenset(
    {
        AnnouncementFault.PRINCIPAL,
        AnnouncementFault.NOT_ITS_ID,
        AnnouncementFault.HOST,
        AnnouncementFault.ID_TAKEN,
    }
)

MAX_TOLD = 256  #: refused announcements that are remembered, so that each is reported once; a farm has fewer MCUs
MAX_TOLD_ID = 256  #: characters of a refused id that are reported; a stranger chooses them


class McuFactory:
    """Answers ``addConference`` with the MCU to use, and ``registerMcu``.

    Which MCU has which conference is remembered, so that a Focus that asks again gets the same one unless it
    excludes it; several Factories that share a store answer alike (`learn`). Nothing has to be kept over a restart,
    since MCUs announce themselves again within seconds; it can be (`sip.Durable`), and then the answers before and
    after it are the same.
    """

    def __init__(self, config: FactoryConfig, *, strategy: SelectionStrategy | None = None) -> None:
        self.config = config
        self._strategy = strategy or LeastLoaded()
        self._registry = Registry(config)
        self._exchanges: Exchanges[ExchangeOwner] = Exchanges()
        self.unposted = self._exchanges.unposted  #: what `c3p_to_send` gives; always the same list
        self._health_probes = HealthProbes(config, self._registry, self._exchanges)
        self._places: OrderedDict[str, str] = OrderedDict()  #: conference key -> mcu id, least recently asked first
        self._failed = FailedMcus(self._registry)
        self._kept = KeptFactory(self._registry, self._places)
        #: refusals that the application knows of, oldest first
        self._told: OrderedDict[AnnouncementRefused, None] = OrderedDict()
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        self._counters: Counter[str] = Counter()

    @property
    def mcus(self) -> tuple[str, ...]:
        """Ids of the MCUs that are known and alive."""
        return tuple(each.mcu_id for each in self._registry if each.alive)

    @property
    def counters(self) -> Mapping[str, int]:
        """What was refused, by what it was."""
        return dict(self._counters)

    def take_events(self) -> list[Event]:
        """What documents caused since the last call."""
        for mcu_id in self._health_probes.take_lost():
            self._lost(mcu_id)
        taken = self.untaken[:]
        self.untaken.clear()
        return taken

    # State -----------------------------------------------------------------------------------------------------------

    def take_pieces(self) -> list[Piece]:
        """What changed since the last call; the first gives all."""
        return self._kept.take()

    def snapshot(self) -> list[Piece]:
        """Everything, as it is now."""
        return self._kept.all()

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        """Go on with what was written; MCUs have the usual time to be heard (`FactoryConfig.forget_after`).

        What cannot be read is reported with `sip.StateUnreadable`. Raises LocalProtocolError when an MCU has announced
        itself, or one was allocated, before. Then drain ``c3p_to_send()`` and read ``next_timeout``.
        """
        unreadable = self._kept.restore(pieces, now=now)
        if unreadable:
            self._counters["state not restored: unreadable"] += len(unreadable)
        return [*self.take_events(), *unreadable]

    def learn(self, pieces: Iterable[Piece], *, whole: bool = False) -> list[Event]:
        """Take in which MCU has which conference, as other Factories have written it to a store that all share.

        Other pieces than `is_factory_place` knows are passed over. ``whole``: these are all that are there, as after
        the store was away; what this Factory has beside them is given once more by ``take_pieces``. At any time.
        """
        places, unreadable = self._kept.learned(pieces, whole=whole)
        for place, mcu_id in places:
            if mcu_id is None:
                self._places.pop(place, None)
                continue
            self._give(place, mcu_id)
            while len(self._places) > self.config.max_conferences:
                self._kept.forget(self._places.popitem(last=False)[0])
        if unreadable:
            self._counters["places not learned: unreadable"] += len(unreadable)
        return [*unreadable]

    # Documents -------------------------------------------------------------------------------------------------------

    def receive_c3p(self, document: Request | Response | Notify | ConferenceInfo, *, peer: str, now: float) -> Reply:
        """Answer one document; ``peer`` is the authenticated principal, empty when there is none.

        Then drain and read ``next_timeout``.
        """
        self._expire(now)
        if not peer:
            if isinstance(document, Request) and isinstance(document.command, RegisterMcu):
                self._turn_away(document.command, peer, AnnouncementFault.NOT_AUTHENTICATED)
            return Reply(401)
        if not isinstance(document, Request):
            return Reply(400)
        command = document.command
        if document.more:
            return self._refuse(document, Refusal(RefusalReason.UNPARSEABLE, "one command in a request"))
        if isinstance(command, RegisterMcu):
            return self._register(document, command, peer, now)
        if isinstance(command, AddConference):
            return self._allocate(document, command, peer, now)
        return self._refuse(document, Refusal(RefusalReason.NOT_SUPPORTED, "command is not known here"))

    def _refuse(self, request: Request, refusal: Refusal, retry_after: int | None = None) -> Reply:
        self._counters[refusal.reason.name.lower()] += 1
        return Reply(200, refused(request, refusal, source=self.config.uri, retry_after=retry_after))

    def _register(self, request: Request, command: RegisterMcu, peer: str, now: float) -> Reply:
        fault = self._fault(command, peer)
        if fault is not None:
            self._turn_away(command, peer, fault)
        if fault in _FORBIDDEN:
            return Reply(403)
        if fault is AnnouncementFault.INCOMPLETE:
            return self._refuse(request, Refusal(RefusalReason.MALFORMED, "id, URL and types are needed"))
        if fault is AnnouncementFault.NO_ROOM:
            return self._refuse(request, Refusal(RefusalReason.CAPACITY, "too many MCUs"))
        self._taken(command.mcu_id, peer)
        new = self._registry.announce(command, peer=peer, now=now)
        self._kept.note("mcu", command.mcu_id)
        if new:
            self.untaken.append(McuRegistered(owner="", mcu_id=command.mcu_id))
        return Reply(200, request.respond(Code.SUCCESS))

    def _fault(self, command: RegisterMcu, peer: str) -> AnnouncementFault | None:
        allowed = self.config.mcu_peers
        if allowed is not None and peer not in allowed:
            return AnnouncementFault.PRINCIPAL
        its_own = peer in (command.mcu_id, principal_of_worker(command.mcu_id))
        if command.mcu_id and self.config.id_is_principal and not its_own:
            return AnnouncementFault.NOT_ITS_ID
        if not self._is_on_its_hosts(command, peer):
            return AnnouncementFault.HOST
        if not self._registry.may_announce(command, peer):
            return AnnouncementFault.ID_TAKEN
        known = self._registry.get(command.mcu_id)
        if not command.mcu_id or (known is None and not (command.http_url and command.mcu_types)):
            return AnnouncementFault.INCOMPLETE
        return AnnouncementFault.NO_ROOM if known is None and self._registry.full else None

    def _is_on_its_hosts(self, command: RegisterMcu, peer: str) -> bool:
        hosts = self.config.mcu_hosts
        return (not command.http_url or is_allowed_url(command.http_url, hosts, peer)) and (
            not command.sip_uri or is_allowed_sip_uri(command.sip_uri, hosts, peer)
        )

    def _turn_away(self, command: RegisterMcu, peer: str, fault: AnnouncementFault) -> None:
        """Count a refused announcement, and report it once: it is repeated every 10 s."""
        self._counters["announcements refused"] += 1
        refused = AnnouncementRefused(owner="", mcu_id=command.mcu_id[:MAX_TOLD_ID], peer=peer, fault=fault)
        if refused not in self._told:
            self.untaken.append(refused)
        self._told[refused] = None
        self._told.move_to_end(refused)
        while len(self._told) > MAX_TOLD:
            self._told.popitem(last=False)

    def _taken(self, mcu_id: str, peer: str) -> None:
        for fault in AnnouncementFault:
            self._told.pop(AnnouncementRefused(owner="", mcu_id=mcu_id[:MAX_TOLD_ID], peer=peer, fault=fault), None)

    def _allocate(self, request: Request, command: AddConference, peer: str, now: float) -> Reply:
        allowed = self.config.focus_peers
        if allowed is not None and peer not in allowed:
            return Reply(403)
        entity = command.conference_keys.conf_entity if command.conference_keys is not None else None
        key = conference_id(entity) if entity else None
        if entity is None or key is None or not command.mcu_type:
            return self._refuse(request, Refusal(RefusalReason.MALFORMED, "conference and MCU type are needed"))
        place = f"{command.mcu_type} {key}"
        chosen = self._choose(place, command, now)
        if chosen is None:
            return self._refuse(request, Refusal(RefusalReason.CAPACITY, "no MCU available"), self.config.retry_after)
        self._remember(place, chosen.mcu_id)
        self.untaken.append(McuAllocated(owner="", conference=entity, mcu_id=chosen.mcu_id))
        where = {MCU_HTTP_URI: chosen.http_url, MCU_SERVER_URI: chosen.sip_uri, MCU_ID: chosen.mcu_id}
        answer = attrs.evolve(
            command.echo(), exclude=(), connection_info=ConnectionInfo.of({k: v for k, v in where.items() if v})
        )
        return Reply(200, request.respond(Code.SUCCESS, command=answer))

    def _choose(self, place: str, command: AddConference, now: float) -> KnownMcu | None:
        """One that did not fail; else one that did, and was heard since."""
        for mcu in self._failed.told(place, command.exclude, now=now):
            self._health_probes.ask(mcu)
        away, back = self._failed.away(place), self._failed.back(place)
        excluded = frozenset(command.exclude)
        chosen = self._select(place, command, excluded | away)
        if chosen is None and excluded & back:
            chosen = self._select(place, command, (excluded - back) | away)
        if chosen is not None:
            self._failed.given(place, chosen.mcu_id)
        return chosen

    def _select(self, place: str, command: AddConference, exclude: frozenset[str]) -> KnownMcu | None:
        assert command.mcu_type is not None
        candidates, current = self._registry.candidates(), self._places.get(place)
        chosen = self._strategy.select(candidates, mcu_type=command.mcu_type, exclude=exclude, current=current)
        return self._registry.get(chosen.mcu_id) if chosen is not None else None

    def _give(self, place: str, mcu_id: str) -> None:
        """A conference is at that MCU, which has not said yet that it is as busy as that."""
        known = self._registry.get(mcu_id)
        if known is not None and self._places.get(place) != mcu_id:
            known.given += 1
        self._places[place] = mcu_id
        self._places.move_to_end(place)

    def _remember(self, place: str, mcu_id: str) -> None:
        self._give(place, mcu_id)
        self._kept.note("place", place)
        while len(self._places) > self.config.max_conferences:
            self._kept.note("place", self._places.popitem(last=False)[0])

    # Probes and time -------------------------------------------------------------------------------------------------

    def c3p_to_send(self) -> list[Exchange]:
        """Probes to be posted."""
        return self._exchanges.take()

    def receive_reply(self, exchange_id: int, reply: Reply, *, now: float) -> list[Event]:
        """The answer to a probe. Then drain and read ``next_timeout``."""
        self._exchanges.replied(exchange_id, reply, now=now)
        return self.take_events()

    def exchange_failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> list[Event]:
        """A probe that brought no answer. Then drain and read ``next_timeout``."""
        self._exchanges.failed(exchange_id, reason, now=now)
        return self.take_events()

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        return first_due(self._registry.next_expiry(), self._health_probes.next_timeout())

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Forget silent MCUs, probe those of the list. Then drain and read ``next_timeout``."""
        self._expire(now)
        self._health_probes.handle_timeout(now=now)
        return self.take_events()

    def _expire(self, now: float) -> None:
        for gone in self._registry.expire(now=now):
            self._lost(gone.mcu_id)

    def _lost(self, mcu_id: str) -> None:
        self._kept.note("mcu", mcu_id)
        self.untaken.append(McuForgotten(owner="", mcu_id=mcu_id))
