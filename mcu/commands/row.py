"""What an MCU has to know of a command before it carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from c3p import DeleteUser, Request, Response, Role
from mcu.conference import Conference
from mcu.policy import Refusal
from sip import AddressOfRecord

Answer = Response | Refusal


@attrs.frozen
class Row:
    """A command that is carried out here."""

    entity: Callable[[Any], str | None]  #: Conference-URI of the conference that it is about
    carry_out: Callable[[Conference, Request, Any, float], Answer]  #: a `Refusal` when nothing was changed
    of_presenters: bool = False  #: c3p 10; dialling out and what one may do to oneself have rules of their own


def may_control(request: Request) -> bool:
    """Whether the sender may change the conference or others in it: the Focus itself, or for a presenter.

    Users may also take themselves out.
    """
    if request.originator is None or request.originator_role == Role.PRESENTER:
        return True
    command = request.command
    asker = AddressOfRecord.read(request.originator)
    return isinstance(command, DeleteUser) and asker.is_named_by(command.user_keys.user_entity)
