"""The link from one conference to its MCU of one media type: allocation, bootstrap, commands in order, failure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping

from c3p import (
    AddConference,
    AddUser,
    Code,
    ExchangeFailure,
    Exchanges,
    GetConference,
    Reason,
    Reply,
    Response,
)
from focus.config import FocusConfig
from focus.context import ConferenceExchangeOwner
from focus.mcus.address import McuAddress
from focus.mcus.link_exchange import LinkExchange
from focus.mcus.link_owner import LinkOwner
from focus.mcus.link_state import LINK, LinkInput, LinkState, Purpose
from focus.mcus.loss import LostMcus
from focus.mcus.relay import Failure, Relay, RelayInput, RelayOwner, final_response, outranking
from sip import AddressOfRecord, Life


class McuLink:
    """One exchange at a time, in order (C3P reference, 6). `owner` hears of the MCU, `relays` of commands."""

    def __init__(
        self,
        *,
        mcu_type: str,
        focus_uri: str,
        mcu_uri: str,
        config: FocusConfig,
        exchanges: Exchanges[ConferenceExchangeOwner],
        owner: LinkOwner[McuLink],
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
        self._queue: deque[Relay] = deque()
        self._open: dict[str, Relay] = {}  #: sent and not finally answered, by requestId
        self._sent: Relay | None = None
        self._exclude: list[str] = []
        self._attempts = 0
        self._time_outs = 0
        self._retry_at: float | None = None
        self._closed = False
        self._resync_wanted = False
        self._outbid = False  #: whether a higher claim was asked for since the MCU took the last one
        self._lost = LostMcus()
        self._heard_at = 0.0  #: when the MCU last said anything, monotonic seconds

    @property
    def state(self) -> LinkState:
        """Where the link stands."""
        return self._life.state

    # What the conference asks ----------------------------------------------------------------------------------------

    def submit(self, relay: Relay, *, now: float) -> None:
        """Send a command as soon as the MCU is ready; it ends in `relay_answered` or `relay_failed`."""
        relay.process(RelayInput.AUTHORISED)
        if self.state is LinkState.FAILED and self._retry_at is not None and now < self._retry_at:
            self._relays.relay_failed(
                relay, Failure(Reason.SERVER_BUSY, retry_after=self._seconds_to_retry(now)), now=now
            )
        elif len(self._queue) >= self._config.max_queued_per_mcu:
            self._relays.relay_failed(relay, Failure(Reason.SERVER_BUSY), now=now)
        else:
            self._queue.append(relay)
            self.ensure(now=now)
            self._send_next(now=now)

    def ensure(self, *, now: float) -> None:
        """Begin the bootstrap unless it is done or under way."""
        if self.state in (LinkState.ABSENT, LinkState.FAILED) and not self._closed:
            self._attempts, self._exclude = 0, self._exclude if self._retry_at is None else []
            self._retry_at = None
            self._life.command(LinkInput.NEEDED)
            self._allocate(now=now)

    def resynchronise(self, *, now: float) -> None:
        """Ask the MCU for its whole part of the conference, after a gap in its versions."""
        self._resync_wanted = True
        self._send_next(now=now)

    def resume(self, *, now: float) -> None:
        """What was held back may go out now."""
        self._send_next(now=now)

    def is_calling(self, user: str) -> bool:
        """Whether the MCU was told to bring a user (key) in, and has not said yet how that ended."""
        calls = [one.command for one in self._open.values() if isinstance(one.command, AddUser)]
        return any(AddressOfRecord.read(one.user.entity).key == user for one in calls)

    def heard(self, *, now: float) -> None:
        """The MCU said something."""
        self._heard_at = now

    def next_check(self) -> float | None:
        """When a silent MCU is to be asked whether it is still there: nobody else would notice (decisions 1)."""
        ready = self.state is LinkState.READY and not self._exchange.busy
        return self._heard_at + self._config.mcu_silence if ready else None

    def close(self, *, now: float) -> None:
        """Tell the MCU that the conference is over, for good. Commands are the owner's to finish."""
        self.release()
        self._life.command(LinkInput.CLOSE)
        if self.state is LinkState.CLOSING and self.address is not None:
            self._exchange.close(self.address)

    def release(self) -> None:
        """Do nothing more, and tell nobody."""
        self._closed = True
        self._queue.clear()
        self._open.clear()
        self._exchange.forget()

    def abandon(self, relay: Relay) -> None:
        """Forget a command that its owner finished: what the MCU still answers is dropped."""
        self._open.pop(relay.request_id, None)
        if relay in self._queue:
            self._queue.remove(relay)

    def claimed(self, *, now: float) -> None:
        """There is a new claim: an MCU that obeys another is told."""
        waits = self.state in (LinkState.INITIALISING, LinkState.RESUMING) and not self._exchange.busy
        if waits and self.address is not None:
            self._initialise(self.address)

    def not_claimed(self, *, now: float) -> None:
        """There is none: an MCU that obeys another cannot be had for now."""
        if self.state is LinkState.RESUMING and not self._exchange.busy:
            self.mark_lost("it obeys another Focus", now=now)
        elif self.state is LinkState.INITIALISING and not self._exchange.busy:
            self.address = None
            self._exhausted(Failure(Reason.SERVER_BUSY), now=now)

    def late_response(self, response: Response, *, now: float) -> None:
        """A response that the MCU posted to the callback URL."""
        relay = self._open.get(response.request_id)
        if relay is not None:
            self._take_response(relay, response, now=now)

    def trusts(self, peer: str) -> bool:
        """Whether `peer` is the principal of the MCU that is assigned now."""
        return self.address is not None and peer in self.address.principals

    def turn_away(self, peer: str) -> bool:
        """If `peer` is an MCU that failed before and came back: tell it to drop the conference (flows 11, step 7)."""
        url = self._lost.pop(peer)
        if url is not None:
            self._exchange.turn_away(url, peer=peer)
        return url is not None

    def mark_lost(self, reason: str, *, now: float) -> None:
        """The assigned MCU failed: commands in flight fail, and another is looked for (`focus.mcus.loss`)."""
        address = self.address
        if address is None or self.state not in (LinkState.READY, LinkState.RESUMING):
            return
        self._life.command(LinkInput.LOST)
        self._lost.add(address)
        self.address, self._time_outs, self._resync_wanted = None, 0, False
        self._exchange.forget()
        self._sent = None
        self._exclude, self._retry_at = [address.mcu_id], None
        self._owner.mcu_lost(self, address, reason, now=now)
        while self._open:  # what the end of one command ends with it is not among them any more
            relay = self._open.pop(next(iter(self._open)))
            self._relays.relay_failed(relay, Failure(Reason.TIMEOUT), now=now)
        self.ensure(now=now)

    # After a restart -------------------------------------------------------------------------------------------------

    @property
    def failed_mcus(self) -> tuple[tuple[str, ...], dict[str, str]]:
        """Ids that the MCU Factory is to leave out, and where MCUs that failed are told so, by principal."""
        return tuple(self._exclude), self._lost.urls

    def recall(self, address: McuAddress | None, exclude: Iterable[str], lost: Mapping[str, str]) -> None:
        """Know again what was known before a restart. Only for a link that nobody has used."""
        self.address, self._exclude, self._lost = address, list(exclude), LostMcus(lost)
        if address is not None:
            self._life.command(LinkInput.RESUME)

    def go_on(self, *, now: float) -> None:
        """Tell the MCU of before a restart of the conference, without asking the MCU Factory: it has the phones."""
        if self.state is LinkState.RESUMING and self.address is not None:
            self._initialise(self.address)

    def adopt(self, relay: Relay) -> None:
        """A command was sent before the restart: its answer may still come."""
        self._open[relay.request_id] = relay

    # Answers ---------------------------------------------------------------------------------------------------------

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        """The answer to the exchange that is open."""
        purpose = self._exchange.settle()
        self._heard_at = now
        if purpose is not Purpose.RESYNCHRONISE:  # to say what one has is not to carry commands out
            self._time_outs = 0
        if purpose is Purpose.ALLOCATE:
            self._allocated(reply, now=now)
        elif purpose is Purpose.INITIALISE:
            self._initialised(reply, now=now)
        elif purpose is Purpose.COMMAND:
            self._commanded(reply, now=now)
        elif purpose is Purpose.RESYNCHRONISE:
            self._resynchronised(reply, now=now)
        else:
            self._life.command(LinkInput.CLOSED)
        self._send_next(now=now)

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        """The exchange that is open brought nothing."""
        purpose = self._exchange.settle()
        if purpose is Purpose.ALLOCATE:
            timed_out = reason is ExchangeFailure.TIMEOUT
            self._exhausted(Failure(Reason.TIMEOUT if timed_out else Reason.SERVER_BUSY), now=now)
        elif purpose is Purpose.INITIALISE and self.state is LinkState.RESUMING:
            self._not_resumed(reason, now=now)
        elif purpose is Purpose.INITIALISE:
            self._next_mcu(Failure(Reason.TIMEOUT), now=now)
        elif purpose is Purpose.CLOSE:
            self._life.command(LinkInput.CLOSED)
        else:
            self._command_failed(reason, now=now)
        self._send_next(now=now)

    # Bootstrap -------------------------------------------------------------------------------------------------------

    def _allocate(self, *, now: float) -> None:
        if self._config.mcu_factory_url is None:
            self._exhausted(Failure(Reason.SERVER_BUSY), now=now)
            return
        self._attempts += 1
        self._exchange.allocate(self._config.mcu_factory_url, self.mcu_type, self._exclude)

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
        self._lost.assigned(address)
        self._initialise(address)

    def _initialise(self, address: McuAddress) -> None:
        self._exchange.initialise(address, self._owner.describe_for(self))

    def _initialised(self, reply: Reply, *, now: float) -> None:
        response = final_response(reply)
        if self._outranked(reply, now=now):
            return
        if response is None or response.code is not Code.SUCCESS:
            if self.state is LinkState.RESUMING:
                self.mark_lost("it did not take the conference back", now=now)
            else:
                self._next_mcu(Failure.of(reply), now=now)
            return
        self._life.command(LinkInput.INITIALISED)
        self._exclude, self._outbid = [], False
        command = response.command
        info = command.conference_info if isinstance(command, AddConference) else None
        assert self.address is not None
        self._owner.mcu_ready(self, self.address, info, now=now)

    def _outranked(self, reply: Reply, *, now: float) -> bool:
        """Whether the MCU obeys a higher claim to the conference. Once a higher one of our own is asked for."""
        epoch = outranking(reply)
        if epoch is None:
            return False
        self._life.command(LinkInput.OUTRANKED)
        if self._outbid:
            self.not_claimed(now=now)
        else:
            self._outbid = True
            self._owner.claim.outranked(epoch)
        return True

    def _not_resumed(self, reason: ExchangeFailure, *, now: float) -> None:
        self._time_outs += 1
        if reason is ExchangeFailure.TIMEOUT and self._time_outs < self._config.time_outs_to_fail:
            self.go_on(now=now)
        else:
            self.mark_lost("it does not take the conference back", now=now)

    def _next_mcu(self, failure: Failure, *, now: float) -> None:
        address, self.address = self.address, None
        assert address is not None
        self._lost.add(address)
        self._exclude.append(address.mcu_id)
        if self._attempts >= self._config.bootstrap_attempts:
            self._exhausted(failure, now=now)
        else:
            self._life.command(LinkInput.REFUSED)
            self._allocate(now=now)

    def _exhausted(self, failure: Failure, *, now: float) -> None:
        self._life.command(LinkInput.EXHAUSTED)
        self._retry_at = now + self._config.failure_cache
        waiting, self._queue = self._queue, deque()
        for relay in waiting:
            self._relays.relay_failed(relay, failure, now=now)
        self._owner.no_mcu(self, failure, now=now)

    # Commands --------------------------------------------------------------------------------------------------------

    def _send_next(self, *, now: float) -> None:
        if self.state is not LinkState.READY or self._exchange.busy or self.address is None:
            return
        ready = (one for one in self._queue if self._owner.may_send(self, one.command))
        if self._resync_wanted:
            self._resync_wanted = False
            self._exchange.resynchronise(self.address)
        elif relay := next(ready, None):
            self._queue.remove(relay)
            self._send(relay)

    def _send(self, relay: Relay) -> None:
        assert self.address is not None
        relay.process(RelayInput.MCU_READY)
        self._open[relay.request_id] = relay
        self._sent = relay
        self._exchange.send(self.address, relay)

    def _commanded(self, reply: Reply, *, now: float) -> None:
        relay, self._sent = self._sent, None
        if reply.status == 404:
            self.mark_lost("the MCU does not know the conference", now=now)
            return
        self._outranked(reply, now=now)
        if relay is None or relay.request_id not in self._open:
            return  # Its final answer came by the callback, or its owner gave it up.
        elif reply.status == 202:
            self._pending(relay, None, now=now)
        elif reply.document is None or reply.document.request_id != relay.request_id:
            self._relays.relay_failed(relay, Failure.of(reply), now=now)
        else:
            self._take_response(relay, reply.document, now=now)

    def _take_response(self, relay: Relay, response: Response, *, now: float) -> None:
        if response.code is Code.PENDING:
            self._pending(relay, response, now=now)
        else:
            self._relays.relay_answered(relay, response, now=now)

    def _pending(self, relay: Relay, response: Response | None, *, now: float) -> None:
        relay.process(RelayInput.MCU_PENDING)
        self._relays.relay_pending(relay, response, now=now)

    def _resynchronised(self, reply: Reply, *, now: float) -> None:
        response = final_response(reply)
        command = response.command if response is not None else None
        info = command.conference_info if isinstance(command, GetConference) else None
        if reply.status == 404:
            self.mark_lost("the MCU does not know the conference", now=now)
        elif (
            not self._outranked(reply, now=now)
            and response is not None
            and response.code is Code.SUCCESS
            and info is not None
        ):
            self._owner.mcu_part_replaced(self, info, now=now)

    def _command_failed(self, reason: ExchangeFailure, *, now: float) -> None:
        relay, self._sent = self._sent, None
        if reason is ExchangeFailure.CONNECT:
            self.mark_lost("cannot connect", now=now)
            return
        timed_out = reason is ExchangeFailure.TIMEOUT
        self._time_outs = self._time_outs + 1 if timed_out else 0
        if not timed_out:
            self._heard_at = now
        if self._time_outs >= self._config.time_outs_to_fail:
            self.mark_lost("time-outs in a row", now=now)
        elif relay is not None and relay.request_id in self._open:
            self._relays.relay_failed(relay, Failure(Reason.TIMEOUT if timed_out else Reason.OTHER_FAILURE), now=now)

    def _seconds_to_retry(self, now: float) -> int:
        return max(1, math.ceil((self._retry_at or now) - now))
