"""``getMcuHealth``: the MCU Factory probes an MCU (docs/design-decisions.rst; a command of this project)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Kind, Text
from c3p.commands.command import Command
from c3p.namespaces import MSCP


@attrs.frozen(kw_only=True, slots=False)
class GetMcuHealth(Command):
    """Empty in the request; the answer says how busy the MCU is."""

    NAME: ClassVar[str] = "getMcuHealth"
    IDEMPOTENT: ClassVar[bool] = True

    mcu_id: Annotated[str | None, Text(MSCP, "mcu-id")] = None
    conferences: Annotated[int | None, Text(MSCP, "conferences", Kind.UINT)] = None
    legs: Annotated[int | None, Text(MSCP, "legs", Kind.UINT)] = None
    capacity: Annotated[int | None, Text(MSCP, "capacity", Kind.UINT)] = None
    draining: Annotated[bool | None, Text(MSCP, "draining", Kind.BOOLEAN)] = None
