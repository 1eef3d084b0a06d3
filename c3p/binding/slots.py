"""Fields that are written as elements, one class for each kind of field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import attrs

from c3p.binding.binding import BoundField
from c3p.binding.fields import Child, Children, Text, Texts, WrapperAttribute
from c3p.binding.node import Node, Trimming, Unknown
from c3p.binding.out import Out
from c3p.binding.unknown import attribute_text, write_unknown
from c3p.binding.values import WORDS, WRITE_TEXT
from c3p.binding.xml import escape_attribute
from c3p.errors import LocalProtocolError
from c3p.namespaces import PREFIXES

#: Fields of the node that is being written; their types are looked at where they are written.
Values = Mapping[str, Any]
#: Called with field and number of items written, to put unknown content between items.
Place = Callable[[str, int], None]
#: Children that follow a node's own, with their names.
Others = Iterable[tuple[str, Node | Unknown]]


class WriteNode(Protocol):
    """Appends the element of a node."""

    def __call__(self, out: Out, tag: str, node: Node, children: Others = ()) -> None:
        """Raises LocalProtocolError for values that do not fit."""
        ...


#: What writes nodes of a class where that namespace is the default.
WriterOf = Callable[[type[Node], str], WriteNode]


def qualified(namespace: str | None, name: str, default: str) -> str:
    """Name as written where ``default`` is the default namespace; for attributes that is "" always."""
    return name if not namespace or namespace == default else f"{PREFIXES[namespace]}:{name}"


def prefixes_of(tag: str) -> frozenset[str]:
    """The prefix of a name as written, if it has one."""
    prefix, colon, _ = tag.strip().rpartition(":")
    return frozenset((prefix,)) if colon else frozenset()


def _nothing(out: Out, tag: str, node: Node, children: Others = ()) -> None:
    """How a slot without a child writes it."""


@attrs.frozen
class AttributeSlot:
    """One field that is written as an attribute."""

    name: str
    clark: str
    lead: str  #: everything before the value
    prefixes: frozenset[str]  #: in it
    blank: object  #: value that is not written
    required: bool
    words: bool  #: whether plain text is written as it stands
    text: Callable[[object], str]


class ElementSlot(ABC):
    """One field that is written as elements.

    There is nothing to write when its value is None or ``blank``, and the values of the fields ``also`` are None.
    """

    def __init__(self, field: BoundField, tag: str, generation: int) -> None:
        self.name = field.name
        self.tag = tag
        self.opening = f"<{tag}>"
        self.closing = f"</{tag}>"
        self.prefixes = prefixes_of(tag)
        self.generation = generation
        self.required = field.required
        self.words = False  #: whether each value is text, and stands between ``opening`` and ``closing``
        self.child: type[Node] | None = None  #: class of a value that is one element, which ``write_item`` writes
        self.write_item: WriteNode = _nothing
        self.blank: str | tuple[()] | None = ()
        self.also: tuple[str, ...] = ()

    def absent(self, values: Values) -> bool:
        """Whether there is nothing to write."""
        value = values[self.name]
        return (
            not value and (value is None or value == self.blank) and all(values[field] is None for field in self.also)
        )

    @abstractmethod
    def write(self, out: Out, values: Values) -> None:
        """Append the elements. Raises LocalProtocolError for values that do not fit."""

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        """Append the elements, with unknown content in its places.

        Raises LocalProtocolError for values that do not fit.
        """
        self.write(out, values)


class TextSlot(ElementSlot):
    """A child that holds only text."""

    def __init__(self, field: BoundField, tag: str, spec: Text) -> None:
        super().__init__(field, tag, spec.generation)
        self.text = WRITE_TEXT[spec.kind]
        self.words = spec.kind in WORDS
        self.blank = "" if field.required else None

    def write(self, out: Out, values: Values) -> None:
        out.append(f"{self.opening}{self.text(values[self.name])}{self.closing}")

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        attributes = attribute_text(out, trimmed[0].attributes) if 0 in trimmed else ""
        out.append(f"<{self.tag}{attributes}>{self.text(values[self.name])}{self.closing}")


class TextsSlot(ElementSlot):
    """Children that hold only text."""

    def __init__(self, field: BoundField, tag: str, spec: Texts) -> None:
        super().__init__(field, tag, spec.generation)
        self.text = WRITE_TEXT[spec.kind]
        self.words = spec.kind in WORDS

    def write(self, out: Out, values: Values) -> None:
        for value in values[self.name] or ():
            out.append(f"{self.opening}{self.text(value)}{self.closing}")

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        for index, value in enumerate(values[self.name] or ()):
            attributes = attribute_text(out, trimmed[index].attributes) if index in trimmed else ""
            out.append(f"<{self.tag}{attributes}>{self.text(value)}{self.closing}")
            place(self.name, index + 1)


class ChildSlot(ElementSlot):
    """A child with structure."""

    def __init__(self, field: BoundField, tag: str, spec: Child, write_item: WriteNode) -> None:
        super().__init__(field, tag, spec.generation)
        self.child = field.item
        self.write_item = write_item

    def write(self, out: Out, values: Values) -> None:
        value = values[self.name]
        if type(value) is not self.child:
            raise _misfit(value, self.child)
        self.write_item(out, self.tag, value)


class ChildrenSlot(ElementSlot):
    """Children with structure."""

    def __init__(self, field: BoundField, tag: str, spec: Children, write_item: WriteNode) -> None:
        super().__init__(field, tag, spec.generation)
        self._item = field.item
        self._write_item = write_item

    def write(self, out: Out, values: Values) -> None:
        for item in values[self.name] or ():
            if type(item) is not self._item:
                raise _misfit(item, self._item)
            self._write_item(out, self.tag, item)

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        for index, item in enumerate(values[self.name] or ()):
            if type(item) is not self._item:
                raise _misfit(item, self._item)
            self._write_item(out, self.tag, item)
            place(self.name, index + 1)


class WrappedSlot(ElementSlot):
    """Children of one kind inside an element that holds nothing else."""

    def __init__(self, field: BoundField, tag: str, inner: ElementSlot, attributes: Mapping[str, str], default: str):
        super().__init__(field, tag, inner.generation)
        self.also = tuple(attributes)
        self.prefixes |= inner.prefixes
        self.inner = inner
        self._attributes = attributes
        self._default = default

    def _start(self, values: Values) -> str:
        start = f"<{self.tag}"
        for field, name in self._attributes.items():
            if values[field] is not None:
                start += f' {name}="{escape_attribute(values[field])}"'
        return start

    def write(self, out: Out, values: Values) -> None:
        out.append(f"{self._start(values)}>" if self.also else self.opening)
        self.inner.write(out, values)
        out.append(self.closing)

    def write_trimmed(self, out: Out, values: Values, trimmed: Mapping[int, Trimming], place: Place) -> None:
        own = trimmed.get(-1, Trimming(self.name, -1))
        out.append(f"{self._start(values)}{attribute_text(out, own.attributes)}>")
        self.inner.write_trimmed(out, values, trimmed, _nowhere)
        for element in own.elements:
            write_unknown(out, element, self._default)
        out.append(self.closing)


def _nowhere(field: str, index: int) -> None:
    """Unknown content never stands between the items of a wrapper: it is kept behind them."""


def _misfit(value: object, cls: type[Node] | None) -> LocalProtocolError:
    return LocalProtocolError(f"expected {cls.__name__ if cls else 'an element'}, not {value!r:.200}")


def element_slot(field: BoundField, fields: tuple[BoundField, ...], default: str, writer_of: WriterOf) -> ElementSlot:
    """The slot of one field of a class with those ``fields``."""
    spec = field.spec
    if isinstance(spec, Text):
        return TextSlot(field, qualified(spec.namespace, spec.name, default), spec)
    assert isinstance(spec, Child | Texts | Children)
    inner = _inner_slot(field, spec, default, writer_of)
    if isinstance(spec, Child) or spec.wrapper is None:
        return inner
    attributes = {
        other.name: other.spec.name
        for other in fields
        if isinstance(other.spec, WrapperAttribute) and other.spec.field == field.name
    }
    return WrappedSlot(field, qualified(*spec.wrapper, default), inner, attributes, default)


def _inner_slot(field: BoundField, spec: Child | Texts | Children, default: str, writer_of: WriterOf) -> ElementSlot:
    tag = qualified(spec.namespace, spec.name, default)
    if isinstance(spec, Texts):
        return TextsSlot(field, tag, spec)
    assert field.item is not None
    write_item = writer_of(field.item, default)
    if isinstance(spec, Child):
        return ChildSlot(field, tag, spec, write_item)
    return ChildrenSlot(field, tag, spec, write_item)
