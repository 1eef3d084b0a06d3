"""From document classes to XML: one writer for each class and default namespace, compiled from its annotations."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, cast

from c3p.binding.binding import bound_fields, clark
from c3p.binding.fields import Attribute, WrapperAttribute
from c3p.binding.node import Extra, Node, Placed, Trimming, Unknown
from c3p.binding.out import Out
from c3p.binding.slots import AttributeSlot, ElementSlot, Others, WriteNode, element_slot, prefixes_of, qualified
from c3p.binding.straight_writer import SEPARATOR, straight_writer
from c3p.binding.unknown import attribute_text, write_unknown
from c3p.binding.values import WORDS, WRITE_ATTRIBUTE
from c3p.errors import LocalProtocolError
from c3p.namespaces import CIS, PREFIXES

_NONE: Final[Mapping[int, Trimming]] = {}


class Writer:
    """Writes nodes of ``cls`` where ``default`` is the default namespace.

    ``write`` appends the element of a node, and behind its own children those that it is given. It raises
    LocalProtocolError for values that do not fit.
    """

    def __init__(self, cls: type[Node], default: str) -> None:
        self._cls = cls
        self._default = default
        fields = bound_fields(cls)
        self._attributes = tuple(
            AttributeSlot(
                field.name,
                clark(field.spec.namespace, field.spec.name),
                f' {qualified(field.spec.namespace, field.spec.name, "")}="',
                prefixes_of(qualified(field.spec.namespace, field.spec.name, "")),
                None if field.spec.always else field.blank,
                field.required and not field.spec.always,
                field.spec.kind in WORDS,
                WRITE_ATTRIBUTE[field.spec.kind],
            )
            for field in fields
            if isinstance(field.spec, Attribute)
        )
        self._slots: tuple[ElementSlot, ...] = tuple(
            element_slot(field, fields, default, _write_of)
            for field in fields
            if not isinstance(field.spec, Attribute | WrapperAttribute)
        )
        self.write = straight_writer(
            self._attributes,
            self._slots,
            write_whole=self._write_whole,
            write_others=self._write_others,
            lacking=self._lacking,
            of=cls.__name__,
        )

    def _write_whole(self, out: Out, tag: str, node: Node, children: Others) -> None:
        """Append the element of a node that has unknown content."""
        values = node.__dict__
        extra: Extra = values["extra"]
        start = f"<{tag}"
        for attribute in self._attributes:
            value = values[attribute.name]
            if not value and (value is None or value == attribute.blank):
                if attribute.required:
                    raise self._lacking(attribute.name)
                continue
            if attribute.prefixes:
                out.prefixes |= attribute.prefixes
            start += f'{attribute.lead}{attribute.text(value)}"'
        out.append(start + self._unknown_attributes(out, values, extra))
        mark = len(out)
        self._write_with_unknown(out, values, extra)
        self._write_others(out, children)
        if len(out) == mark:
            out[-1] += "/>"
        else:
            out[mark - 1] += ">"
            out.append(f"</{tag}>")

    def _unknown_attributes(self, out: Out, values: dict[str, object], extra: Extra) -> str:
        taken = {slot.clark for slot in self._attributes if values[slot.name] not in (None, slot.blank)}
        return attribute_text(out, (pair for pair in extra.attributes if pair[0] not in taken))

    def _write_with_unknown(self, out: Out, values: dict[str, object], extra: Extra) -> None:
        placing = _Placing(out, extra, self._default)
        placing.place("")
        for slot in self._slots:
            trimmed = _NONE
            if extra.trimmings:
                trimmed = {one.index: one for one in extra.trimmings if one.field == slot.name}
            elif not values[slot.name] and slot.absent(values) and not slot.required:
                placing.place(slot.name)
                continue
            if slot.absent(values) and -1 not in trimmed:
                if slot.required:
                    raise self._lacking(slot.name)
            else:
                placing.separate(slot.generation)
                out.prefixes |= slot.prefixes
                slot.write_trimmed(out, values, trimmed, placing.place)
            placing.place(slot.name)
        placing.place_rest()

    def _write_others(self, out: Out, children: Others) -> None:
        for tag, child in children:
            if isinstance(child, Unknown):
                write_unknown(out, child, self._default)
            else:
                _writer(type(child), self._default).write(out, tag, child)

    def _lacking(self, field: str) -> LocalProtocolError:
        return LocalProtocolError(f"{self._cls.__name__} needs {field}")


def _separate(out: Out, generations: int) -> None:
    out.append(SEPARATOR * generations)
    out.prefixes.add(PREFIXES[CIS])


class _Placing:
    """Puts unknown children back where they stood."""

    def __init__(self, out: Out, extra: Extra, default: str) -> None:
        self._out = out
        self._default = default
        self._generation = 0
        self._waiting: dict[str, deque[Placed]] = {}
        for one in sorted(extra.elements, key=lambda placed: placed.index):
            self._waiting.setdefault(one.field, deque()).append(one)

    def separate(self, generation: int) -> None:
        if generation > self._generation:
            _separate(self._out, generation - self._generation)
            self._generation = generation

    def place(self, field: str, index: int | None = None) -> None:
        """Write those that stood after the ``index`` first items of ``field``; without index all that stood there."""
        waiting = self._waiting.get(field)
        while waiting and (index is None or waiting[0].index <= index):
            one = waiting.popleft()
            self.separate(one.generation)
            write_unknown(self._out, one.element, self._default)

    def place_rest(self) -> None:
        for field in self._waiting:
            self.place(field)


_writer: Final = cast("Callable[[type[Node], str], Writer]", cache(Writer))


def _write_of(cls: type[Node], default: str) -> WriteNode:
    return _writer(cls, default).write


def render(node: Node, name: str, namespace: str, children: Iterable[tuple[str, Node | Unknown]] = ()) -> bytes:
    """A whole document, UTF-8, without XML declaration: the root is ``name`` in ``namespace``.

    Prefixes are declared on the root, those only that are used. Raises LocalProtocolError for values that do not fit.
    """
    out = Out()
    out.prefixes = set()
    _writer(type(node), namespace).write(out, name, node, children)
    text = "".join(out)
    declarations = f' xmlns="{namespace}"' if namespace else ""
    for uri, prefix in PREFIXES.items():
        if prefix in out.prefixes:
            declarations += f' xmlns:{prefix}="{uri}"'
    return f"<{name}{declarations}{text[len(name) + 1 :]}".encode()
