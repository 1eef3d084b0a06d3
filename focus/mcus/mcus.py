"""The MCUs of one conference: their links, and what they say of it (conferencing-flows 4.2 and 11)."""

from __future__ import annotations

from typing import Protocol

from c3p import (
    ConferenceDescription,
    ConferenceInfo,
    ConferenceView,
    EntityState,
    EntityView,
    Notify,
    Reply,
    Response,
    State,
    UriEntry,
    mcu_type_of,
    mcu_uri,
)
from focus.context import Context
from focus.events import McuAssigned, McuLost
from focus.mcus.address import McuAddress
from focus.mcus.claim import Claim
from focus.mcus.link import McuLink
from focus.mcus.link_state import LinkState
from focus.mcus.loss import take_off
from focus.mcus.relay import RelayOwner
from focus.mcus.roster_part import McuPart, Merge, Verdict
from focus.roster import Roster
from sip import ConferenceAddress, first_due


class CommandOwner(RelayOwner, Protocol):
    """Whoever has commands under way."""

    def role_dialled(self, user: str) -> str:
        """Role of a user (key) whom an MCU brings in."""


class Mcus:
    """The links of one conference by media type; the owner of each of them."""

    def __init__(self, context: Context, roster: Roster, commands: CommandOwner, claim: Claim) -> None:
        self.claim = claim
        self._context = context
        self._roster = roster
        self._commands = commands
        self._links: dict[str, McuLink] = {}
        self._parts: dict[str, McuPart] = {}
        self._views: dict[str, ConferenceAddress] = {}  #: MCU-Conference-URIs by media type
        self.locked = False  #: as an MCU is to be told when it is bootstrapped

    @property
    def linked(self) -> frozenset[str]:
        """The media types that have an MCU, or are getting one."""
        idle = (LinkState.ABSENT, LinkState.FAILED)
        return frozenset(kind for kind, link in self._links.items() if link.state not in idle)

    def link(self, mcu_type: str) -> McuLink:
        """The link of a media type, made when it is first asked for."""
        link = self._links.get(mcu_type)
        if link is None:
            focus_uri = self._roster.focus_uri
            address = self._views[mcu_type] = ConferenceAddress.read(mcu_uri(focus_uri, mcu_type))
            link = self._links[mcu_type] = McuLink(
                mcu_type=mcu_type,
                focus_uri=focus_uri,
                mcu_uri=address.text,
                config=self._context.config,
                exchanges=self._context.exchanges,
                owner=self,
                relays=self._commands,
            )
        return link

    def close(self, *, now: float) -> None:
        """Tell every MCU that the conference is over."""
        for link in self._links.values():
            link.close(now=now)

    def claimed(self, epoch: int | None, *, now: float) -> None:
        """Our claim to the conference has this epoch from now on; None: a higher one cannot be had."""
        if epoch is not None:
            self.claim.epoch = epoch
        for link in self._links.values():
            if epoch is not None:
                link.claimed(now=now)
            else:
                link.not_claimed(now=now)

    def suspect(self, mcu_id: str, *, now: float) -> None:
        """Ask an MCU for its part now: whoever runs it says that it may be gone. Its answer, or none, shows it."""
        for link in self._links.values():
            if link.address is not None and link.address.mcu_id == mcu_id:
                link.resynchronise(now=now)

    def next_timeout(self) -> float | None:
        """When an MCU that has participants has been silent for too long."""
        return first_due(*[link.next_check() for kind, link in self._links.items() if self._roster.has_holders(kind)])

    def handle_timeout(self, *, now: float) -> None:
        """Ask MCUs that were silent for their part: the answer, or none, shows how they are."""
        for kind, link in self._links.items():
            due = link.next_check()
            if due is not None and due <= now and self._roster.has_holders(kind):
                link.resynchronise(now=now)

    # From MCUs -------------------------------------------------------------------------------------------------------

    def receive(self, document: Notify | Response, *, peer: str, now: float) -> Reply:
        """A notification, or a late response, that was posted to the callback URL by `peer`."""
        link = self._named(document.from_)
        if link is None:
            return Reply(404)
        if not link.trusts(peer):
            # An MCU that was given up may have come back; anybody else is not allowed here.
            return Reply(404) if link.turn_away(peer) else Reply(403)
        link.heard(now=now)
        if isinstance(document, Response):
            link.late_response(document, now=now)
        else:
            self._notified(link, document.conference_info, now=now)
        return Reply(200)

    def _named(self, uri: str) -> McuLink | None:
        """The link of an MCU-Conference-URI; it is not taken apart where it is spelt as we spell it."""
        same = (link for link in self._links.values() if link.mcu_uri == uri)
        return next(same, None) or self._links.get(mcu_type_of(uri) or "")

    def _notified(self, link: McuLink, document: ConferenceInfo, *, now: float) -> None:
        part = self._part(link)
        verdict = part.receive(document)
        if verdict is Verdict.APPLIED:
            self._merge(link, part)
        elif verdict in (Verdict.GAP, Verdict.RESET):
            # What looks like a new beginning may be a document that took its time: the answer shows which.
            link.resynchronise(now=now)
        elif verdict is Verdict.DELETED:
            link.mark_lost("it dropped the conference", now=now)

    def _part(self, link: McuLink) -> McuPart:
        part = self._parts.get(link.mcu_type)
        if part is None:
            part = self._parts[link.mcu_type] = McuPart(self._roster.address)
        return part

    def _merge(self, link: McuLink, part: McuPart) -> None:
        config = self._context.config
        merge = Merge(
            mcu_type=link.mcu_type,
            view=self._views[link.mcu_type],
            role_of=self._commands.role_dialled,
            max_users=config.max_users,
            max_endpoints=config.max_endpoints_per_user,
        )
        merge.into(self._roster, part)

    # Owner of the links ----------------------------------------------------------------------------------------------

    def describe_for(self, link: McuLink) -> ConferenceInfo:
        """What an MCU has to know of the conference (C3P reference, 7.14)."""
        description = self._roster.description
        entry = UriEntry(uri=link.mcu_uri, display_text=link.mcu_type, purpose=link.mcu_type)
        view = EntityView(entity=link.mcu_uri, state=State.FULL, entity_state=EntityState(locked=self.locked))
        return ConferenceInfo(
            entity=self._roster.focus_uri,
            state=State.FULL,
            description=ConferenceDescription(
                display_text=description.display_text,
                subject=description.subject,
                conf_uris=(entry,),
                organizer=description.organizer,
            ),
            conference_view=ConferenceView(state=State.FULL, views=(view,)),
        )

    def mcu_ready(self, link: McuLink, address: McuAddress, info: ConferenceInfo | None, *, now: float) -> None:
        """An MCU is bootstrapped: its view appears."""
        part = self._part(link)
        # Its first notification may have overtaken this answer.
        verdict = part.begin(info) if info is not None else Verdict.IGNORED
        if verdict is Verdict.APPLIED:
            self._merge(link, part)
        elif verdict is Verdict.GAP:
            link.resynchronise(now=now)
        self._context.emit(
            McuAssigned(
                owner=self._context.config.owner,
                conference_uri=self._roster.focus_uri,
                mcu_type=link.mcu_type,
                mcu_id=address.mcu_id,
            )
        )

    def mcu_lost(self, link: McuLink, address: McuAddress, reason: str, *, now: float) -> None:
        """An MCU failed: all that it owned goes (conferencing-flows 11)."""
        self._parts.pop(link.mcu_type, None)
        take_off(self._roster, link.mcu_type, self._views[link.mcu_type])
        self._context.emit(
            McuLost(
                owner=self._context.config.owner,
                conference_uri=self._roster.focus_uri,
                mcu_type=link.mcu_type,
                mcu_id=address.mcu_id,
                reason=reason,
            )
        )

    def mcu_part_replaced(self, link: McuLink, info: ConferenceInfo, *, now: float) -> None:
        """The MCU's whole part after a gap."""
        part = self._part(link)
        verdict = part.answered(info)
        if verdict is Verdict.APPLIED:
            self._merge(link, part)
        elif verdict is Verdict.GAP:
            link.resynchronise(now=now)
        else:
            began_again = verdict is Verdict.RESET
            link.mark_lost("its versions began again" if began_again else "its state cannot be read", now=now)
