"""The link from one conference to its MCU of one media type: allocation, bootstrap, commands in order, failure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from c3p import AddConference, Code, ExchangeFailure, Exchanges, GetConference, Reason, Reply, Response
from focus.config import FocusConfig
from focus.exchange_owner import ConferenceExchangeOwner
from focus.mcus.address import McuAddress
from focus.mcus.farewells import Assignment, Farewells
from focus.mcus.link_exchange import LinkExchange
from focus.mcus.link_owner import LinkOwner
from focus.mcus.link_state import LINK, LinkInput, LinkState, Purpose
from focus.mcus.loss import Assigned
from focus.mcus.pulse import Pulse
from focus.mcus.relay import Failure, Relay, RelayInput, RelayOwner, final_response, outranking
from focus.mcus.relay_queue import RelayQueue
from focus.mcus.search import Search
from sip import Life

_GONE: Final = "The conferencing server is gone"


class McuLink:
    """One exchange at a time, in order (docs/c3p-over-http.rst). `owner` hears of the MCU, `relays` of commands."""

    def __init__(
        self,
        *,
        mcu_type: str,
        focus_uri: str,
        mcu_uri: str,
        config: FocusConfig,
        exchanges: Exchanges[ConferenceExchangeOwner],
        farewells: Farewells,
        owner: LinkOwner,
        relays: RelayOwner,
    ) -> None:
        self.mcu_type = mcu_type
        self.focus_uri = focus_uri
        self.mcu_uri = mcu_uri
        self.address: McuAddress | None = None
        self._config = config
        self._life = Life(LINK, LinkState.ABSENT, of="a link")
        self._exchange = LinkExchange(exchanges, self, mcu_uri=mcu_uri, claim=owner.claim, config=config)
        self._owner = owner
        self._relays = relays
        self.queue = RelayQueue(config.max_queued_per_mcu)
        self._sent: Relay | None = None
        self._closed = False
        self._resync_wanted = False
        self._outbid = False  #: whether a higher claim was asked for since the MCU took the last one
        self._farewells = farewells
        self.assigned = Assigned(farewells)
        self._search = Search(config)
        self._pulse = Pulse(config)

    @property
    def state(self) -> LinkState:
        """Where the link stands."""
        return self._life.state

    # What the conference asks ----------------------------------------------------------------------------------------

    def submit(self, relay: Relay, *, now: float) -> None:
        """Send a command as soon as the MCU is ready; it ends in `relay_answered` or `relay_failed`."""
        relay.process(RelayInput.AUTHORISED)
        wait = self._search.wait(now=now) if self.state is LinkState.FAILED else None
        if wait is not None:
            self._relays.relay_failed(relay, Failure(Reason.SERVER_BUSY).unserved(retry_after=wait), now=now)
        elif self.queue.is_full:
            self._relays.relay_failed(relay, Failure(Reason.SERVER_BUSY), now=now)
        else:
            self.queue.add(relay)
            self.ensure(now=now)
            self.send_next(now=now)

    def refuse(self, relay: Relay, *, now: float) -> None:
        """There is no room for what a command wants: it ends at once."""
        relay.process(RelayInput.AUTHORISED)
        self._relays.relay_failed(relay, Failure(Reason.SERVER_BUSY), now=now)

    def ensure(self, *, now: float) -> None:
        """Begin the bootstrap unless it is done or under way."""
        if self.state in (LinkState.ABSENT, LinkState.FAILED) and not self._closed:
            self._search.begin()
            self._life.command(LinkInput.NEEDED)
            self._allocate(now=now)
        elif not self._exchange.busy:
            self.go_on(now=now)

    def resynchronise(self, *, now: float) -> None:
        """Ask the MCU for its whole part of the conference, after a gap in its versions."""
        self._resync_wanted = True
        self.send_next(now=now)

    def heard(self, *, now: float) -> None:
        """The MCU said something."""
        self._pulse.heard(now=now)

    def next_check(self, *, has_participants: bool) -> float | None:
        """When the MCU is to be asked for its part without any other reason."""
        ready = self._life.state is LinkState.READY and not self._exchange.busy
        return self._pulse.next_check(has_participants=has_participants) if ready else None

    def close(self, *, now: float) -> None:
        """Tell the MCU that the conference is over, for good. Commands are the owner's to finish."""
        self.release()
        self._life.command(LinkInput.CLOSE)
        self.assigned.let_go(owed=True, now=now)

    def release(self) -> None:
        """Do nothing more, and tell nobody."""
        self._closed = True
        self.queue.clear()
        self._exchange.forget()

    def claimed(self, *, now: float) -> None:
        """There is a new claim: an MCU that obeys another is told."""
        waits = self.state in (LinkState.INITIALISING, LinkState.RESUMING) and not self._exchange.busy
        if waits and self.address is not None:
            self._initialise(self.address, now=now)

    def not_claimed(self, *, now: float) -> None:
        """There is none: an MCU that obeys another cannot be had for now. Whoever is on it stays there, and here."""
        if self.state is LinkState.RESUMING and not self._exchange.busy:
            self._outbid = False  # the next command asks again
            for relay in self.queue.pop_waiting():
                self._relays.relay_failed(relay, Failure(Reason.SERVER_BUSY), now=now)
        elif self.state is LinkState.INITIALISING and not self._exchange.busy:
            self.address = None
            self.assigned.let_go(owed=False, now=now)
            self._exhausted(Failure(Reason.SERVER_BUSY), now=now)

    def late_response(self, response: Response, *, now: float) -> None:
        """A response that the MCU posted to the callback URL."""
        relay = self.queue.sent(response.request_id)
        if relay is not None:
            self._take_response(relay, response, now=now)

    def mark_lost(self, reason: str, *, dropped: bool = False, empty: bool = False, now: float) -> None:
        """The assigned MCU failed: commands in flight fail, and another is looked for (`focus.mcus.loss`).

        ``dropped``: it does not have the conference, or not from us. ``empty``: it was started anew, and serves.
        """
        address = self.address
        if address is None or self.state not in (LinkState.READY, LinkState.RESUMING):
            return
        self._life.command(LinkInput.LOST)
        self.address, self._resync_wanted = None, False
        self.assigned.let_go(owed=not dropped, now=now)
        self._pulse.begin()
        self._exchange.forget()
        self._sent = None
        self._search.lost(address.mcu_id, serves=empty)
        self._owner.mcu_lost(self.mcu_type, address, reason, now=now)
        while relay := self.queue.pop_sent():  # what the end of one ends with it is not among them any more
            self._relays.relay_failed(relay, Failure(Reason.TIMEOUT, detail=_GONE), now=now)
        self.ensure(now=now)

    # After a restart -------------------------------------------------------------------------------------------------

    @property
    def failed_mcus(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """Ids that the MCU Factory is to leave out, and where MCUs that failed are told so, by principal."""
        return self._search.exclude, self.assigned.urls

    def recall(self, address: McuAddress | None, exclude: Iterable[str], lost: Mapping[str, str]) -> None:
        """Know again what was known before a restart. Only for a link that nobody has used."""
        self.address, self._search.exclude = address, tuple(exclude)
        self.assigned.recall(lambda name, url: self._as_assigned(McuAddress(mcu_id=name, http_url=url)), lost)
        if address is not None:
            self._life.command(LinkInput.RESUME)
            self.assigned.assign(self._as_assigned(address))

    def _as_assigned(self, address: McuAddress) -> Assignment:
        return Assignment(self.focus_uri, self.mcu_uri, address, None)

    def go_on(self, *, now: float) -> None:
        """Tell the MCU of before a restart of the conference, without asking the MCU Factory: it has the phones."""
        if self.state is LinkState.RESUMING and self.address is not None:
            self._initialise(self.address, now=now)

    # Answers ---------------------------------------------------------------------------------------------------------

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        """The answer to the exchange that is open."""
        purpose = self._exchange.settle()
        self._pulse.heard(now=now)
        if purpose is not Purpose.RESYNCHRONISE:
            self._pulse.carried_out()
        if purpose is Purpose.COMMAND and reply.status != 404:
            self._search.served()
        if purpose is Purpose.ALLOCATE:
            self._allocated(reply, now=now)
        elif purpose is Purpose.INITIALISE:
            self._initialised(reply, now=now)
        elif purpose is Purpose.COMMAND:
            self._commanded(reply, now=now)
        elif purpose is Purpose.RESYNCHRONISE:
            self._resynchronised(reply, now=now)
        else:
            self._cleared(reply, now=now)
        self.send_next(now=now)

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        """The exchange that is open brought nothing."""
        purpose = self._exchange.settle()
        if purpose is Purpose.ALLOCATE:
            timed_out = reason is ExchangeFailure.TIMEOUT
            self._exhausted(Failure(Reason.TIMEOUT if timed_out else Reason.SERVER_BUSY), now=now)
        elif purpose is Purpose.INITIALISE and self.state is LinkState.RESUMING:
            self._not_resumed(reason, now=now)
        elif purpose is Purpose.INITIALISE:
            self._next_mcu(Failure(Reason.TIMEOUT), owed=reason is not ExchangeFailure.CONNECT, now=now)
        elif purpose is Purpose.CLEAR:
            self._next_mcu(Failure(Reason.TIMEOUT), owed=False, now=now)
        else:
            self._command_failed(reason, now=now)
        self.send_next(now=now)

    # Bootstrap -------------------------------------------------------------------------------------------------------

    def _allocate(self, *, now: float) -> None:
        if self._config.mcu_factory_url is None:
            self._exhausted(Failure(Reason.SERVER_BUSY), now=now)
            return
        self._search.attempt()
        self._exchange.allocate(self._config.mcu_factory_url, self.mcu_type, self._search.exclude)

    def _allocated(self, reply: Reply, *, now: float) -> None:
        response = final_response(reply)
        command = response.command if response is not None else None
        info = command.connection_info if isinstance(command, AddConference) else None
        address = McuAddress.of(info) if info is not None else None
        if response is None or response.code is not Code.SUCCESS or address is None:
            self._exhausted(Failure.of(reply), now=now)
            return
        self._life.command(LinkInput.ALLOCATED)
        self.address = address
        owed = self._farewells.owed(self.focus_uri, address.mcu_id)
        if owed is not None:  # whom it still has would come back with it
            self._exchange.clear(owed)
        else:
            self._initialise(address, now=now)

    def _cleared(self, reply: Reply, *, now: float) -> None:
        assert self.address is not None
        owed = self._farewells.owed(self.focus_uri, self.address.mcu_id)
        if reply.status >= 500:
            self._next_mcu(Failure.of(reply), owed=False, now=now)
        else:
            if owed is not None:
                self._farewells.settled(owed)
            self._initialise(self.address, now=now)

    def _initialise(self, address: McuAddress, *, now: float) -> None:
        self._pulse.told(now=now)
        self.assigned.assign(self._exchange.initialise(address, self._owner.describe_for(self.mcu_type)))

    def _initialised(self, reply: Reply, *, now: float) -> None:
        response = final_response(reply)
        if self._outranked(reply, now=now):
            return
        if response is None or response.code is not Code.SUCCESS:
            if self.state is LinkState.RESUMING:
                self.mark_lost("it did not take the conference back", now=now)
            else:
                refused = reply.document is not None or reply.status in (403, 503)  # it says that it does not take it
                self._next_mcu(Failure.of(reply), owed=not refused, now=now)
            return
        self._life.command(LinkInput.INITIALISED)
        self._search.found()
        self._outbid = False
        command = response.command
        info = command.conference_info if isinstance(command, AddConference) else None
        assert self.address is not None
        self._owner.mcu_ready(self.mcu_type, self.address, info, now=now)

    def _outranked(self, reply: Reply, *, now: float) -> bool:
        """Whether the MCU obeys a higher claim to the conference. Once a higher one of our own is asked for."""
        epoch = outranking(reply)
        if epoch is None:
            return False
        self._resync_wanted |= self.state is LinkState.READY  # others have commanded it
        self._life.command(LinkInput.OUTRANKED)
        if self._outbid:
            self.not_claimed(now=now)
        else:
            self._outbid = True
            self._owner.claim.outranked(epoch)
        return True

    def _not_resumed(self, reason: ExchangeFailure, *, now: float) -> None:
        if reason is ExchangeFailure.TIMEOUT and not self._pulse.timed_out():
            self._owner.mcu_silent(self.mcu_type)
            self.go_on(now=now)
        else:
            self.mark_lost("it does not take the conference back", now=now)

    def _next_mcu(self, failure: Failure, *, owed: bool, now: float) -> None:
        address, self.address = self.address, None
        assert address is not None
        self.assigned.let_go(owed=owed, now=now)
        if self._search.tried(address.mcu_id):
            self._life.command(LinkInput.REFUSED)
            self._allocate(now=now)
        else:
            self._exhausted(failure, now=now)

    def _exhausted(self, failure: Failure, *, now: float) -> None:
        self._life.command(LinkInput.EXHAUSTED)
        self._search.exhausted(now=now)
        unserved = failure.unserved(retry_after=self._search.wait(now=now))
        for relay in self.queue.pop_waiting():
            self._relays.relay_failed(relay, unserved, now=now)
        self._owner.no_mcu(self.mcu_type, failure, now=now)

    # Commands --------------------------------------------------------------------------------------------------------

    def send_next(self, *, now: float) -> None:
        """Send what waits, as far as it may go out now."""
        if self.state is not LinkState.READY or self._exchange.busy or self.address is None:
            return
        if self._resync_wanted:
            self._resync_wanted = False
            self._pulse.told(now=now)
            self._exchange.resynchronise(self.address)
        elif relay := self.queue.next(lambda command: self._owner.may_send(self.mcu_type, command)):
            self._pulse.told(now=now)
            self._sent = relay
            self._exchange.send(self.address, relay)

    def _commanded(self, reply: Reply, *, now: float) -> None:
        relay, self._sent = self._sent, None
        if reply.status == 404:
            if relay is not None and self.queue.sent(relay.request_id) is relay:
                self.queue.take_back(relay)
            self.mark_lost("the MCU does not know the conference", dropped=True, empty=True, now=now)
            return
        outranked = self._outranked(reply, now=now)
        if relay is None or self.queue.sent(relay.request_id) is None:
            return  # Its final answer came by the callback, or its owner gave it up.
        elif outranked:
            self._relays.relay_failed(relay, Failure(Reason.OTHER_FAILURE), now=now)
        elif reply.status == 202:
            relay.process(RelayInput.MCU_PENDING)
            self._relays.relay_pending(relay, None, now=now)
        elif reply.document is None or reply.document.request_id != relay.request_id:
            self._relays.relay_failed(relay, Failure.of(reply), now=now)
        else:
            self._take_response(relay, reply.document, now=now)

    def _take_response(self, relay: Relay, response: Response, *, now: float) -> None:
        if response.code is Code.PENDING:
            relay.process(RelayInput.MCU_PENDING)
            self._relays.relay_pending(relay, response, now=now)
        else:
            self._relays.relay_answered(relay, response, now=now)

    def _resynchronised(self, reply: Reply, *, now: float) -> None:
        response = final_response(reply)
        command = response.command if response is not None else None
        info = command.conference_info if isinstance(command, GetConference) else None
        if reply.status == 404:
            self.mark_lost("the MCU does not know the conference", dropped=True, empty=True, now=now)
        elif (
            not self._outranked(reply, now=now)
            and response is not None
            and response.code is Code.SUCCESS
            and info is not None
        ):
            self._owner.mcu_part_replaced(self.mcu_type, info, now=now)

    def _command_failed(self, reason: ExchangeFailure, *, now: float) -> None:
        relay, self._sent = self._sent, None
        if reason is ExchangeFailure.CONNECT:
            self.mark_lost("cannot connect", now=now)
            return
        timed_out = reason is ExchangeFailure.TIMEOUT
        if not timed_out:
            self._pulse.heard(now=now)
            self._pulse.carried_out()
        elif self._pulse.timed_out():
            self.mark_lost("time-outs in a row", now=now)
            return
        else:
            self._owner.mcu_silent(self.mcu_type)
        if relay is not None and self.queue.sent(relay.request_id) is relay:
            self._relays.relay_failed(relay, Failure(Reason.TIMEOUT if timed_out else Reason.OTHER_FAILURE), now=now)
