"""Who is on the way into a conference by phone: an MCU expects a call, and the roster will show what became of it.

Between the answer of the MCU and the first word of a caller nobody may be in the roster, and the conference must not
count as empty. What a caller keys in that is not the passcode counts as a guess of the source that it came from.
Somebody who announced a call of its own and then calls the MCU-Conference-URI gets what was
announced. All of it is forgotten in time: MCUs forget calls that do not come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from c3p import MCU_SERVER_URI, AddUser, Endpoint, JoiningMethod, Response, SessionType, Status, guid_key
from focus.roster import Roster, RosterUser
from sip import AddressOfRecord

#: Announced or admitted at once in one conference; each is a call that an MCU has a place for. Beyond it 503.
MOST_ARRIVALS = 250
#: Wrong passcodes of one call that are believed of an MCU; ours end the call after three.
MOST_TRIES = 10


@attrs.frozen
class Guesser:
    """Whose wrong passcodes are what a caller keys in."""

    conference: str  #: key
    source: str | None  #: `sip.source_of`; None where no limit by source holds


@attrs.define
class Arrival:
    """A call that is expected."""

    user: AddressOfRecord
    endpoint: str  #: GUID in the roster
    mcu_type: str
    until: float  #: monotonic seconds
    guesser: Guesser | None = None  #: whose its wrong passcodes are
    wrong: int = 0  #: of them, as many as the MCU has told of
    address: str | None = None  #: where the call goes; None once it is under way, or not known yet
    seen: bool = False  #: whether the roster has shown it


class Arrivals:
    """Those of one conference."""

    def __init__(self, guessed: Callable[[Guesser, str, float], None]) -> None:
        """``guessed`` is told of each wrong passcode: whose it is, and who called."""
        self._guessed = guessed
        self._open: dict[str, Arrival] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def full(self) -> bool:
        """Whether there is no place for one more."""
        return len(self._open) >= MOST_ARRIVALS

    def awaited(self) -> Iterator[tuple[str, str]]:
        """User (key) and GUID (key) of each."""
        return ((one.user.key, key) for key, one in self._open.items())

    def expect(self, arrival: Arrival) -> None:
        """A call is on its way."""
        self._open[guid_key(arrival.endpoint)] = arrival

    def forget(self, endpoint: str) -> None:
        """It will not come."""
        self._open.pop(guid_key(endpoint), None)

    def announced(self, response: Response, mcu_type: str, *, until: float) -> None:
        """An MCU has answered an addUser: where it was a dial-in, its user may call from now on."""
        command = response.command
        if not isinstance(command, AddUser) or command.connection_info is None or command.endpoint is None:
            return
        address = command.connection_info.get(MCU_SERVER_URI)
        if address is not None and not self.full:
            user, endpoint = AddressOfRecord.read(command.user.entity), command.endpoint.entity
            self.expect(Arrival(user, endpoint, mcu_type, until, address=address))

    def take(self, user: str, mcu_type: str) -> str | None:
        """Where a user (key) who announced a call is to call, once; None for who announced none."""
        for arrival in self._open.values():
            if arrival.user.key == user and arrival.mcu_type == mcu_type and arrival.address is not None:
                address, arrival.address = arrival.address, None
                return address
        return None

    def keyed_wrong(self, endpoint: str, count: int, *, now: float) -> None:
        """An MCU has told how many wrong passcodes a caller has keyed in so far."""
        arrival = self._open.get(guid_key(endpoint))
        if arrival is None or arrival.guesser is None:
            return
        for _ in range(min(count, MOST_TRIES) - arrival.wrong):
            self._guessed(arrival.guesser, arrival.user.text, now)
            arrival.wrong += 1

    def look(self, roster: Roster, *, now: float) -> None:
        """See in the roster what became of them."""
        for key, arrival in list(self._open.items()):
            shown = roster.find_endpoint(arrival.user, arrival.endpoint)
            is_in = shown is not None and shown.status in (Status.CONNECTED, Status.ON_HOLD)
            is_gone = shown is None and arrival.seen
            if is_in or is_gone or (arrival.until <= now and not self._waits(shown)):
                del self._open[key]
            arrival.seen = arrival.seen or shown is not None

    @staticmethod
    def _waits(shown: Endpoint | None) -> bool:
        """Whether a caller is in front of the door, which may take longer than its call could."""
        return shown is not None and shown.status == Status.PENDING

    def next_timeout(self) -> float | None:
        """When the next call will not come any more."""
        if not self._open:
            return None  # as nearly always
        return min((one.until for one in self._open.values() if not one.seen), default=None)


def callers_in(roster: Roster) -> bool:
    """Whether somebody is in a conference who came by phone, and so by his own wish."""
    return any(map(_called_in, roster.users.values()))


def _called_in(user: RosterUser) -> bool:
    return any(
        one.joining_method == JoiningMethod.DIALED_IN and one.status in (Status.CONNECTED, Status.ON_HOLD)
        for one in user.of_type(SessionType.AUDIO_VIDEO).values()
    )
