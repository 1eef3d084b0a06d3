"""What the annotations of a document class say, gathered once for each class."""

from __future__ import annotations

from typing import Annotated, Final, get_args, get_origin, get_type_hints

import attrs

from c3p.fields import Child, Children, Spec, Texts
from c3p.node import Node


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


_FIELDS: Final[dict[type[Node], tuple[BoundField, ...]]] = {}


def bound_fields(cls: type[Node]) -> tuple[BoundField, ...]:
    """Fields of ``cls`` that are on the wire, in their order there."""
    if cls not in _FIELDS:
        _FIELDS[cls] = _bind_all(cls)
    return _FIELDS[cls]


def _bind_all(cls: type[Node]) -> tuple[BoundField, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        _bind(field, *get_args(hints[field.name])[:2])
        for field in attrs.fields(cls)
        if get_origin(hints[field.name]) is Annotated
    )


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


def clark(namespace: str | None, name: str) -> str:
    """Name in Clark notation."""
    return f"{{{namespace}}}{name}" if namespace else name
