"""``modifyUserRoles`` (docs/commands.rst)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import attrs

from c3p.binding.fields import Child, Texts
from c3p.commands.command import Command
from c3p.keys import UserKeys
from c3p.namespaces import CCCP, CI


@attrs.frozen(kw_only=True, slots=False)
class ModifyUserRoles(Command):
    """Makes a user presenter or attendee; exactly one role is legal."""

    NAME: ClassVar[str] = "modifyUserRoles"
    IDEMPOTENT: ClassVar[bool] = True

    user_keys: Annotated[UserKeys, Child(CCCP, "userKeys")]
    roles: Annotated[tuple[str, ...], Texts(CI, "entry", wrapper=(CI, "user-roles"))] = ()
