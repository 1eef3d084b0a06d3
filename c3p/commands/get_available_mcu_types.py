"""``getAvailableMcuTypes``, superseded by ``getConferencingCapabilities`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Texts
from c3p.commands.command import Command
from c3p.namespaces import CCCP


@attrs.frozen(kw_only=True, slots=False)
class GetAvailableMcuTypes(Command):
    """Asks which MCU types the Focus Factory offers."""

    NAME: ClassVar[str] = "getAvailableMcuTypes"
    IDEMPOTENT: ClassVar[bool] = True

    mcu_types: Annotated[tuple[str, ...], Texts(CCCP, "mcuType", wrapper=(CCCP, "mcu-types"))] = ()
