"""What the fields and the keys of pieces may hold, whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import attrs
from attrs.validators import and_, deep_iterable, ge, instance_of, le, optional

from c3p import mcu_uri

#: Any: to see whether a word can stand where an MCU type does.
_ANY_CONFERENCE: Final = "sip:a@example.com;gruu;opaque=app:conf:focus:id:0"

is_text: Final = instance_of(str)
is_text_or_none: Final = optional(is_text)


def is_number(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """A validator for counters, which begin at 0. Raises TypeError or ValueError; True is no number here."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{attribute.name} is no number")
    if value < 0:
        raise ValueError(f"{attribute.name} is {value}")


is_status: Final = and_(is_number, ge(100), le(699))  #: RFC 3261 section 7.2
is_flag: Final = instance_of(bool)
is_time_or_none: Final = optional(instance_of((int, float)))
#: A span of seconds for which something was granted; none shorter was.
is_span_or_none: Final = optional(and_(instance_of((int, float)), ge(1)))

#: Versions are of 32 bits (conference-info schema); from here a conference can go on for as long as it may have had.
_HIGHEST_VERSION: Final = 2**31
#: A number in a key, written as this program writes it.
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")


def number_in(name: str) -> int:
    """The number in a part of a key. Raises ValueError where there is none."""
    if not _NUMBER.fullmatch(name):
        raise ValueError(f"not a number: {name[:40]!r}")
    return int(name)


def version_in(room: int) -> int:
    """A version that was written, with as much above it as below to count on. Raises ValueError for a higher one."""
    if room > _HIGHEST_VERSION:
        raise ValueError(f"a version of {room}")
    return room


def mcu_type_in(name: str) -> str:
    """The MCU type in a part of a key. Raises C3PError where it is none."""
    mcu_uri(_ANY_CONFERENCE, name)
    return name


def is_mcu_type(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """A validator. Raises TypeError or C3PError for what is no MCU type."""
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name} is no text")
    mcu_type_in(value)


def texts() -> Any:
    """A field that is several texts."""
    return attrs.field(converter=tuple, validator=deep_iterable(is_text))


def pairs(given: Iterable[Iterable[str]]) -> tuple[tuple[str, str], ...]:
    """Pairs of texts, which JSON has as lists."""
    return tuple((str(name), str(value)) for name, value in given)
