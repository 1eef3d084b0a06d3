"""Commands of clients: checked, answered at once or with 202, relayed to MCUs, and ended exactly once."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Final, TypeVar

import attrs

from c3p import DEFAULT_LIMITS, Code, Command, Reason, Request, Response
from focus import refusal
from focus.answers import ACCEPTED, Answer
from focus.arrivals import Arrivals
from focus.commands import reports
from focus.commands.activation import ActiveConference
from focus.commands.checks import check_ends
from focus.commands.plan import DialOut, Plan, Postponed
from focus.commands.requests import asks_nothing, read_request
from focus.commands.results import failed, send_result, success, translated
from focus.commands.room import Room
from focus.commands.table import plan
from focus.context import Context
from focus.mcus.relay import ClientCommand, Failure, Relay, RelayInput, RelayState
from focus.participant import Participant
from focus.policy import ATTENDEE, Decision
from focus.questions.procedure import Steps, Turn, decided
from focus.refusal import Refused
from sip import Request as SipRequest
from sip import TransactionId, first_due

Timed = TypeVar("Timed", Relay, ClientCommand)
_DEADLINE: Final = attrgetter("deadline")


class OpenCommands:
    """The open commands of one conference."""

    def __init__(self, context: Context, conference: ActiveConference) -> None:
        self._context = context
        self._conference = conference
        self._count = 0
        self.arrivals = Arrivals(context.guessed)
        self.open: dict[int, ClientCommand] = {}
        self.relays: dict[str, Relay] = {}
        self.room = Room(context, conference.roster, self.arrivals, self.relays)
        self.dialled: dict[int, DialOut] = {}  #: by number of the command that is having them called

    def __len__(self) -> int:
        return len(self.open)

    @property
    def idle(self) -> bool:
        """Whether nothing is open, and nobody expected."""
        return not self.open and not self.relays and not self.arrivals

    def role_dialled(self, user: str) -> str:
        """Role of a user whom an MCU brings in: that of the addUser under way, else attendee (MS-CONFBAS)."""
        roles = [one.role for one in self.dialled.values() if one.user.key == user]
        return roles[-1] if roles else ATTENDEE

    # A command arrives -----------------------------------------------------------------------------------------------

    def receive(
        self, participant: Participant, transaction: TransactionId, request: SipRequest, turn: Turn
    ) -> Steps[None]:
        """Take an INFO of a participant."""
        try:
            if asks_nothing(request):
                self._context.answer(transaction, Answer(200), now=turn.now)
                return
            document = read_request(request, DEFAULT_LIMITS)
            repeated = participant.remembered.get(document.request_id)
            if repeated is not None:
                self._context.answer(transaction, repeated, now=turn.now)
                return
            planned = yield from self._checked(participant, document, request)
            if planned is None:  # the dialog ended while the policy took its time
                self._context.answer(transaction, Answer(481), now=turn.now)
            else:
                self._carry_out(participant, transaction, document, planned, now=turn.now)
        except Refused as refused:
            answer = self._context.refuse("command", refused, request, participant.flow)
            if refused.document is not None and answer.status != 503:
                participant.remembered.put(refused.document.request_id, answer)
            self._context.answer(transaction, answer, now=turn.now)

    def _checked(self, participant: Participant, document: Request, request: SipRequest) -> Steps[Plan | None]:
        """What a command takes; None when its sender has gone meanwhile. Raises Refused."""
        check_ends(document, identity=participant.user, to=request.to.uri)
        facts = self._conference.facts_for(participant)
        while True:
            try:
                planned = plan(document, facts)
                break
            except Postponed as postponed:
                question, open_decision = postponed.question, postponed.pending
            try:
                decision: Decision = yield from decided(open_decision)
            except Refused as refused:
                raise Refused(refused.refusal, document) from None
            if not self._conference.is_here(participant):
                return None
            # Everything is looked at anew, since much may have changed; what was decided is one of the facts.
            facts = attrs.evolve(self._conference.facts_for(participant), decided=(question, decision))
        config = self._context.config
        brings_in = planned.dial_out.user.key if planned.dial_out is not None else None
        if self._context.draining and brings_in is not None and not self._conference.is_in(brings_in):
            raise Refused(refusal.DRAINING.after(config.drain_retry_after), document)
        if planned.for_mcus and (
            participant.open_commands >= config.max_commands_per_participant or len(self.open) >= config.max_commands
        ):
            raise Refused(refusal.BUSY, document)
        self.room.check_plan(planned, document)
        return planned

    def dialling(self) -> dict[str, frozenset[str]]:
        """Keys of users whom somebody is having called, and the MCU types that know of it already."""
        found: dict[str, frozenset[str]] = {}
        for number, one in self.dialled.items():
            told = {
                relay.mcu_type
                for relay in self._relays_of(self.open[number])
                if relay.state is not RelayState.BOOTSTRAPPING
            }
            found[one.user.key] = found.get(one.user.key, frozenset()) | told
        return found

    def _carry_out(
        self, participant: Participant, transaction: TransactionId, document: Request, planned: Plan, *, now: float
    ) -> None:
        command = self._new_command(participant, document, planned, now=now)
        if not planned.for_mcus and not planned.later:
            assert planned.effect is not None  # a plan does something
            carried = planned.effect.apply(self._conference, command, now=now)
            self._answer_now(command, carried, transaction, participant, now=now)
            return
        self._context.emit(reports.relayed(command, self._conference.focus_uri, owner=self._context.config.owner))
        self._context.answer(transaction, Answer(ACCEPTED), now=now)
        participant.remembered.put(document.request_id, Answer(ACCEPTED))
        participant.open_commands += 1
        self.open[command.number] = command
        if planned.dial_out is not None:
            self.dialled[command.number] = planned.dial_out
        if planned.effect is not None:
            planned.effect.apply(self._conference, command, now=now)
        for mcu_type, relayed in planned.for_mcus:
            self.relay(mcu_type, relayed, parent=command, participant=participant, now=now)
        if not planned.for_mcus and not command.done:
            self._finish(command, success(command), now=now)

    def _new_command(self, participant: Participant, document: Request, planned: Plan, *, now: float) -> ClientCommand:
        self._count += 1
        return ClientCommand(
            number=self._count,
            requester=participant.user.text,
            session=participant.session,
            request=document,
            correlation=self._context.correlations.token(8),
            received_at=now,
            waiting_for={mcu_type for mcu_type, _ in planned.for_mcus},
            everywhere=planned.everywhere,
            agreed=planned.agreed,
            deadline=now + self._time_for(planned) if planned.everywhere else None,
        )

    def _time_for(self, planned: Plan) -> float:
        return self._context.config.eject_timeout if planned.agreed else self._context.config.fan_out_timeout

    def _answer_now(
        self,
        command: ClientCommand,
        carried: Command | None,
        transaction: TransactionId,
        participant: Participant,
        *,
        now: float,
    ) -> None:
        command.done = True
        response = command.request.respond(Code.SUCCESS, command=carried) if carried else success(command)
        answer = Answer(200, bytes(response))
        participant.remembered.put(command.request.request_id, answer)
        self._context.answer(transaction, answer, now=now)
        self._context.emit(
            reports.finished(command, response, self._conference.focus_uri, owner=self._context.config.owner, now=now)
        )

    # Relaying --------------------------------------------------------------------------------------------------------

    def relay(
        self,
        mcu_type: str,
        command: Command,
        *,
        parent: ClientCommand | None = None,
        participant: Participant | None = None,
        now: float,
    ) -> None:
        """Send a command to the MCU of a type; without `parent` nobody waits for the result."""
        role = self._conference.role_of(participant) if participant is not None else None
        relay = Relay(
            request_id=self._context.exchanges.new_request_id(),
            mcu_type=mcu_type,
            command=command,
            parent=parent,
            originator=participant.user.text if participant is not None else None,
            originator_role=role,
            correlation=parent.correlation if parent is not None else None,
        )
        self.submit(relay, now=now)

    def submit(self, relay: Relay, *, now: float) -> None:
        """Send a command to its MCU; it ends in time."""
        relay.deadline = now + self._context.config.command_timeout
        self.relays[relay.request_id] = relay
        self._conference.submit(relay, now=now)

    def relay_pending(self, relay: Relay, response: Response | None, *, now: float) -> None:
        """The MCU works on it: its time begins anew, and so does the client's (docs/wire-flow.rst)."""
        relay.deadline = now + self._context.config.command_timeout
        relay.pendings += 1
        command = relay.parent
        # The first one says no more than our 202 did.
        if command is not None and relay.pendings > 1 and not command.done:
            self._tell(command, command.request.respond(Code.PENDING), now=now)

    def relay_doubted(self, relay: Relay, *, now: float) -> None:
        """It got no answer, and goes on: the client is to go on waiting as well (docs/wire-flow.rst)."""
        command = relay.parent
        if command is not None and not command.done:
            self._tell(command, command.request.respond(Code.PENDING), now=now)

    def relay_answered(self, relay: Relay, response: Response, *, now: float) -> None:
        """The MCU's final answer: the result of a command for one MCU, a contribution to one for all."""
        self._over(relay, response)
        if relay.unwanted is not None and response.code is Code.SUCCESS:
            relay.unwanted(now)
        command = relay.parent
        if command is None or command.done:
            return
        if command.everywhere:
            self._one_less(command, relay, now=now)
        else:
            until = now + self._context.config.arrival_timeout
            self.arrivals.announced(response, relay.mcu_type, until=until)
            self._finish(command, translated(response, command.request), now=now)

    def relay_failed(self, relay: Relay, failure: Failure, *, now: float) -> None:
        """No answer of an MCU."""
        self._over(relay, failure)
        command = relay.parent
        if command is None or command.done:
            return
        if command.everywhere and not command.agreed:
            self._one_less(command, relay, now=now)
        else:
            self._finish(command, failed(command, failure), now=now)

    def _over(self, relay: Relay, outcome: Response | Failure) -> None:
        self.relays.pop(relay.request_id, None)
        if relay.awaited:
            self._context.ended_relays.append((relay.request_id, outcome))

    def _one_less(self, command: ClientCommand, relay: Relay, *, now: float) -> None:
        command.waiting_for.discard(relay.mcu_type)
        if not command.waiting_for:
            self._finish(command, success(command), now=now)

    def cancel_dial_outs(self, user: str, *, now: float) -> None:
        """Somebody who was to be called is ejected: what has not reached an MCU yet never will."""
        for number in [number for number, one in self.dialled.items() if one.user.key == user]:
            command = self.open[number]
            for relay in self._relays_of(command):
                if relay.state is RelayState.BOOTSTRAPPING:
                    self._abandon(relay, now=now)
                    self._finish(command, failed(command, Failure(Reason.REQUEST_CANCELLED)), now=now)

    def _relays_of(self, command: ClientCommand) -> list[Relay]:
        return [one for one in self.relays.values() if one.parent is command]

    # Ends ------------------------------------------------------------------------------------------------------------

    def dialog_gone(self, participant: Participant) -> None:
        """The requester is gone: its commands go on, their results are dropped (docs/wire-flow.rst)."""
        for command in self.open.values():
            if command.session == participant.session:
                command.session = None

    def moved(self, before: Participant, to: Participant) -> None:
        """The requester has another dialog: that gets the results."""
        for command in self.open.values():
            if command.session == before.session:
                command.session = to.session

    def release(self) -> None:
        """All of it goes on elsewhere."""
        self.open.clear()
        self.relays.clear()
        self.dialled.clear()

    def resume(self, command: ClientCommand, dialled: DialOut | None) -> None:
        """A command was open before a restart; its relays follow."""
        self.open[command.number] = command
        self._count = max(self._count, command.number)
        if dialled is not None:
            self.dialled[command.number] = dialled

    def go_on(self, relay: Relay, *, sent: bool, now: float) -> None:
        """A relay was open before a restart: it is sent, or if the MCU may have it, waited for.

        Its time is that for one answer of the MCU, and the whole again when that shows that it works on it.
        """
        if sent:
            relay.deadline = now + self._context.config.http_timeout
            self.relays[relay.request_id] = relay
            self._conference.adopt(relay)
        else:
            self.submit(relay, now=now)

    def finish_lost(self, *, now: float) -> None:
        """After a restart: commands of which nothing is on its way end now."""
        for command in list(self.open.values()):
            if not self._relays_of(command):
                sure = command.everywhere and not command.agreed
                ended = success(command) if sure else failed(command, Failure(Reason.TIMEOUT))
                self._finish(command, ended, now=now)

    def close(self, *, by: ClientCommand | None, now: float) -> None:
        """The conference ends: what is open is cancelled. What the Focus did itself was done when it accepted it.

        An ejection is no success where an MCU does not even know of it.
        """
        known = {(relay.parent, relay.mcu_type) for relay in self.relays.values() if relay.state is RelayState.PENDING}
        for relay in list(self.relays.values()):
            self._abandon(relay, now=now)
        for command in list(self.open.values()):
            unknown = command.agreed and any((command, each) not in known for each in command.waiting_for)
            if command is by or (command.everywhere and not unknown):
                self._finish(command, success(command), now=now)
            else:
                self._finish(command, failed(command, Failure(Reason.REQUEST_CANCELLED)), now=now)

    def next_timeout(self) -> float | None:
        """When the next command or relay is given up, or a call will not come any more."""
        return first_due(
            self.arrivals.next_timeout(), *map(_DEADLINE, self.relays.values()), *map(_DEADLINE, self.open.values())
        )

    def handle_timeout(self, *, now: float) -> None:
        """Give up what MCUs did not answer in time."""
        for relay in _due(self.relays.values(), now):
            self._conference.give_up(relay, now=now)
            relay.process(RelayInput.TIMER)
            self.relay_failed(relay, Failure(Reason.TIMEOUT), now=now)
        for command in _due(self.open.values(), now):
            timed_out = failed(command, Failure(Reason.TIMEOUT))
            self._finish(command, timed_out if command.agreed else success(command), now=now)

    def _abandon(self, relay: Relay, *, now: float) -> None:
        self._conference.give_up(relay, now=now)
        relay.process(RelayInput.ABANDONED)
        self._over(relay, Failure(Reason.REQUEST_CANCELLED))

    def _finish(self, command: ClientCommand, response: Response, *, now: float) -> None:
        command.done = True
        del self.open[command.number]
        self.dialled.pop(command.number, None)
        participant = self._conference.participant(command)
        if participant is not None:
            participant.open_commands -= 1
            there = not participant.absent
            participant.remembered.put(command.request.request_id, Answer(200, bytes(response)), told=not there)
        delivered = self._tell(command, response, now=now)
        self._context.emit(
            reports.finished(
                command,
                response,
                self._conference.focus_uri,
                owner=self._context.config.owner,
                delivered=delivered,
                now=now,
            )
        )

    def _tell(self, command: ClientCommand, response: Response, *, now: float) -> bool:
        """Send a response to the requester; false when it is gone."""
        participant = self._conference.participant(command)
        if participant is None or participant.absent or self._context.endpoint.is_over(participant.session):
            return False
        key, of = self._conference.roster.address.key, command.request.request_id if response.final else None
        send_result(self._context, key, participant, bytes(response), of=of, now=now)
        return True


def _due(items: Iterable[Timed], now: float) -> list[Timed]:
    return [one for one in items if one.deadline is not None and one.deadline <= now]
