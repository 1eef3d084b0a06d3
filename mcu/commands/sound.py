"""Commands for an MCU with sound only: modifyEndpoint, modifyConferenceAnnouncements (docs/commands.rst)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from c3p import (
    Code,
    Command,
    ModifyConferenceAnnouncements,
    ModifyEndpoint,
    Request,
    Status,
)
from mcu.commands.row import Answer, Row, may_control
from mcu.conference import Conference
from mcu.context import Context
from mcu.errors import LocalProtocolError
from mcu.identity import user_id
from mcu.leg import Leg
from mcu.media_control import MediaControl
from mcu.policy import Refusal, RefusalReason
from mcu.responses import pending

HOLD_SECONDS: Final = 40  #: how long a requester may wait for the answer to a re-INVITE, which comes within 32 s


class SoundCommands:
    """Carries them out, by way of what an application has as well."""

    def __init__(self, context: Context, control: MediaControl) -> None:
        self._context, self._control = context, control
        self.rows: Final[Mapping[type[Command], Row]] = MappingProxyType(
            {
                ModifyEndpoint: Row(_endpoint_keys, self._modify_endpoint),
                ModifyConferenceAnnouncements: Row(_conference_keys, self._announcements, of_presenters=True),
            }
        )

    def _announcements(
        self, conference: Conference, request: Request, command: ModifyConferenceAnnouncements, now: float
    ) -> Answer:
        sounds = conference.announcements
        if command.enabled is None:
            return Refusal(RefusalReason.UNPARSEABLE, "enabled is missing")
        if sounds is None or not sounds.modifiable:
            return Refusal(RefusalReason.NOT_SUPPORTED, "whether who comes and goes is heard cannot be changed here")
        if sounds.enabled != command.enabled:
            conference.announcements = attrs.evolve(sounds, enabled=command.enabled)
            self._context.notify(conference, self._context.documents.view_changed(conference), now=now)
        return request.respond(Code.SUCCESS)

    def _modify_endpoint(self, conference: Conference, request: Request, command: ModifyEndpoint, now: float) -> Answer:
        """Gains, keys and hold of one leg, for presenters and for whose leg it is. All of it, or none."""
        keys = command.endpoint_keys
        leg = None if keys is None else conference.leg_of(keys.endpoint_entity)
        if keys is None or leg is None or leg.user_key != user_id(keys.user_entity):
            return Refusal(RefusalReason.ENDPOINT, "no such endpoint on this MCU")
        if not may_control(request) and user_id(request.originator or "") != leg.user_key:
            return Refusal(RefusalReason.UNAUTHORIZED, "for presenters, and for whose endpoint it is")
        wished = command.endpoint.status if command.endpoint is not None else None
        gains = command.input_gain is not None or command.output_gain is not None
        if wished is None and not gains and not command.digits:
            return Refusal(RefusalReason.NOT_SUPPORTED, "nothing of an endpoint that can be changed here")
        if wished not in (None, Status.CONNECTED, Status.ON_HOLD):
            return Refusal(RefusalReason.UNPARSEABLE, "a status that nobody can be given")
        if sum((wished is not None, gains, bool(command.digits))) > 1:
            # Each may fail where another one succeeds.
            return Refusal(RefusalReason.UNPARSEABLE, "one at a time of status, gains and keys")
        if not leg.connected or leg.at_door:
            return Refusal(RefusalReason.ENDPOINT, "that endpoint is not connected")
        try:
            return self._change(request, command, leg, wished, now)
        except LocalProtocolError as error:
            return Refusal(RefusalReason.MEDIA, str(error))

    def _change(self, request: Request, command: ModifyEndpoint, leg: Leg, wished: str | None, now: float) -> Answer:
        if wished is not None:
            if (wished == Status.ON_HOLD) == leg.held_here:
                return request.respond(Code.SUCCESS)
            self._control.put_on_hold(leg, holding=wished == Status.ON_HOLD, request=request, now=now)
            return pending(request, seconds=HOLD_SECONDS)
        if command.digits:
            self._control.send_dtmf(leg.id, command.digits)
        else:
            before = leg.gains
            self._control.set_gains(
                leg.id,
                input_gain=before[0] if command.input_gain is None else command.input_gain / 100,
                output_gain=before[1] if command.output_gain is None else command.output_gain / 100,
            )
        return request.respond(Code.SUCCESS)


def _endpoint_keys(command: ModifyEndpoint) -> str | None:
    return command.endpoint_keys.conf_entity if command.endpoint_keys is not None else None


def _conference_keys(command: ModifyConferenceAnnouncements) -> str | None:
    return command.conference_keys.conf_entity
