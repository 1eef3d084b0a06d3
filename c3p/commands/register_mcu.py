"""``registerMcu``: an MCU announces itself to its factory (docs/design-decisions.rst; a command of this project)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Kind, Text, Texts
from c3p.commands.command import Command
from c3p.namespaces import MSCP


@attrs.frozen(kw_only=True, slots=False)
class RegisterMcu(Command):
    """Where an MCU is, what it mixes and how busy it is; repeated every 10 s and on change."""

    NAME: ClassVar[str] = "registerMcu"
    IDEMPOTENT: ClassVar[bool] = True

    mcu_id: Annotated[str, Text(MSCP, "mcu-id")]
    http_url: Annotated[str | None, Text(MSCP, "http-url")] = None  #: where it takes C3P requests
    sip_uri: Annotated[str | None, Text(MSCP, "sip-uri")] = None
    mcu_types: Annotated[tuple[str, ...], Texts(MSCP, "mcuType", wrapper=(MSCP, "mcu-types"))] = ()
    conferences: Annotated[int | None, Text(MSCP, "conferences", Kind.UINT)] = None  #: active now
    legs: Annotated[int | None, Text(MSCP, "legs", Kind.UINT)] = None  #: active now
    capacity: Annotated[int | None, Text(MSCP, "capacity", Kind.UINT)] = None  #: legs it can carry
    draining: Annotated[bool | None, Text(MSCP, "draining", Kind.BOOLEAN)] = None  #: takes no new conferences
