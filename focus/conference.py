"""One active conference: who is in it, what its MCUs say, who is told of it, and how it ends.

A record lies in a store and does nothing. The first join makes it active, and a `Conference` is that activation; the
record outlives it. Everything that happens takes two steps. First one of the parts acts:

* `participants`: the Focus dialogs. INVITE with addUser begins one, BYE, a lost connection or an ejection ends it.
* the open commands: each INFO is refused, done at once, or accepted with 202 and ended by one later INFO.
* the MCUs: links and relays, see `focus.mcus`.
* `notifier`: the subscriptions. A subscription lives as long as its user has a Focus dialog, not longer.

None of them tells the others what it did; each changes the `roster`, the one state that all share. Then `settle` looks
at it once: it takes the changes since the last time as one document with the next version, sends it to every
subscriber, and ends the conference when nobody is in it, nothing is in the roster and no command is open. So one step
is one document, however much it changed, and a step that changed nothing sends nothing.

Crossings. A device that joins again takes the place of its old dialog, which is ended after the new one is in, so that
its user never leaves the roster. A dialog whose connection is lost stays for some time, in case the client comes back.
A requester may be gone when an MCU answers: the command goes on, its result is dropped. Who is ejected gets a last
document that shows it, although an MCU may still have to drop it. A BYE that crosses ours finds the dialog gone.

An activation ends when it is empty, at a presenter's deleteConference, when its record expires or is deleted, or when
no authenticated participant has been there for a time: those whom an MCU called do not keep a conference alive.
"""

from __future__ import annotations

import attrs

from c3p import (
    DeleteUser,
    EntityState,
    EntityView,
    JoiningMethod,
    Notify,
    Reply,
    Response,
    UserKeys,
)
from focus.answers import Answer
from focus.arrivals import callers_in
from focus.commands.open_commands import OpenCommands
from focus.commands.plan import Facts
from focus.context import Context
from focus.durable.unsaved import Unsaved
from focus.events import (
    ConferenceEnded,
    EndReason,
    ParticipantJoined,
    ParticipantLeft,
    RosterPublished,
)
from focus.identity import is_authenticated
from focus.join import Join
from focus.mcus.claim import Claim
from focus.mcus.mcus import Mcus
from focus.mcus.relay import ClientCommand, Relay
from focus.notifier import Notifier
from focus.participant import Participant
from focus.participants import Participants
from focus.policy import ATTENDEE, Admission, Requester
from focus.policy import AdmissionVerdict as Admitted
from focus.questions.procedure import Steps, Turn
from focus.records import ConferenceRecord
from focus.roster import Changes, Roster
from focus.roster_document import description_of
from sip import (
    AddressOfRecord,
    ConferenceAddress,
    EndCause,
    InviteReceived,
    RequestReceived,
    SessionId,
    SubscribeReceived,
    first_due,
)


