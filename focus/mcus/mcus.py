"""The MCUs of one conference: their links, and what they say of it (docs/wire-flow.rst)."""

from __future__ import annotations

from c3p import (
    Command,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceView,
    DeleteUser,
    EntityState,
    EntityView,
    Notify,
    Reply,
    Response,
    State,
    UriEntry,
    UserKeys,
    mcu_type_of,
    mcu_uri,
)
from focus.context import Context
from focus.events import McuAssigned, McuLost, McuSilent
from focus.mcus.address import McuAddress
from focus.mcus.claim import Claim
from focus.mcus.link import McuLink
from focus.mcus.link_state import LinkState
from focus.mcus.loss import take_off
from focus.mcus.reconciliation import Reconciliation
from focus.mcus.relay import CommandOwner, Failure, Relay
from focus.mcus.roster_part import McuPart, Merge, Verdict, as_leaving
from focus.roster import Roster
from sip import AddressOfRecord, ConferenceAddress, first_due


class Mcus:
    """The links of one conference by media type; the owner of each of them."""

    def __init__(self, context: Context, roster: Roster, commands: CommandOwner, claim: Claim) -> None:
        self.claim = claim
        self._context = context
        self._roster = roster
        self._commands = commands
        self.links: dict[str, McuLink] = {}
        self._parts: dict[str, McuPart] = {}
        self.wanted: dict[str, Reconciliation] = {}
        self._views: dict[str, ConferenceAddress] = {}  #: MCU-Conference-URIs by media type
        self.locked = False  #: as an MCU is to be told when it is bootstrapped

    @property
    def linked(self) -> frozenset[str]:
        """The media types that have an MCU, or are getting one."""
        idle = (LinkState.ABSENT, LinkState.FAILED)
        return frozenset(kind for kind, link in self.links.items() if link.state not in idle)

    def link(self, mcu_type: str) -> McuLink:
        """The link of a media type, made when it is first asked for."""
        link = self.links.get(mcu_type)
        if link is None:
            focus_uri = self._roster.focus_uri
            address = self._views[mcu_type] = ConferenceAddress.read(mcu_uri(focus_uri, mcu_type))
            wanted = self.wanted[mcu_type] = Reconciliation(
                mcu_type=mcu_type,
                link=lambda: self.link(mcu_type),
                part=lambda: self._part(mcu_type),
                state=lambda: self._state(mcu_type),
                commands=self._commands,
                exchanges=self._context.exchanges,
                limit=self._context.config.max_intents_per_mcu,
            )
            link = self.links[mcu_type] = McuLink(
                mcu_type=mcu_type,
                focus_uri=focus_uri,
                mcu_uri=address.text,
                config=self._context.config,
                exchanges=self._context.exchanges,
                farewells=self._context.farewells,
                owner=self,
                relays=wanted,
            )
        return link

    def submit(self, relay: Relay, *, now: float) -> None:
        """Send a command to the MCU of its type; whom it puts out is shown as leaving.

        What could not be told again should it get lost, because too much is wanted of the MCU already, fails as busy.
        """
        link, wanted = self.link(relay.mcu_type), self.wanted[relay.mcu_type]
        if isinstance(relay.command, DeleteUser):
            user = AddressOfRecord.read(relay.command.user_keys.user_entity)
            found = self._roster.find(user)
            held = list(found.of_type(relay.mcu_type).values()) if found is not None else []
            kept = wanted.begin(relay, seen=bool(held))
            for endpoint in held if kept else ():
                self._roster.set_endpoint(user, as_leaving(endpoint), role="")
        else:
            kept = wanted.begin(relay, seen=False)
        if kept:
            link.submit(relay, now=now)
        else:
            link.refuse(relay, now=now)

    def give_up(self, relay: Relay, *, now: float) -> None:
        """Nobody waits for a command any more; what it wanted is not given up."""
        self.link(relay.mcu_type)
        self.wanted[relay.mcu_type].given_up(relay, now=now)

    def close(self, *, now: float) -> None:
        """Tell every MCU that the conference is over."""
        for kind, link in self.links.items():
            self.wanted[kind].close()
            link.close(now=now)

    def release(self) -> None:
        """Do nothing more, and tell no MCU."""
        for link in self.links.values():
            link.release()

    def reconciliation(self, mcu_type: str) -> Reconciliation:
        """What is wanted of the MCU of a type."""
        self.link(mcu_type)
        return self.wanted[mcu_type]

    def adopt(self, relay: Relay) -> None:
        """A command was sent before a restart."""
        self.link(relay.mcu_type).queue.adopt(relay)
        self.wanted[relay.mcu_type].adopt(relay)

    def go_on(self, *, now: float) -> None:
        """After a restart: tell every MCU of before of the conference."""
        for link in self.links.values():
            link.go_on(now=now)

    def claimed(self, epoch: int | None, *, now: float) -> None:
        """Our claim to the conference has this epoch from now on; None: a higher one cannot be had."""
        if epoch is not None:
            self.claim.epoch = epoch
        for link in self.links.values():
            if epoch is not None:
                link.claimed(now=now)
            else:
                link.not_claimed(now=now)

    def suspect(self, mcu_id: str, *, now: float) -> None:
        """Ask an MCU for its part now: whoever runs it says that it may be gone. Its answer, or none, shows it."""
        for link in self.links.values():
            if link.address is not None and link.address.mcu_id == mcu_id:
                link.resynchronise(now=now)

    def next_timeout(self) -> float | None:
        """When an MCU is asked for its part."""
        first: float | None = None
        for kind, link in self.links.items():
            first = first_due(first, self._next_check(kind, link), self.wanted[kind].due)
        return first

    def handle_timeout(self, *, now: float) -> None:
        """Ask MCUs that were silent for their part: the answer, or none, shows how they are."""
        for kind, link in self.links.items():
            due = self._next_check(kind, link)
            if due is not None and due <= now:
                link.resynchronise(now=now)
            self.wanted[kind].handle_timeout(now=now)

    def _next_check(self, mcu_type: str, link: McuLink) -> float | None:
        return link.next_check(has_participants=self._roster.has_holders(mcu_type))

    # From MCUs -------------------------------------------------------------------------------------------------------

    def receive(self, document: Notify | Response, *, peer: str, now: float) -> Reply:
        """A notification, or a late response, that was posted to the callback URL by `peer`."""
        link = self._named(document.from_)
        if link is None:
            return Reply(404)
        if not link.assigned.trusts(peer, document.assignment if isinstance(document, Notify) else None):
            # An MCU that was given up may have come back; anybody else is not allowed here.
            return Reply(404) if link.assigned.turn_away(peer, now=now) else Reply(403)
        link.heard(now=now)
        if isinstance(document, Response):
            link.late_response(document, now=now)
        else:
            self._notified(link, document.conference_info, now=now)
        return Reply(200)

    def _named(self, uri: str) -> McuLink | None:
        """The link of an MCU-Conference-URI; it is not taken apart where it is spelt as we spell it."""
        same = (link for link in self.links.values() if link.mcu_uri == uri)
        return next(same, None) or self.links.get(mcu_type_of(uri) or "")

    def _notified(self, link: McuLink, document: ConferenceInfo, *, now: float) -> None:
        part = self._part(link.mcu_type)
        verdict = part.receive(document)
        if verdict is Verdict.APPLIED:
            self._merge(link.mcu_type, part, now=now)
            if part.changed is None:
                self.wanted[link.mcu_type].compare(locked=self.locked, asked=False, now=now)
            self.wanted[link.mcu_type].noticed(now=now)
        elif verdict in (Verdict.GAP, Verdict.RESET):
            # What looks like a new beginning may be a document that took its time: the answer shows which.
            link.resynchronise(now=now)
        elif verdict is Verdict.DELETED:
            link.mark_lost("it dropped the conference", dropped=True, now=now)

    def _part(self, mcu_type: str) -> McuPart:
        part = self._parts.get(mcu_type)
        if part is None:
            part = self._parts[mcu_type] = McuPart(self._roster.address)
        return part

    def _state(self, mcu_type: str) -> EntityState | None:
        """The settings that an MCU says it has."""
        info, address = self._part(mcu_type).info, self._views[mcu_type]
        views = info.conference_view.views if info is not None and info.conference_view is not None else ()
        return next((one.entity_state for one in views if address.is_named_by(one.entity)), None)

    def _merge(self, mcu_type: str, part: McuPart, *, now: float) -> None:
        config = self._context.config
        merge = Merge(
            mcu_type=mcu_type,
            view=self._views[mcu_type],
            role_of=self._commands.role_dialled,
            is_leaving=self.wanted[mcu_type].is_leaving,
            max_users=config.max_users,
            max_endpoints=config.max_endpoints_per_user,
            keyed_wrong=lambda endpoint, count: self._commands.arrivals.keyed_wrong(endpoint, count, now=now),
        )
        for user in merge.into(self._roster, part):
            if not self.wanted[mcu_type].is_leaving(user.key):
                self._put_out(mcu_type, user, now=now)

    def _put_out(self, mcu_type: str, user: AddressOfRecord, *, now: float) -> None:
        """Have an MCU end what it has of a user."""
        keys = UserKeys(conf_entity=self._roster.focus_uri, user_entity=user.text)
        relay = Relay(
            request_id=self._context.exchanges.new_request_id(),
            mcu_type=mcu_type,
            command=DeleteUser(user_keys=keys),
            correlation=self._context.correlations.token(8),
        )
        self._commands.submit(relay, now=now)

    # Owner of the links ----------------------------------------------------------------------------------------------

    def describe_for(self, mcu_type: str) -> ConferenceInfo:
        """What an MCU has to know of the conference (docs/commands.rst)."""
        description = self._roster.description
        address = self._views[mcu_type].text
        entry = UriEntry(uri=address, display_text=mcu_type, purpose=mcu_type)
        settings = self.wanted[mcu_type].state(locked=self.locked)
        view = EntityView(entity=address, state=State.FULL, entity_state=settings)
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

    def mcu_ready(self, mcu_type: str, address: McuAddress, info: ConferenceInfo | None, *, now: float) -> None:
        """An MCU is bootstrapped: its view appears."""
        part = self._part(mcu_type)
        # Its first notification may have overtaken this answer.
        verdict = part.begin(info) if info is not None else Verdict.IGNORED
        if verdict is Verdict.APPLIED:
            self._merge(mcu_type, part, now=now)
        elif verdict is Verdict.GAP:
            self.links[mcu_type].resynchronise(now=now)
        self.wanted[mcu_type].compare(locked=self.locked, now=now)
        self._context.emit(
            McuAssigned(
                owner=self._context.config.owner,
                conference_uri=self._roster.focus_uri,
                mcu_type=mcu_type,
                mcu_id=address.mcu_id,
            )
        )

    def mcu_lost(self, mcu_type: str, address: McuAddress, reason: str, *, now: float) -> None:
        """An MCU failed: all that it owned goes (docs/design-decisions.rst)."""
        self._parts.pop(mcu_type, None)
        participants = take_off(self._roster, mcu_type, self._views[mcu_type])
        self.wanted[mcu_type].mcu_lost(now=now)
        self._context.emit(
            McuLost(
                owner=self._context.config.owner,
                conference_uri=self._roster.focus_uri,
                mcu_type=mcu_type,
                mcu_id=address.mcu_id,
                reason=reason,
                participants=participants,
            )
        )

    def mcu_silent(self, mcu_type: str) -> None:
        """An MCU let a time-out pass. Who is shown on it stays for now, and whoever looks after it should know."""
        address = self.links[mcu_type].address
        assert address is not None  # it was asked
        self._context.emit(
            McuSilent(
                owner=self._context.config.owner,
                conference_uri=self._roster.focus_uri,
                mcu_type=mcu_type,
                mcu_id=address.mcu_id,
                participants=sum(1 for _ in self._roster.holders(mcu_type)),
            )
        )

    def no_mcu(self, mcu_type: str, failure: Failure, *, now: float) -> None:
        """None can be had: what waited for one has failed."""
        self.wanted[mcu_type].no_mcu(failure, now=now)

    def may_send(self, mcu_type: str, command: Command) -> bool:
        """Whether a command may go out now."""
        return self.wanted[mcu_type].may_send(command)

    def mcu_part_replaced(self, mcu_type: str, info: ConferenceInfo, *, now: float) -> None:
        """The MCU's whole part after a gap."""
        part = self._part(mcu_type)
        verdict = part.answered(info)
        if verdict is Verdict.APPLIED:
            self._merge(mcu_type, part, now=now)
            self.wanted[mcu_type].compare(locked=self.locked, now=now)
        elif verdict is Verdict.GAP:
            self.links[mcu_type].resynchronise(now=now)
        else:
            reason = "its versions began again" if verdict is Verdict.RESET else "its state cannot be read"
            self.links[mcu_type].mark_lost(reason, now=now)
