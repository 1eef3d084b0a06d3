"""How a value of ours is printed: in a line, without what is as it would be anyway."""

from __future__ import annotations

import enum
from typing import Any, Final

import attrs

#: Characters of one value, and octets of a body, that are shown: enough to recognise it in a log.
_LONGEST: Final = 120
_LONGEST_BODY: Final = 40


class Shown:
    """Base of events and settings whose ``repr`` names only the fields that differ from their default."""

    __slots__ = ()

    def __repr__(self) -> str:
        known: tuple[attrs.Attribute[Any], ...] = attrs.fields(type(self))  # type: ignore[arg-type]  # its classes are
        fields = [field for field in known if field.repr and not _is_default(self, field)]
        return f"{type(self).__name__}({', '.join(f'{each.name}={_text(self, each)}' for each in fields)})"

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        # attrs writes a __repr__ into every class that has none of its own.
        cls.__repr__ = Shown.__repr__  # type: ignore[method-assign]


def _is_default(value: object, field: attrs.Attribute[Any]) -> bool:
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types it as a function
        if default.takes_self:
            return False
        default = default.factory()
    found = getattr(value, field.name)
    return default is not attrs.NOTHING and (found is default or (type(found) is type(default) and found == default))


def _text(value: object, field: attrs.Attribute[Any]) -> str:
    found = getattr(value, field.name)
    if callable(field.repr):
        return field.repr(found)
    if isinstance(found, enum.Enum):
        return f"{type(found).__name__}.{found.name}"
    if isinstance(found, bytes) and len(found) > _LONGEST_BODY:
        return f"<{len(found)} octets>"
    text = repr(found)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