class Conference:
    """The activation of one record."""

    def __init__(
        self, context: Context, *, address: ConferenceAddress, record: ConferenceRecord, epoch: int = 0, now: float
    ) -> None:
        self.address = address
        self.key = address.key
        self.record = record
        self.focus_uri = record.focus_uri
        self.locked = False
        self.ended = False
        self.unsaved: Unsaved | None = None  #: what changed of it; None where nobody writes it
        self._context = context
        self.roster = Roster(address=address, description=description_of(record))
        self.participants = Participants(context, self.roster)
        self.notifier = Notifier(context.endpoint, self.roster)
        self.commands = OpenCommands(context, self)
        self.claim = Claim(epoch)
        self.mcus = Mcus(context, self.roster, self.commands, self.claim)
        self.unattended_until: float | None = None
        self._expires_at = self._monotonic(record.expires_at)
        self._show_lock()

    # Dialogs ---------------------------------------------------------------------------------------------------------

    def join(self, event: InviteReceived, join: Join, admission: Admission, *, now: float) -> None:
        """Let somebody in, or into the lobby. Raises Refused when it is full."""
        self.participants.check_capacity(join)
        replaced = self.participants.replaced_by(join)
        joined = self.participants.join(event, join, admission, now=now)
        for participant in replaced:
            if participant.absent:
                self.commands.moved(participant, joined)
            self.participants.dismiss(participant, now=now)
            self._gone(participant.session, "replaced", now=now)
        self._context.emit(
            ParticipantJoined(
                owner=self._context.config.owner,
                conference_uri=self.focus_uri,
                user=join.user.text,
                role=admission.role,
                in_lobby=admission.verdict is Admitted.LOBBY,
            )
        )

    def left(self, session: SessionId, cause: str, *, now: float) -> None:
        """A Focus dialog ended; one that a restart has left behind, and nobody knows, leaves its place."""
        absent = self.participants.left_behind(session, now=now) if cause == EndCause.DIALOG_GONE.value else None
        if absent is not None:
            self.commands.moved(*absent)
        else:
            self._gone(session, cause, now=now)

    def _gone(self, session: SessionId, cause: str, *, now: float, ejected: bool = False) -> None:
        participant = self.participants.leave(session)
        if participant is None:
            return
        self.commands.dialog_gone(participant)
        if not self.participants.of_user(participant.user.key):
            last_word = self._own_removal(participant) if ejected else None
            reason = "rejected" if ejected else "noresource"
            self.notifier.end_user(participant.user.key, reason, last_word, now=now)
            self._drop_dialled_in(participant, now=now)
        owner, user = self._context.config.owner, participant.user.text
        self._context.emit(ParticipantLeft(owner=owner, conference_uri=self.focus_uri, user=user, cause=cause))

    def _own_removal(self, participant: Participant) -> Changes:
        # What an ejected client needs to see is that it is no longer there, even if an MCU still has to drop it.
        return Changes(version=self.roster.version, removed_users=((participant.user.key, participant.user.text),))

    def _drop_dialled_in(self, participant: Participant, *, now: float) -> None:
        """A user without a Focus dialog has no business on MCUs that it dialled into."""
        user = self.roster.find(participant.user)
        for mcu_type in self.mcus.linked if user is not None else ():
            held = list(user.of_type(mcu_type).values()) if user is not None else []
            if held and all(one.joining_method == JoiningMethod.DIALED_IN for one in held):
                keys = UserKeys(conf_entity=self.focus_uri, user_entity=participant.user.text)
                self.commands.relay(mcu_type, DeleteUser(user_keys=keys), now=now)

    def info(self, session: SessionId, event: RequestReceived, turn: Turn) -> Steps[None]:
        """A request with a command, in a Focus dialog."""
        transaction, request = event.transaction, event.request
        assert transaction is not None  # None is for transparent cores
        participant = self.participants.get(session)
        if participant is None:
            self._context.answer(transaction, Answer(481), now=turn.now)
            return
        self.participants.seen(session, event.flow)
        yield from self.commands.receive(participant, transaction, request, turn)

    # Subscriptions ---------------------------------------------------------------------------------------------------

    def subscribe(self, event: SubscribeReceived, *, user: str, expires: int, now: float) -> None:
        """Answer a SUBSCRIBE of a user who has a Focus dialog, with the whole state."""
        found = self.roster.users.get(user)
        self.notifier.accept(
            event.subscription,
            user=user,
            request=event.request,
            flow=event.flow,
            limited=found is None or found.in_lobby,
            expires=expires,
            now=now,
        )

    def subscribe_again(self, event: SubscribeReceived, *, expires: int, now: float) -> None:
        """A SUBSCRIBE in the dialog of a subscription prolongs or ends it."""
        if expires == 0 or event.subscription not in self.notifier:
            self.notifier.unsubscribed(event.subscription, now=now)
        else:
            user = self.notifier.user_of(event.subscription)
            self.subscribe(event, user=user, expires=expires, now=now)

    def end_subscription_of(self, user: str, event: SubscribeReceived, *, now: float) -> bool:
        """A SUBSCRIBE with Expires 0 in a dialog of its own ends the live subscription of its user and flow.

        RFC 6665 section 4.1.2.3 unsubscribes in the dialog; pidgin-sipe does it so. Without such a subscription it is a
        fetch (section 4.4.3), and False is returned.
        """
        live = [one for one in self.notifier.of_user(user) if one.flow == event.flow]
        for subscriber in live:
            self.notifier.end(subscriber, "timeout", now=now)
        if live:
            self._context.endpoint.accept_subscription(event.subscription, expires=0, now=now)
        return bool(live)

    # MCUs ------------------------------------------------------------------------------------------------------------

    def receive_c3p(self, document: Notify | Response, *, peer: str, now: float) -> Reply:
        """What an MCU posted."""
        return self.mcus.receive(document, peer=peer, now=now)

    def suspect_mcu(self, mcu_id: str, *, now: float) -> None:
        """An MCU may be gone; it is asked when it is one of this conference."""
        self.mcus.suspect(mcu_id, now=now)

    # What is written -------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Note what changes from now on, so that it can be written."""
        self.unsaved = self.roster.unsaved = self.notifier.unsaved = {}
        self.participants.keep(self.unsaved)

    def release(self) -> None:
        """It goes on elsewhere: do nothing more, and tell nobody."""
        self.ended = True
        self.mcus.release()
        self.commands.release()
        for participant in self.participants.all():
            self.participants.leave(participant.session)
        for subscriber in self.notifier:
            self.notifier.forget(subscriber.subscription)

    def claimed(self, epoch: int | None, *, now: float) -> None:
        """Our claim has another epoch from now on; None: a higher one is needed and cannot be had."""
        self.mcus.claimed(epoch, now=now)

    # For commands ----------------------------------------------------------------------------------------------------

    def facts_for(self, participant: Participant) -> Facts:
        """What a decision about a command of this participant depends on."""
        user = self.roster.find(participant.user)
        return Facts(
            record=self.record,
            roster=self.roster,
            requester=Requester(
                user=participant.user,
                role=user.role if user is not None else ATTENDEE,
                in_lobby=user is None or user.in_lobby,
            ),
            policy=self._context.config.policy,
            locked=self.locked,
            linked=self.mcus.linked,
            dialling=self.commands.dialling(),
        )

    @property
    def open_commands(self) -> int:
        """Commands that have not ended."""
        return len(self.commands)

    def role_of(self, participant: Participant) -> str:
        """What a sender may do now."""
        user = self.roster.find(participant.user)
        return user.role if user is not None else ATTENDEE

    def is_in(self, user: str) -> bool:
        """Whether somebody with that key is in the roster."""
        return user in self.roster.users

    def is_here(self, participant: Participant) -> bool:
        """Whether a dialog has not ended."""
        return self.participants.get(participant.session) is participant

    def submit(self, relay: Relay, *, now: float) -> None:
        """Send a command to the MCU of its type."""
        self.mcus.submit(relay, now=now)

    def adopt(self, relay: Relay) -> None:
        """A command was sent to an MCU before a restart."""
        self.mcus.adopt(relay)

    def give_up(self, relay: Relay, *, now: float) -> None:
        """Nobody waits for a command any more."""
        self.mcus.give_up(relay, now=now)

    def participant(self, command: ClientCommand) -> Participant | None:
        """The dialog that gets the result of a command."""
        return self.participants.get(command.session)

    def set_lock(self, locked: bool, admission_policy: str | None) -> None:
        """Lock or unlock it; a policy replaces that of the record for as long as it is active."""
        self.locked = self.mcus.locked = locked
        if admission_policy is not None:
            self.record = attrs.evolve(self.record, admission_policy=admission_policy)
            self.roster.set_description(description_of(self.record))
        self._show_lock()

    def _show_lock(self) -> None:
        self.roster.set_view(
            self.address, EntityView(entity=self.focus_uri, entity_state=EntityState(locked=self.locked))
        )

    def eject(self, user: AddressOfRecord, *, now: float) -> None:
        """End every Focus dialog of a user and forget commands that would call it."""
        self.commands.cancel_dial_outs(user.key, now=now)
        for participant in self.participants.of_user(user.key):
            self._gone(participant.session, "ejected", now=now, ejected=True)
            self.participants.dismiss(participant, now=now)

    def let_in(self, user: AddressOfRecord) -> None:
        """Take a user out of the lobby."""
        self.participants.let_in(user)

    # Life ------------------------------------------------------------------------------------------------------------

    def settle(self, *, now: float) -> None:
        """After every step: tell what changed, and see whether anybody is still here."""
        if self.ended:
            return
        self.commands.arrivals.look(self.roster, now=now)
        admitted = self._publish(now=now)
        if admitted:
            self._show_everything(now=now)
        if not self.participants and not self.roster.users and self.commands.idle:
            self.end(EndReason.EMPTY, now=now)
            return
        if any(map(is_authenticated, [one.user for one in self.participants.all()])) or callers_in(self.roster):
            self.unattended_until = None
        elif self.unattended_until is None:
            self.unattended_until = now + self._context.config.unattended_timeout

    def _publish(self, *, now: float) -> bool:
        changes = self.roster.take_changes()
        if changes is None:
            return False
        self.notifier.publish(changes, now=now)
        self._context.emit(
            RosterPublished(
                owner=self._context.config.owner,
                conference_uri=self.focus_uri,
                version=changes.version,
                subscribers=len(self.notifier),
            )
        )
        return True

    def _show_everything(self, *, now: float) -> None:
        for user in {one.user for one in self.notifier.limited()}:
            found = self.roster.users.get(user)
            if found is not None and not found.in_lobby:
                self.notifier.let_in(user, now=now)

    def record_modified(self, record: ConferenceRecord) -> None:
        """The organizer changed the record; who is here stays."""
        self.record = record
        self._expires_at = self._monotonic(record.expires_at)
        self.roster.set_description(description_of(record))

    def expired(self, now: float) -> bool:
        """Whether the time of the record is over."""
        return self._expires_at is not None and self._expires_at <= now

    def _monotonic(self, wall_clock: float | None) -> float | None:
        return None if wall_clock is None else wall_clock - self._context.endpoint.wall_clock

    def end(self, reason: EndReason, *, by: ClientCommand | None = None, now: float) -> None:
        """The activation is over; the record stays."""
        self.ended = True
        self.notifier.end_all(now=now)
        self.mcus.close(now=now)
        self.commands.close(by=by, now=now)
        for participant in self.participants.all():
            self.participants.leave(participant.session)
            self.participants.dismiss(participant, now=now)
        self._context.emit(
            ConferenceEnded(owner=self._context.config.owner, conference_uri=self.focus_uri, reason=reason)
        )

    def next_timeout(self) -> float | None:
        """When something is due."""
        return first_due(
            self.unattended_until,
            self._expires_at,
            self.participants.next_timeout(),
            self.notifier.next_timeout(),
            self.commands.next_timeout(),
            self.mcus.next_timeout(),
        )

    def handle_timeout(self, *, now: float) -> None:
        """Do what is due."""
        self.commands.handle_timeout(now=now)
        self.mcus.handle_timeout(now=now)
        self.notifier.handle_timeout(now=now)
        for participant in self.participants.due(now):
            self._gone(participant.session, "connection lost", now=now)
            self.participants.dismiss(participant, now=now)
        if self.expired(now):
            self.end(EndReason.EXPIRED, now=now)
        elif self.unattended_until is not None and self.unattended_until <= now:
            self.end(EndReason.UNATTENDED, now=now)
