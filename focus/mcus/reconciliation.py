"""What the Focus wants of one MCU is compared with what the MCU has, whenever either was out of reach.

An intent (`focus.mcus.intent`) is a command that may be carried out twice, kept until the MCU agrees: by its answer, or
by its whole state. What belongs to the conference (lock, rules, announcements) is kept for as long as the conference
lasts, and goes to the next MCU; what belongs to one stream, for as long as the stream is there.

An exchange that brought no answer ends nothing. Its relay is in doubt, and the MCU is asked for its part at once. Where
that shows what is wanted, the command has succeeded; where it does not, the command goes out once more, and so on with
a growing wait between, until the MCU agrees or is given up. A relay in doubt still ends in time, with failure, but what
it wanted does not. An addUser is not repeated, since the phone may be ringing: it fails where the MCU does not have its
endpoint, else it waits for its answer as before.

Who is to go is shown as ``disconnecting`` until it is gone, whatever the MCU says of it, and is not called again before
that: deleteUser names a user, so that it would hit who has just come back.

An MCU that is given up has nobody any more, so who was to go is gone. Streams are gone too; that they were muted by
name is remembered for the next call of their user.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from c3p import (
    AddUser,
    Code,
    Command,
    ConferenceKeys,
    EntityState,
    Exchanges,
    Media,
    ModifyConferenceLock,
    ModifyEndpointMedia,
    Reason,
    Response,
)
from focus.exchange_owner import ConferenceExchangeOwner
from focus.mcus.doubted_calls import DoubtedCalls
from focus.mcus.intent import (
    ANNOUNCEMENTS,
    FILTERS,
    GONE,
    LOCK,
    MEDIA,
    OF_THE_CONFERENCE,
    Intent,
    IntentInput,
    IntentState,
    Key,
    is_about_nobody,
    is_muting,
    key_of,
    settings_wanted,
    shown_in,
)
from focus.mcus.link import McuLink
from focus.mcus.muted import MutedUsers
from focus.mcus.relay import CommandOwner, Failure, Relay, RelayInput, RelayState, success_of
from focus.mcus.roster_part import McuPart
from sip import AddressOfRecord

#: Seconds before an MCU is asked a second time; doubles, as notifications do the other way (docs/design-decisions.rst).
_WAIT_FIRST: Final = 1.0
_WAIT_LONGEST: Final = 30.0


class Reconciliation:
    """The intents for the MCU of one media type; between its link and the open commands."""

    def __init__(
        self,
        *,
        mcu_type: str,
        link: Callable[[], McuLink],
        part: Callable[[], McuPart],
        state: Callable[[], EntityState | None],
        commands: CommandOwner,
        exchanges: Exchanges[ConferenceExchangeOwner],
        limit: int,
        muted: int,
    ) -> None:
        self._mcu_type = mcu_type
        self._link, self._part, self._settings = link, part, state
        self._commands = commands
        self._exchanges = exchanges
        self._limit, self._most_muted = limit, muted
        self._intents: dict[Key, Intent] = {}
        self._calls = DoubtedCalls(commands, lambda relay: link().queue.abandon(relay))
        self._muted = MutedUsers()
        self.due: float | None = None  #: when the MCU is asked for its part
        self._wait = 0.0  #: seconds, before it is asked the next time

    # What is wanted --------------------------------------------------------------------------------------------------

    def is_leaving(self, user: str) -> bool:
        """Whether a user (key) must not be on the MCU, and may still be."""
        return (GONE, user) in self._intents

    def may_send(self, command: Command) -> bool:
        """Whether a command may go out now: who is being put out is not brought in before it is out."""
        if not self._intents or not isinstance(command, AddUser):
            return True
        return not self.is_leaving(AddressOfRecord.read(command.user.entity).key)

    def state(self, *, locked: bool) -> EntityState:
        """The settings that an MCU is told of in the beginning."""
        rules, said = self._intents.get((FILTERS,)), self._intents.get((ANNOUNCEMENTS,))
        wanted = [one.command for one in (rules, said) if one is not None]
        return settings_wanted(wanted, locked=locked)

    def begin(self, relay: Relay, *, seen: bool) -> bool:
        """A command is about to be sent: what it wants is kept; False where there is no room for that.

        ``seen``: the MCU has the user whom it names.
        """
        command = relay.command
        if isinstance(command, AddUser):
            self._muted.mute(relay)
        key = key_of(command)
        intent = self._intents.get(key) if key is not None else None
        if key is None or (intent is not None and intent.carrier == relay.request_id):
            return True
        if intent is None:
            if not self._make_room(key):
                return False
            intent = self._intents[key] = Intent(key, command)
        elif intent.state is IntentState.AGREED:
            intent.before = intent.command
        intent.life.follow(IntentInput.COMMANDED)
        intent.command, intent.carrier, intent.seen = command, relay.request_id, intent.seen or seen
        intent.originator, intent.originator_role = relay.originator, relay.originator_role
        intent.correlation = relay.correlation
        intent.relays.append(relay)
        return True

    def _make_room(self, key: Key) -> bool:
        """Whether one more is kept. Roles give way: the roster has them too. Of the conference there are three at most.

        That somebody is muted stands nowhere else: it would end with the MCU, and nobody would be told.
        """
        stream = key[0] == MEDIA
        most, away = (self._most_muted, len(self._muted.filters)) if stream else (self._limit, 0)
        if key[0] in OF_THE_CONFERENCE or len(self._intents) + away < most:
            return True
        alike = [one for one in self._intents.values() if (one.kind == MEDIA) is stream]
        if len(alike) + away < most:
            return True
        less = (one for one in alike if one.state is IntentState.AGREED and one.kind not in OF_THE_CONFERENCE)
        oldest = next((one for one in less if not is_muting(one.command)), None)
        return oldest is not None and self._intents.pop(oldest.key) is oldest

    # After a restart -------------------------------------------------------------------------------------------------

    @property
    def intents(self) -> dict[Key, Intent]:
        """What is wanted, to be written; what was, to be put in."""
        return self._intents

    @property
    def muted(self) -> dict[tuple[str, ...], Media]:
        """The filters of streams whose MCU is lost; written and put in likewise."""
        return self._muted.filters

    def adopt(self, relay: Relay) -> None:
        """A command was sent before: what the MCU has, or its answer, shows what became of it."""
        intent = self._intent_of(relay)
        if intent is not None:
            intent.relays.append(relay)
            relay.process(RelayInput.UNANSWERED)
        elif isinstance(relay.command, AddUser):
            self._calls.expect(relay)

    # What becomes of commands: the owner of relays, for the link -----------------------------------------------------

    def relay_pending(self, relay: Relay, response: Response | None, *, now: float) -> None:
        """The MCU works on it."""
        self._calls.forget(relay)
        self._commands.relay_pending(relay, response, now=now)

    def relay_answered(self, relay: Relay, response: Response, *, now: float) -> None:
        """The MCU's final answer."""
        intent = self._intent_of(relay)
        succeeded = response.code is Code.SUCCESS
        if intent is not None and intent.kind == GONE and not succeeded:
            # There is nobody of that name, or it must not: what the MCU has decides, and not why it refuses.
            self._doubt(relay, intent, now=now)
            return
        self._calls.forget(relay)
        if isinstance(relay.command, AddUser) and succeeded:
            for back in self._muted.come_back(relay.command):
                if self._make_room(back.key):
                    self._intents.setdefault(back.key, back)
        self._end(relay, response, intent, now=now)
        if intent is not None and intent.carrier == relay.request_id:
            if succeeded:
                intent.life.follow(IntentInput.ANSWERED)
                self._agreed(intent, now=now)
            else:
                self._take_back(intent, Failure(Reason.REQUEST_CANCELLED), now=now)

    def relay_failed(self, relay: Relay, failure: Failure, *, now: float) -> None:
        """No answer. What may have been carried out, or can still be, is in doubt; the rest has failed."""
        intent, there = self._intent_of(relay), self._link().address is not None
        if intent is not None and there:
            self._doubt(relay, intent, now=now)
        elif intent is not None and intent.kind == GONE:
            self._end(relay, self._success(relay), intent, now=now)  # there is no MCU, and nobody on it
            self._intents.pop(intent.key, None)
        elif intent is not None and intent.kind in OF_THE_CONFERENCE and relay.state is not RelayState.BOOTSTRAPPING:
            relay.process(RelayInput.UNANSWERED)  # the next MCU is told of it
            self._commands.relay_doubted(relay, now=now)
        elif there and self._calls.doubt(relay):
            self._ask(now=now)
        else:
            self._fail(relay, failure, intent, now=now)
            if intent is not None and intent.carrier == relay.request_id:
                self._take_back(intent, failure, now=now)

    def given_up(self, relay: Relay, *, now: float) -> None:
        """A command ended for who waited for it. What it wanted goes on."""
        self._link().queue.abandon(relay)
        self._calls.forget(relay)
        intent = self._intent_of(relay)
        if intent is not None:
            if relay in intent.relays:
                intent.relays.remove(relay)
            if intent.carrier == relay.request_id and intent.life.follow(IntentInput.UNANSWERED):
                self._ask(now=now)

    def close(self) -> None:
        """The conference is over: nothing is wanted any more."""
        self._intents.clear()
        self.due = None

    def _intent_of(self, relay: Relay) -> Intent | None:
        key = key_of(relay.command)
        intent = self._intents.get(key) if key is not None else None
        ours = intent is not None and (intent.carrier == relay.request_id or relay in intent.relays)
        return intent if ours else None

    def _doubt(self, relay: Relay, intent: Intent, *, now: float) -> None:
        if intent.carrier == relay.request_id:
            intent.life.follow(IntentInput.UNANSWERED)
        if relay.parent is None:
            self._fail(relay, Failure(Reason.TIMEOUT), intent, now=now)
        else:
            relay.process(RelayInput.UNANSWERED)
            self._commands.relay_doubted(relay, now=now)
        self._ask(now=now)

    def _end(self, relay: Relay, response: Response, intent: Intent | None, *, now: float) -> None:
        self._leave(relay, intent)
        relay.process(RelayInput.MCU_FINAL)
        self._commands.relay_answered(relay, response, now=now)

    def _fail(self, relay: Relay, failure: Failure, intent: Intent | None = None, *, now: float) -> None:
        self._leave(relay, intent)
        relay.process(RelayInput.MCU_FAILED)
        self._commands.relay_failed(relay, failure, now=now)

    def _leave(self, relay: Relay, intent: Intent | None) -> None:
        self._link().queue.abandon(relay)
        if intent is not None and relay in intent.relays:
            intent.relays.remove(relay)

    def _agreed(self, intent: Intent, *, now: float) -> None:
        """The MCU has it: whoever waited for that is told."""
        for relay in list(intent.relays):
            self._end(relay, self._success(relay), intent, now=now)
        intent.before = None
        if intent.kind == GONE:
            self._gone(intent, now=now)

    def _gone(self, intent: Intent, *, now: float) -> None:
        if intent.seen and not shown_in(intent, self._part(), None):
            # It says so, and its state does not yet: the intent ends with the state.
            intent.life.follow(IntentInput.UNANSWERED)
            self._wait = max(self._wait, _WAIT_FIRST)
            self._ask(now=now)
        else:
            self._intents.pop(intent.key, None)
            self._link().send_next(now=now)

    def _take_back(self, intent: Intent, failure: Failure, *, now: float) -> None:
        """It is not to be had: what the MCU had before is wanted again."""
        for relay in list(intent.relays):
            self._fail(relay, failure, intent, now=now)
        if intent.before is None:
            self._intents.pop(intent.key, None)
        else:
            intent.command, intent.before, intent.carrier = intent.before, None, None
            intent.life.follow(IntentInput.ANSWERED)

    def _success(self, relay: Relay) -> Response:
        link = self._link()
        return success_of(relay, from_=link.mcu_uri, to=link.focus_uri)

    # What the MCU has: comparing -------------------------------------------------------------------------------------

    def compare(self, *, locked: bool, asked: bool = True, now: float) -> None:
        """The whole part of the MCU is known: what is not as it is wanted is commanded once more.

        ``asked``: it is the answer to a question, and so not from before a command that got no answer.
        """
        part, state = self._part(), self._settings()
        if asked:
            self.due = None
            self._calls.settle(part, now=now)
        if state is not None and state.locked not in (None, locked) and (LOCK,) not in self._intents:
            self._want_lock(locked)
        missed = [one for one in list(self._intents.values()) if self._is_missed(one, part, state, now=now)]
        for intent in missed:
            self._command_again(intent, now=now)
        if not missed:
            self._wait = 0.0

    def noticed(self, *, now: float) -> None:
        """The MCU notified: who was there and is to go may be gone."""
        part = self._part()
        for intent in [one for one in self._intents.values() if one.kind == GONE and one.seen]:
            if intent.state is IntentState.DOUBTED and self._is_gone(intent, part):
                intent.life.follow(IntentInput.SHOWN)
                self._agreed(intent, now=now)

    def _is_missed(self, intent: Intent, part: McuPart, state: EntityState | None, *, now: float) -> bool:
        if intent.state is IntentState.SENT:
            return False  # its answer is still to come
        if is_about_nobody(intent, part):
            del self._intents[intent.key]
            for relay in list(intent.relays):
                self._fail(relay, Failure(Reason.OTHER_FAILURE), intent, now=now)
            return False
        shown = self._is_gone(intent, part) if intent.kind == GONE else shown_in(intent, part, state)
        if shown or (shown is None and intent.state is IntentState.AGREED):
            if intent.life.follow(IntentInput.SHOWN):
                self._agreed(intent, now=now)
            return False
        return True

    def _is_gone(self, intent: Intent, part: McuPart) -> bool:
        # Somebody whom the MCU was told to call may be on the way into it, and not be shown yet.
        return bool(shown_in(intent, part, None)) and not self._link().queue.is_calling(intent.key[1])

    def _want_lock(self, locked: bool) -> None:
        keys = ConferenceKeys(conf_entity=self._link().focus_uri)
        command = ModifyConferenceLock(conference_keys=keys, locked=locked)
        intent = self._intents[LOCK,] = Intent((LOCK,), command)
        intent.life.follow(IntentInput.UNANSWERED)

    def _command_again(self, intent: Intent, *, now: float) -> None:
        if self._intents.get(intent.key) is not intent:
            return  # what was sent before it has ended it
        intent.life.follow(IntentInput.MISSED)
        intent.carrier = self._exchanges.new_request_id()
        relay = Relay(
            request_id=intent.carrier,
            mcu_type=self._mcu_type,
            command=intent.command,
            originator=intent.originator,
            originator_role=intent.originator_role,
            correlation=intent.correlation,
        )
        self._commands.submit(relay, now=now)

    # When the MCU is asked, and when it is gone ----------------------------------------------------------------------

    def handle_timeout(self, *, now: float) -> None:
        """Ask it, and again later should that bring nothing."""
        if self.due is not None and self.due <= now:
            self._wait = min(max(2 * self._wait, _WAIT_FIRST), _WAIT_LONGEST)
            self.due = now + self._wait
            self._link().resynchronise(now=now)

    def _ask(self, *, now: float) -> None:
        if self.due is None:
            self.due = now + self._wait
            self.handle_timeout(now=now)

    def mcu_lost(self, *, now: float) -> None:
        """The MCU was given up, and with it everybody who was on it."""
        self.due, self._wait = None, 0.0
        for intent in list(self._intents.values()):
            if intent.kind in OF_THE_CONFERENCE:
                intent.life.follow(IntentInput.MCU_LOST)
                continue
            del self._intents[intent.key]
            if isinstance(intent.command, ModifyEndpointMedia):
                self._muted.remember(intent.key[1:], intent.command)
            for relay in list(intent.relays):
                if intent.kind == GONE:
                    self._end(relay, self._success(relay), intent, now=now)
                elif relay.state is not RelayState.BOOTSTRAPPING:
                    self._fail(relay, Failure(Reason.TIMEOUT), intent, now=now)
        self._calls.settle(None, now=now)

    def no_mcu(self, failure: Failure, *, now: float) -> None:
        """No MCU can be had: what was in doubt has failed, and is not wanted of the next one either."""
        for intent in [one for one in self._intents.values() if one.relays and one.state is IntentState.DOUBTED]:
            self._take_back(intent, failure, now=now)
