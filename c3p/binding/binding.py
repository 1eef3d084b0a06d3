"""What the annotations of a document class say, gathered once for each class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Final, TypeVar, cast, get_args, get_origin, get_type_hints

import attrs

from c3p.binding.fields import Child, Children, Spec, Texts
from c3p.binding.node import Extra, Node, Placed, Trimming

N = TypeVar("N", bound=Node)
P = TypeVar("P", Placed, Trimming)


@attrs.frozen
class BoundField:
    """One field of a document class and its place on the wire."""

    name: str
    spec: Spec
    item: type[Node] | None  #: class of the child or children
    required: bool
    blank: str | tuple[()] | None  #: value when the wire has nothing: "", (), None

    @property
    def many(self) -> bool:
        """Whether the value is a tuple."""
        return isinstance(self.spec, Texts | Children)


def _bind_all(cls: type[Node]) -> tuple[BoundField, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        _bind(field, *get_args(hints[field.name])[:2])
        for field in attrs.fields(cls)
        if get_origin(hints[field.name]) is Annotated
    )


#: Fields of a class that are on the wire, in their order there; gathered at first use.
bound_fields: Final = cast("Callable[[type[Node]], tuple[BoundField, ...]]", cache(_bind_all))


def _bind(field: attrs.Attribute[object], hint: object, spec: Spec) -> BoundField:
    required = field.default is attrs.NOTHING
    if isinstance(spec, Texts | Children):
        return BoundField(field.name, spec, _item_class(hint), required, ())
    blank = "" if hint is str else None
    return BoundField(field.name, spec, _item_class(hint) if isinstance(spec, Child) else None, required, blank)


def _item_class(hint: object) -> type[Node] | None:
    """``X`` in ``X``, ``X | None`` and ``tuple[X, ...]``."""
    for candidate in (hint, *get_args(hint)):
        if isinstance(candidate, type) and issubclass(candidate, Node):
            return candidate
    return None


def evolved(node: N, values: Mapping[str, object]) -> N:
    """A copy of a node with other values: what ``attrs.evolve`` does, for values that are chosen by name."""
    made = object.__new__(type(node))
    made.__dict__.update(node.__dict__)
    made.__dict__.update(values)
    return made


def clark(namespace: str | None, name: str) -> str:
    """Name in Clark notation."""
    return f"{{{namespace}}}{name}" if namespace else name


def ordered_extra(
    cls: type[Node], attributes: Iterable[tuple[str, str]], placed: Iterable[Placed], trimmings: Iterable[Trimming]
) -> Extra:
    """Unknown content in the order in which it will be written, so that equal content makes equal values."""
    return Extra(tuple(attributes), _sorted(cls, placed), _sorted(cls, trimmings))


def _place_all(cls: type[Node]) -> Mapping[str, int]:
    return {field.name: place for place, field in enumerate(bound_fields(cls))}


#: Where each field stands on the wire.
_places: Final = cast("Callable[[type[Node]], Mapping[str, int]]", cache(_place_all))


def _sorted(cls: type[Node], items: Iterable[P]) -> tuple[P, ...]:
    given = tuple(items)
    if len(given) < 2:
        return given
    order = _places(cls)
    keys = [(order.get(one.field, -1), one.index) for one in given]
    before = keys[0]
    for key in keys:  # as it came from the wire it is in order nearly always
        if key < before:
            return tuple(sorted(given, key=lambda one: (order.get(one.field, -1), one.index)))
        before = key
    return given
