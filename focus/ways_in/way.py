"""From the INVITE of somebody who is let in to the address at its MCU: an addUser on its behalf (docs/ways-in.rst)."""

from __future__ import annotations

from typing import Final

import attrs

from c3p import (
    MCU_SERVER_URI,
    AddUser,
    Code,
    ConferenceKeys,
    DeleteUser,
    Endpoint,
    EntryCheck,
    JoiningMethod,
    Reason,
    Response,
    User,
    UserKeys,
    conf_id_of,
    guid_key,
    mcu_uri,
    new_guid,
)
from focus import refusal
from focus.arrivals import Arrival, Guesser
from focus.commands.add_user import as_mcu_gets_it
from focus.conference import Conference
from focus.context import Context
from focus.mcus.relay import Failure, Relay, RelayState
from focus.questions.procedure import Kind, Later, Steps, Turn, awaited
from focus.refusal import Refusal, Refused
from sip import AddressOfRecord, Entropy, SipError, Uri

#: What an INVITE is told for the general reason with which an addUser failed; others are 480.
_STATUS: Final = {
    Reason.SERVER_BUSY: 503,
    Reason.TIMEOUT: 504,
    Reason.UNAUTHORIZED: 403,
    Reason.NOT_SUPPORTED: 501,
}


@attrs.frozen(kw_only=True)
class Way:
    """Where a call goes, and whose it is."""

    address: Uri  #: at the MCU
    conference: str  #: key
    user: AddressOfRecord
    mcu_type: str
    endpoint: str | None = None  #: GUID of what was reserved for this call; None for a call that its user announced


class Ways:
    """Has MCUs expect calls."""

    def __init__(self, context: Context, entropy: Entropy) -> None:
        self._context, self._entropy = context, entropy

    def to_mcu(
        self,
        conference: Conference,
        user: AddressOfRecord,
        mcu_type: str,
        turn: Turn,
        *,
        role: str,
        display_text: str | None = None,
        check: EntryCheck | None = None,
        guesser: Guesser | None = None,
    ) -> Steps[Way]:
        """Where the call of a user goes: to the address that its MCU expects it at. Raises Refused.

        Who announced a call, and has not called yet, is expected already.
        """
        arrivals = conference.commands.arrivals
        announced = arrivals.take(user.key, mcu_type)
        if announced is not None:
            return Way(address=_routable(announced), conference=conference.key, user=user, mcu_type=mcu_type)
        if arrivals.full:
            raise Refused(refusal.BUSY)
        endpoint = Endpoint(entity=new_guid(self._entropy.token(16)), joining_method=JoiningMethod.DIALED_IN)
        conference.commands.room.check(user, endpoint.entity, mcu_type)
        wish = AddUser(
            mcu_uri=mcu_uri(conference.focus_uri, mcu_type),
            conference_keys=ConferenceKeys(conf_entity=conference.focus_uri),
            user=User(entity=user.text, display_text=display_text),
        )
        command = as_mcu_gets_it(wish, user, endpoint, role, conference.record, check)
        until = turn.now + self._context.config.arrival_timeout
        arrivals.expect(Arrival(user, endpoint.entity, mcu_type, until, guesser))
        try:
            response = yield from self._relayed(conference, mcu_type, command, turn)
            address = self._address_in(response)
        except BaseException:  # refused, or nobody waits for it any more
            arrivals.forget(endpoint.entity)
            relay = next((one for one in conference.commands.relays.values() if one.command is command), None)
            if relay is not None:  # the MCU may still answer that it expects the call
                relay.unwanted = lambda now: self.withdraw(conference, user, endpoint.entity, mcu_type, now)
            raise
        return Way(address=address, conference=conference.key, user=user, mcu_type=mcu_type, endpoint=endpoint.entity)

    def withdraw(self, conference: Conference, user: AddressOfRecord, endpoint: str, mcu_type: str, now: float) -> None:
        """A call will not come: its place at the MCU is not kept for it.

        An MCU puts out all that it has of a user, so whoever has more there keeps it all, and this for its minute.
        """
        conference.commands.arrivals.forget(endpoint)
        known = conference.roster.find(user)
        held = set(known.of_type(mcu_type)) if known is not None else set()
        held |= {guid for key, guid in conference.commands.arrivals.awaited() if key == user.key}
        if held <= {guid_key(endpoint)}:
            keys = UserKeys(conf_entity=conference.focus_uri, user_entity=user.text)
            conference.commands.relay(mcu_type, DeleteUser(user_keys=keys), now=now)

    def _relayed(self, conference: Conference, mcu_type: str, command: AddUser, turn: Turn) -> Steps[Response]:
        """The answer of the MCU. The Focus wants it by itself: it has decided, and its user is told by SIP."""
        relay = Relay(
            request_id=self._context.exchanges.new_request_id(),
            mcu_type=mcu_type,
            command=command,
            correlation=self._context.correlations.token(8),
            awaited=True,
        )
        question: Later[Response | Failure] = Later(
            kind=Kind.RELAY, id=relay.request_id, ask=lambda: conference.commands.submit(relay, now=turn.now)
        )
        try:
            outcome = yield from awaited(question)
        except Refused as refused:
            # It had the command. Before that there was none to be found in time, which may be otherwise soon.
            if refused.refusal is refusal.NO_ANSWER and relay.state is RelayState.FORWARDED:
                raise Refused(_SILENT) from None
            raise
        if isinstance(outcome, Failure):
            raise Refused(_refusal_of(outcome.general, outcome.retry_after, _NO_ANSWER))
        if outcome.code is not Code.SUCCESS:
            text = "The conferencing server does not expect the call"
            raise Refused(_refusal_of(outcome.reason, outcome.retry_after, text))
        return outcome

    @staticmethod
    def _address_in(response: Response) -> Uri:
        command = response.command
        info = command.connection_info if isinstance(command, AddUser) else None
        address = None if info is None else info.get(MCU_SERVER_URI)
        if address is None:
            raise Refused(_UNROUTABLE)
        return _routable(address)


_NO_ANSWER: Final = "The conferencing server does not answer"
_SILENT: Final = Refusal(504, None, _NO_ANSWER, general=Reason.TIMEOUT, phrase=_NO_ANSWER)
_UNROUTABLE: Final = Refusal(502, None, "The conferencing server gave no address that could be called")


def _routable(address: str) -> Uri:
    """An address of an MCU that an INVITE can be sent to, and not one that would lead back here. Raises Refused."""
    try:
        uri = Uri.parse(address)
    except SipError:
        raise Refused(_UNROUTABLE) from None
    if uri.scheme not in ("sip", "sips") or not uri.host or conf_id_of(address) is not None:
        raise Refused(_UNROUTABLE)
    return uri


def _refusal_of(reason: str | None, retry_after: int | None, text: str) -> Refusal:
    status = next((number for word, number in _STATUS.items() if word == reason), 480)
    retry = (retry_after or refusal.BUSY.retry_after) if status == 503 else retry_after
    # People read the phrase: that nobody answers is not what 503 alone says.
    return Refusal(status, None, text, general=reason or Reason.OTHER_FAILURE, retry_after=retry, phrase=text)
