"""Settings that are refused where they are written, by the types that stand at their fields.

What a program gives at its start is often written by hand, and not every program is checked for types: one ``str`` in
place of several names would be taken for its letters, and ``"5060"`` for a port until something is sent. So would -1 be
for a number of seconds, and an empty name for a name.

``c3p``, ``rtp`` and ``sip`` have this module each, word for word; no package of the three knows the others.
"""

from __future__ import annotations

import collections.abc
import enum
import functools
import inspect
import math
import sys
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs

from c3p.errors import LocalProtocolError

#: For ``attrs.field(metadata=...)``: numbers are 0 or more unless it is said, and 0 would be for ever, or at once.
ABOVE_ZERO: Final[Mapping[str, str]] = {"numbers": "above 0"}
#: ... and numbers below 0 mean something, as of decibels.
ANY_NUMBER: Final[Mapping[str, str]] = {"numbers": "any"}
#: ... and an empty name means something, where it is not what stands there without it.
MAY_BE_EMPTY: Final[Mapping[str, str]] = {"text": "may be empty"}

_NAMES: Final = {str: "a str", int: "a whole number", float: "a number", bool: "True or False", bytes: "octets"}


def wrong(instance: object, name: str, value: object, wanted: str) -> LocalProtocolError:
    """The error for a field of a value of ours; one that is not printed, as a password, is not shown here either."""
    made: Any = type(instance)
    fields = attrs.fields_dict(made) if attrs.has(made) else {}
    secret = name in fields and not fields[name].repr
    shown = f"a {type(value).__name__} that is not shown" if secret else repr(value)
    return LocalProtocolError(f"{type(instance).__name__}: {name} must be {wanted}, not {shown}")


def checks_types(cls: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """For ``attrs.frozen(field_transformer=checks_types)``: each value has to be of the type at its field.

    A list or a set is taken where a tuple or a frozenset is wanted. Numbers are 0 or more, unless the default is below
    it, and text is not empty, unless the default is; ``metadata`` of a field says otherwise. Raises LocalProtocolError
    with the class, the field, what is wanted and what was given. Types that nothing can be checked against, such as a
    protocol, let everything pass; a field with a converter says by itself what it takes.
    """
    return [_checked(each) for each in fields]


def _checked(field: attrs.Attribute[Any]) -> attrs.Attribute[Any]:
    if field.converter is not None:
        return field.evolve(validator=_with(field.validator, _by_range))
    return field.evolve(validator=_with(field.validator, _by_type), converter=_conversion(str(field.type)))


def _with(given: Callable[..., object] | None, check: Callable[..., object]) -> Callable[..., object]:
    """A check beside what a field has: after one of `wanted`, which says more, and before any other."""
    known = (given, *getattr(given, "_validators", ()))
    if given is None or check in known:  # a base class has this field
        return given or check
    says_more = any(getattr(each, "__module__", "").endswith(".wanted") for each in known)
    return attrs.validators.and_(*((given, check) if says_more else (check, given)))


def _conversion(annotation: str) -> Callable[[Any], Any] | None:
    if annotation.startswith("frozenset["):
        return lambda given: frozenset(given) if isinstance(given, list | tuple | set) and _hashable(given) else given
    if annotation.startswith("tuple[") and "...]" in annotation:
        return lambda given: tuple(given) if isinstance(given, list | set | frozenset) else given
    return None


def _hashable(values: Collection[Any]) -> bool:
    return all(not isinstance(each, list | dict | set) for each in values)


def _by_type(instance: Any, field: attrs.Attribute[Any], value: Any) -> None:
    made: Any = type(instance)
    kind = _type_of(made, field.name)
    if not _fits(value, kind):
        raise wrong(instance, field.name, value, _wanted(kind, value))
    _by_range(instance, field, value)


def _by_range(instance: Any, field: attrs.Attribute[Any], value: Any) -> None:
    """Of a number what it may be, of text whether it may be empty; of several, each."""
    several = isinstance(value, tuple | frozenset)
    for each in value if several else (value,):
        wanted = _wanted_number(field, each) if isinstance(each, int | float) else _wanted_text(field, each)
        if wanted:
            raise wrong(instance, field.name, value, f"several, each {wanted}" if several else wanted)


def _wanted_number(field: attrs.Attribute[Any], value: float) -> str:
    """Empty where it fits."""
    rule, default = field.metadata.get("numbers", ""), field.default
    if isinstance(value, bool) or rule == "any" or (isinstance(default, float) and default < 0):
        return "" if not math.isnan(value) else "a number"
    if rule:
        return "" if value > 0 else "a number above 0"
    return "" if value >= 0 else "a number that is 0 or more"


def _wanted_text(field: attrs.Attribute[Any], value: Any) -> str:
    """Empty where it fits."""
    if value != "" or field.default == "" or "text" in field.metadata:
        return ""
    return "text that is not empty"


@functools.cache
def _type_of(cls: Any, name: str) -> Any:
    """The type that stands at a field; ``object`` where it names what is only there for a type checker."""
    home = next(each for each in cls.__mro__ if name in inspect.get_annotations(each))
    written = inspect.get_annotations(home)[name]
    if not isinstance(written, str):
        return written
    try:
        return eval(written, vars(sys.modules[home.__module__]))  # as typing.get_type_hints does
    except NameError:
        return object


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a type, as far as one can know without calling it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if kind is None or kind is type(None):
        return value is None
    if origin is Literal:
        return value in inner
    if origin is tuple and Ellipsis not in inner:
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(_fits, value, inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items())
    if origin in (tuple, frozenset, set, list, Sequence, Collection):
        several = isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
        return several and all(_fits(each, inner[0]) for each in value)
    if origin is collections.abc.Callable:
        return callable(value)
    return _is_instance(value, kind)


def _is_instance(value: Any, kind: Any) -> bool:
    if not isinstance(kind, type) or kind is object or getattr(kind, "_is_protocol", False):
        return True
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _wanted(kind: Any, value: Any) -> str:
    """What is wanted, with an example of what was meant where that can be seen."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_wanted(each, value) for each in inner)
    if origin in (tuple, frozenset) and (Ellipsis in inner or origin is frozenset):
        if isinstance(value, str):
            return f"several, such as {(value,)!r}" if origin is tuple else f"several, such as {{{value!r}}}"
        return f"a {origin.__name__} whose members are each {_wanted(inner[0], None)}"
    if isinstance(value, str) and hasattr(kind, "parse"):
        name = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
        return f"a {name}, as in {name}.parse({value!r})"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return f"one of {', '.join(f'{kind.__name__}.{each.name}' for each in kind)}"
    if kind is type(None):
        return "None"
    if isinstance(kind, type) and get_origin(kind) is None:
        return _NAMES.get(kind) or f"a {kind.__name__}"
    return str(kind).replace("collections.abc.", "").replace("typing.", "")
