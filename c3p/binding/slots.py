"""Fields that are written as elements, one class for each kind of field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import cast

from c3p.binding.binding import BoundField
from c3p.binding.fields import Child, Children, Text, Texts, WrapperAttribute
from c3p.binding.node import Node, Trimming
from c3p.binding.unknown import attribute_text, write_unknown
from c3p.binding.values import WRITE
from c3p.binding.xml import escape_attribute, escape_text
from c3p.errors import LocalProtocolError
from c3p.namespaces import PREFIXES

Out = list[str]
Values = Mapping[str, object]
#: Called with field and number of items written, to put unknown content between items.
Place = Callable[[str, int], None]
#: Appends the element of a node: out, tag, node, default namespace.
WriteNode = Callable[[Out, str, Node, str], None]


def qualified(namespace: str | None, name: str, default: str) -> str:
    """Name as written where ``default`` is the default namespace; for attributes that is "" always."""
    return name if not namespace or namespace == default else f"{PREFIXES[namespace]}:{name}"


class ElementSlot(ABC):
    """One field that is written as elements."""

    def __init__(self, field: BoundField, tag: str, generation: int) -> None:
        self.name = field.name
        self.tag = tag
        self.generation = generation
        self.required = field.required

    def absent(self, values: Values) -> bool:
        """Whether there is nothing to write."""
        value = values[self.name]
        return value is None or value == ()

    @abstractmethod
    def write(self, out: Out, values: Values) -> None:
        """Append the elements."""

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        """Append the elements, with unknown content in its places."""
        self.write(out, values)


class TextSlot(ElementSlot):
    """A child that holds only text."""

    def __init__(self, field: BoundField, tag: str, spec: Text) -> None:
        super().__init__(field, tag, spec.generation)
        self._text = WRITE[spec.kind]

    def absent(self, values: Values) -> bool:
        value = values[self.name]
        return value is None or (value == "" and self.required)

    def write(self, out: Out, values: Values) -> None:
        out.append(f"<{self.tag}>{escape_text(self._text(values[self.name]))}</{self.tag}>")

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        attributes = attribute_text(trimmed[0].attributes) if 0 in trimmed else ""
        out.append(f"<{self.tag}{attributes}>{escape_text(self._text(values[self.name]))}</{self.tag}>")


class TextsSlot(ElementSlot):
    """Children that hold only text."""

    def __init__(self, field: BoundField, tag: str, spec: Texts) -> None:
        super().__init__(field, tag, spec.generation)
        self._text = WRITE[spec.kind]

    def write(self, out: Out, values: Values) -> None:
        for value in _items(values[self.name]):
            out.append(f"<{self.tag}>{escape_text(self._text(value))}</{self.tag}>")

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        for index, value in enumerate(_items(values[self.name])):
            attributes = attribute_text(trimmed[index].attributes) if index in trimmed else ""
            out.append(f"<{self.tag}{attributes}>{escape_text(self._text(value))}</{self.tag}>")
            place(self.name, index + 1)


class ChildSlot(ElementSlot):
    """A child with structure."""

    def __init__(self, field: BoundField, tag: str, spec: Child, default: str, write_node: WriteNode) -> None:
        super().__init__(field, tag, spec.generation)
        self._default = default
        self._write_node = write_node
        self._item = field.item

    def write(self, out: Out, values: Values) -> None:
        self._write_node(out, self.tag, _node(values[self.name], self._item), self._default)


class ChildrenSlot(ElementSlot):
    """Children with structure."""

    def __init__(self, field: BoundField, tag: str, spec: Children, default: str, write_node: WriteNode) -> None:
        super().__init__(field, tag, spec.generation)
        self._default = default
        self._write_node = write_node
        self._item = field.item

    def write(self, out: Out, values: Values) -> None:
        for item in _items(values[self.name]):
            self._write_node(out, self.tag, _node(item, self._item), self._default)

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        for index, item in enumerate(_items(values[self.name])):
            self._write_node(out, self.tag, _node(item, self._item), self._default)
            place(self.name, index + 1)


class WrappedSlot(ElementSlot):
    """Children of one kind inside an element that holds nothing else."""

    def __init__(self, field: BoundField, tag: str, inner: ElementSlot, attributes: Mapping[str, str], default: str):
        super().__init__(field, tag, inner.generation)
        self._inner = inner
        self._attributes = attributes
        self._default = default

    def absent(self, values: Values) -> bool:
        return values[self.name] == () and all(values[field] is None for field in self._attributes)

    def _start(self, values: Values) -> str:
        attributes = (
            f' {name}="{escape_attribute(values[field])}"'
            for field, name in self._attributes.items()
            if values[field] is not None
        )
        return f"<{self.tag}{''.join(attributes)}"

    def write(self, out: Out, values: Values) -> None:
        out.append(f"{self._start(values)}>")
        self._inner.write(out, values)
        out.append(f"</{self.tag}>")

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        own = trimmed.get(-1, Trimming(self.name, -1))
        out.append(f"{self._start(values)}{attribute_text(own.attributes)}>")
        self._inner.write_trimmed(out, values, trimmed, _nowhere)
        for element in own.elements:
            write_unknown(out, element, self._default)
        out.append(f"</{self.tag}>")


def _nowhere(field: str, index: int) -> None:
    """Unknown content never stands between the items of a wrapper: it is kept behind them."""


def _node(value: object, cls: type[Node] | None) -> Node:
    if not isinstance(value, Node) or type(value) is not cls:
        raise LocalProtocolError(f"expected {cls.__name__ if cls else 'an element'}, not {value!r:.200}")
    return value


def _items(value: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", value)


def element_slot(field: BoundField, fields: tuple[BoundField, ...], default: str, write_node: WriteNode) -> ElementSlot:
    """The slot of one field of a class with those ``fields``."""
    spec = field.spec
    tag = qualified(spec.namespace, spec.name, default) if not isinstance(spec, WrapperAttribute) else ""
    if isinstance(spec, Text):
        return TextSlot(field, tag, spec)
    if isinstance(spec, Child):
        return ChildSlot(field, tag, spec, default, write_node)
    assert isinstance(spec, Texts | Children)
    inner = (
        TextsSlot(field, tag, spec) if isinstance(spec, Texts) else ChildrenSlot(field, tag, spec, default, write_node)
    )
    if spec.wrapper is None:
        return inner
    attributes = {
        other.name: other.spec.name
        for other in fields
        if isinstance(other.spec, WrapperAttribute) and other.spec.field == field.name
    }
    return WrappedSlot(field, qualified(*spec.wrapper, default), inner, attributes, default)
