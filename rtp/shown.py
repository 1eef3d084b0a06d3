"""How settings of this package are printed: without what is as it would be anyway.

``sip`` does the same for its own; no package of the three knows the others.
"""

from __future__ import annotations

from typing import Any

import attrs


class Shown:
    """Base of settings whose ``repr`` names only the fields that differ from their default."""

    __slots__ = ()

    def __repr__(self) -> str:
        known: tuple[attrs.Attribute[Any], ...] = attrs.fields(type(self))  # type: ignore[arg-type]  # its classes are
        found = ((field, getattr(self, field.name)) for field in known if field.repr)
        told = (f"{field.name}={value!r}" for field, value in found if not _is_default(field, value))
        return f"{type(self).__name__}({', '.join(told)})"

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        # attrs writes a __repr__ into every class that has none of its own.
        cls.__repr__ = Shown.__repr__  # type: ignore[method-assign]


def _is_default(field: attrs.Attribute[Any], value: object) -> bool:
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types it as a function
        if default.takes_self:
            return False
        default = default.factory()
    return default is not attrs.NOTHING and (value is default or (type(value) is type(default) and value == default))
