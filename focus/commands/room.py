"""Room in the roster for one more endpoint, before an MCU is told of it: who would not be shown does not come in.

An MCU that has answered lets its call come, and the roster is what says who is there. So calls that are still on their
way take up room as well: those that an MCU is being asked for, and those that it expects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from c3p import AddUser, Request, guid_key
from focus import refusal
from focus.arrivals import Arrivals
from focus.commands.plan import Plan
from focus.context import Context
from focus.mcus.relay import Relay
from focus.refusal import Refused
from focus.roster import Roster
from sip import AddressOfRecord


class Room:
    """What is left of it in one conference."""

    def __init__(self, context: Context, roster: Roster, arrivals: Arrivals, relays: Mapping[str, Relay]) -> None:
        self._context, self._roster, self._arrivals, self._relays = context, roster, arrivals, relays

    def check_plan(self, planned: Plan, document: Request) -> None:
        """Whether whom a command brings in can be shown. Raises Refused as `check`."""
        for mcu_type, command in planned.for_mcus:
            if isinstance(command, AddUser) and command.endpoint is not None:
                user = AddressOfRecord.read(command.user.entity)
                self.check(user, command.endpoint.entity, mcu_type, document)

    def check(self, user: AddressOfRecord, endpoint: str, mcu_type: str, document: Request | None = None) -> None:
        """Whether the roster can show an endpoint of a user; its GUID is empty where an MCU will make one.

        Raises Refused: 503 beyond the limits of users and of endpoints, 3009 for a GUID that is something else's.
        """
        config, known, guid = self._context.config, self._roster.find(user), guid_key(endpoint) if endpoint else ""
        present = known.endpoints.get(guid) if known is not None else None
        if present is not None and present.session_type != mcu_type:
            raise Refused(refusal.BAD_ENDPOINT.saying("That endpoint entity is in use"), document)
        if present is not None:
            return
        coming: dict[str, set[str]] = {}
        for key, one in (*self._arrivals.awaited(), *_asked_for(self._relays.values())):
            coming.setdefault(key, set()).add(one)
        held = coming.get(user.key, set()) | (known.endpoints.keys() if known is not None else set())
        if guid not in held and len(held) >= config.max_endpoints_per_user:
            raise Refused(refusal.BUSY, document)
        if not held and len(self._roster.users.keys() | coming.keys()) >= config.max_users:
            raise Refused(refusal.BUSY, document)


def _asked_for(relays: Iterable[Relay]) -> Iterable[tuple[str, str]]:
    """User (key) and GUID of whom MCUs are being asked to bring in."""
    for relay in relays:
        if isinstance(relay.command, AddUser):
            named = relay.command.endpoint
            guid = guid_key(named.entity) if named is not None and named.entity else relay.request_id
            yield AddressOfRecord.read(relay.command.user.entity).key, guid
