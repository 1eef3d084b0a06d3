"""One conference on an MCU: its settings, its legs, and the way to its Focus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from c3p import (
    EntryExitAnnouncements,
    ExchangeFailure,
    Filter,
    InitialFilters,
    MediaFiltersRules,
    Reply,
    Response,
    Role,
    guid_key,
)
from mcu.events import LegId
from mcu.focus_link import FocusLink
from mcu.identity import conference_id
from mcu.leg import Leg
from sip import Uri

if TYPE_CHECKING:
    from mcu.plane.conference_audio import ConferenceAudio


@attrs.define(eq=False, kw_only=True)
class Conference:
    """The part of a conference that this MCU keeps. Changed by the parts of this package only."""

    uri: str  #: Conference-URI, in the spelling of the Focus
    key: str
    mcu_uri: str  #: MCU-Conference-URI, in the spelling of the Focus
    mcu_address: Uri  #: the same, parsed: who calls
    mcu_key: str
    peer: str  #: principal of the Focus that owns it
    epoch: int  #: of the claim of that Focus; 0 without one
    focus_link: FocusLink
    commanded_at: float  #: when its Focus last commanded or asked anything, or the last leg ended; monotonic seconds
    conversation_id: str
    subject: str | None = None
    room: bool = False  #: made by a caller, without a Focus: it ends with its last leg
    locked: bool = False
    active: bool = True  #: false while the MCU drains
    filters: MediaFiltersRules | None = None
    #: Whether everybody hears who comes and goes; ``None`` where nothing can be heard.
    announcements: EntryExitAnnouncements | None = None
    active_speaker: str | None = None  #: URI of a user, as the roster shows it, if it does
    mixer: ConferenceAudio = attrs.field(init=False)  #: of an A/V MCU, as long as the conference is there
    legs: dict[LegId, Leg] = attrs.Factory(dict)
    #: Open ``deleteUser`` commands: the legs they wait for, and what is answered then.
    ejections: list[tuple[frozenset[LegId], Response]] = attrs.Factory(list)
    _by_endpoint: dict[str, Leg] = attrs.Factory(dict)

    def add(self, leg: Leg) -> None:
        self.legs[leg.id] = leg
        self._by_endpoint[guid_key(leg.endpoint)] = leg

    def remove(self, leg: Leg) -> None:
        self.legs.pop(leg.id, None)
        self._by_endpoint.pop(guid_key(leg.endpoint), None)

    def orphaned_at(self, timeout: float) -> float | None:
        """When it ends if nobody comes and its Focus says nothing; ``None`` while there are legs."""
        return None if self.legs or self.focus_link.closed else self.commanded_at + timeout

    def leg_of(self, endpoint: str) -> Leg | None:
        return self._by_endpoint.get(guid_key(endpoint))

    def legs_of(self, user_key: str) -> list[Leg]:
        """Every leg of one user."""
        return [leg for leg in self.legs.values() if leg.user_key == user_key]

    def is_its_mcu(self, uri: str) -> bool:
        """Whether ``uri`` is the MCU-Conference-URI; it hardly ever comes in another spelling."""
        return uri == self.mcu_uri or conference_id(uri) == self.mcu_key

    def users(self) -> Iterator[tuple[str, list[Leg]]]:
        """Each user with its legs, in the order in which they came."""
        grouped: dict[str, list[Leg]] = {}
        for leg in self.legs.values():
            grouped.setdefault(leg.user_key, []).append(leg)
        for legs in grouped.values():
            yield legs[0].user, legs

    @property
    def dialing(self) -> int:
        return sum(leg.dialing for leg in self.legs.values())

    def rule_of(self, role: str) -> InitialFilters | None:
        """The initial filters that hold for ``role``.

        A rule for role default is meant for attendees: presenters are muted by name only (docs/commands.rst).
        """
        rule = self.filters.initial(role) if self.filters is not None else None
        return None if rule is None or (role == Role.PRESENTER and rule.role != Role.PRESENTER) else rule

    def starts_blocked(self, role: str) -> tuple[bool, bool]:
        """Ingress and egress filter that somebody new with ``role`` starts with."""
        rule = self.rule_of(role)
        if rule is None:
            return False, False
        return rule.ingress_filter == Filter.BLOCK, rule.egress_filter == Filter.BLOCK

    def ejected(self) -> list[Response]:
        """The answer to every ``deleteUser`` whose legs are all gone, each once."""
        done = [response for legs, response in self.ejections if legs.isdisjoint(self.legs)]
        self.ejections = [each for each in self.ejections if not each[0].isdisjoint(self.legs)]
        return done

    # The owner of its exchanges --------------------------------------------------------------------------------------

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        """The Focus answered."""
        self.focus_link.replied(reply, now=now)

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        """The Focus did not answer."""
        self.focus_link.failed(now=now)
