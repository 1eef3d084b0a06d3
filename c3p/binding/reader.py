"""From XML elements to document classes: one reader for each class, compiled from its annotations.

Names are matched by namespace and local name. An element or attribute without a namespace is taken for the known one
of that local name, because dialects and printed schemas leave namespaces out (MS-CONFBAS).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast

from lxml import etree

from c3p.binding.binding import BoundField, bound_fields, clark, ordered_extra
from c3p.binding.fields import Attribute, Children, Text, Texts, WrapperAttribute
from c3p.binding.node import NOTHING, Node, Placed, Trimming
from c3p.binding.unknown import read_unknown
from c3p.binding.values import READ
from c3p.binding.xml import attributes_of
from c3p.error_ids import ErrorId
from c3p.errors import MalformedDocument
from c3p.namespaces import CI, SEPARATOR

N = TypeVar("N", bound=Node)
#: Fields of the node that is being read, by name; lists where the node has tuples.
Values = dict[str, object]
#: Text to value, None when the text is no such value.
Convert = Callable[[str], object]
#: Makes a node of an element.
Read = Callable[[etree._Element], Node]
#: Takes one child element into the values, or returns False: then it is unknown content.
Taker = Callable[[Values, etree._Element, list[Trimming]], bool]
#: A field, and one of: how text becomes its value; what reads its node, and whether it has many; what takes the rest.
Known = tuple[str, Convert | None, Read | None, bool, Taker | None]


class Reader(Generic[N]):
    """Reads elements into ``cls``."""

    def __init__(self, cls: type[N]) -> None:
        self._cls = cls
        fields = bound_fields(cls)
        self._blank: Values = {**{field.name: field.blank for field in fields}, "extra": NOTHING}
        self._many = tuple(field.name for field in fields if field.many)
        self._required = tuple(field.name for field in fields if field.required and not _may_be_empty(field))
        self._finish = None if cls.after_reading is Node.after_reading else cls.after_reading
        self._attributes: dict[str, tuple[str, Convert]] = {}
        self._aliases: dict[str, tuple[str, Convert]] = {}
        #: by name of a child, which is text; the types of lxml allow more, and a call to say so costs at each child
        self._children: dict[Any, Known] = {}
        for field in fields:
            self._learn(field, fields)

    def _learn(self, field: BoundField, fields: tuple[BoundField, ...]) -> None:
        spec = field.spec
        if isinstance(spec, Attribute):
            entry = (field.name, READ[spec.kind])
            self._attributes[clark(spec.namespace, spec.name)] = entry
            self._aliases[clark(CI if spec.namespace is None else None, spec.name)] = entry
        elif not isinstance(spec, WrapperAttribute):
            wrapper = spec.wrapper if isinstance(spec, Texts | Children) else None
            namespace, name = wrapper or (spec.namespace, spec.name)
            known = _known(field, fields)
            self._children[clark(namespace, name)] = known
            self._children.setdefault(name, known)

    def read(self, element: etree._Element, others: list[etree._Element] | None = None) -> N:
        """The node. Raises MalformedDocument when something required is not there.

        Children that are no fields are unknown content, unless somebody takes them as ``others``.
        """
        values = self._blank.copy()
        unknown_attributes: list[tuple[str, str]] = []
        known = self._attributes
        for pair in attributes_of(element):
            field, convert = known.get(pair[0], _UNKNOWN)
            value = None if convert is None else convert(pair[1])
            if value is None:
                unknown_attributes.append(pair)
            else:
                values[field] = value
        if unknown_attributes:
            unknown_attributes = self._take_aliases(values, unknown_attributes)
        trimmings: list[Trimming] = []
        placed: list[Placed] = []
        generation = 0
        last = ""
        blank, children = self._blank, self._children
        for child in element:
            tag = child.tag
            name, convert, read, many, take = children.get(tag, _NOBODY)
            if convert is not None:
                if values[name] == blank[name] and not len(child):
                    value = convert(child.text or "")
                    if value is not None:
                        values[name] = value
                        last = name
                        if attributes := attributes_of(child):
                            trimmings.append(Trimming(name, 0, tuple(attributes)))
                        continue
            elif read is not None:
                items = values[name]
                if isinstance(items, list):
                    items.append(read(child))
                    last = name
                    continue
                if not items:
                    values[name] = [read(child)] if many else read(child)
                    last = name
                    continue
            elif take is not None and take(values, child, trimmings):
                last = name
                continue
            if tag == SEPARATOR:
                generation += 1
            elif others is not None:
                others.append(child)
            else:
                placed.append(Placed(read_unknown(child), last, _count(values, last), generation))
        if unknown_attributes or placed or trimmings:
            values["extra"] = ordered_extra(self._cls, unknown_attributes, placed, trimmings)
        for name in self._required:
            if not values[name] and values[name] != 0:
                raise MalformedDocument(
                    f"{etree.QName(element).localname} without {name}",
                    error_id=getattr(self._cls, "CONTENT_ERROR", ErrorId.DOCUMENT_DOES_NOT_PARSE),
                )
        for name in self._many:
            items = values[name]
            values[name] = tuple(items) if isinstance(items, list) else ()
        made = object.__new__(self._cls)
        object.__setattr__(made, "__dict__", values)
        return made if self._finish is None else self._finish(made)

    def _take_aliases(self, values: Values, unknown: list[tuple[str, str]]) -> list[tuple[str, str]]:
        left = []
        for pair in unknown:
            name, convert = self._aliases.get(pair[0], ("", None))
            value = convert(pair[1]) if convert and values[name] == self._blank[name] else None
            if value is None:
                left.append(pair)
            else:
                values[name] = value
        return left


_NOBODY: Final[Known] = ("", None, None, False, None)
_UNKNOWN: Final[tuple[str, Convert | None]] = ("", None)


def _may_be_empty(field: BoundField) -> bool:
    return isinstance(field.spec, Attribute) and field.spec.always


def _count(values: Values, name: str) -> int:
    value = values.get(name)
    return len(value) if isinstance(value, list) else 1 if name else 0


#: The reader of a class, compiled at first use.
reader: Final = cast("Callable[[type[N]], Reader[N]]", cache(Reader))


def _known(field: BoundField, fields: tuple[BoundField, ...]) -> Known:
    spec = field.spec
    if isinstance(spec, Text):
        return field.name, READ[spec.kind], None, False, None
    if field.item is not None and not (isinstance(spec, Children) and spec.wrapper):
        return field.name, None, reader(field.item).read, isinstance(spec, Children), None
    assert isinstance(spec, Texts | Children)
    return field.name, None, None, True, _taker(field, spec, fields)


def _taker(field: BoundField, spec: Texts | Children, fields: tuple[BoundField, ...]) -> Taker:
    take = _take_texts(field.name, READ[spec.kind]) if isinstance(spec, Texts) else _take_children(field)
    if spec.wrapper is None:
        return take
    known = {
        other.spec.name: other.name
        for other in fields
        if isinstance(other.spec, WrapperAttribute) and other.spec.field == field.name
    }
    return _take_wrapped(field.name, {clark(spec.namespace, spec.name), spec.name}, take, known)


def _take_texts(name: str, convert: Callable[[str], object]) -> Taker:
    def take(values: Values, child: etree._Element, trimmings: list[Trimming]) -> bool:
        value = None if len(child) else convert(child.text or "")
        if value is None:
            return False
        items = values[name]
        if not isinstance(items, list):
            items = values[name] = []
        items.append(value)
        if attributes := attributes_of(child):
            trimmings.append(Trimming(name, len(items) - 1, tuple(attributes)))
        return True

    return take


def _take_children(field: BoundField) -> Taker:
    assert field.item is not None
    name, read = field.name, reader(field.item).read

    def take(values: Values, child: etree._Element, trimmings: list[Trimming]) -> bool:
        items = values[name]
        if isinstance(items, list):
            items.append(read(child))
        else:
            values[name] = [read(child)]
        return True

    return take


def _take_wrapped(name: str, tags: set[str], take_item: Taker, known: dict[str, str]) -> Taker:
    def take(values: Values, child: etree._Element, trimmings: list[Trimming]) -> bool:
        if values[name]:
            return False
        unknown = []
        for inner in child:
            tag = inner.tag
            if not (tag in tags and take_item(values, inner, trimmings)) and tag != SEPARATOR:
                unknown.append(read_unknown(inner))
        attributes = []
        for pair in attributes_of(child):
            if pair[0] in known:
                values[known[pair[0]]] = pair[1].strip()
            else:
                attributes.append(pair)
        if unknown or attributes:
            trimmings.append(Trimming(name, -1, tuple(attributes), tuple(unknown)))
        return True

    return take
