"""Settings that are refused where they are written, by the types that stand at their fields.

What a program gives at its start is often written by hand, and not every program is checked for types: one ``str`` in
place of several names would be taken for its letters, and ``"5060"`` for a port until something is sent.
"""

from __future__ import annotations

import collections.abc
import enum
import functools
import inspect
import sys
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs

from sip.syntax.uri import Uri
from sip.wanted import wrong

_NAMES: Final = {str: "a str", int: "a whole number", float: "a number", bool: "True or False", bytes: "octets"}


def checks_types(cls: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """For ``attrs.frozen(field_transformer=sip.checks_types)``: each value has to be of the type at its field.

    A list or a set is taken where a tuple or a frozenset is wanted. Raises LocalProtocolError with the class, the
    field, what is wanted and what was given. Types that nothing can be checked against, such as a protocol, let
    everything pass; a field with a converter says by itself what it takes.
    """
    return [_checked(each) for each in fields]


def _checked(field: attrs.Attribute[Any]) -> attrs.Attribute[Any]:
    if field.converter is not None:
        return field
    return field.evolve(validator=_with(field.validator), converter=_conversion(str(field.type)))


def _with(given: Callable[..., object] | None) -> Callable[..., object]:
    """The check by type beside what a field has: after one of `sip.wanted`, which says more, and before any other."""
    known = (given, *getattr(given, "_validators", ()))
    if given is None or _by_type in known:  # a base class has this field
        return given or _by_type
    says_more = any(getattr(each, "__module__", "") == wrong.__module__ for each in known)
    return attrs.validators.and_(*((given, _by_type) if says_more else (_by_type, given)))


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
        raise wrong(instance, field, value, _wanted(kind, value))


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
    if kind is Uri and isinstance(value, str):
        return f"a sip.Uri, as in sip.Uri.parse({value!r})"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return f"one of {', '.join(f'{kind.__name__}.{each.name}' for each in kind)}"
    if kind is type(None):
        return "None"
    if isinstance(kind, type) and get_origin(kind) is None:
        return _NAMES.get(kind) or f"a {kind.__name__}"
    return str(kind).replace("collections.abc.", "").replace("typing.", "")
