"""What every element of a document has: a place for content that this package does not know."""

from __future__ import annotations

from typing import Self

import attrs

from c3p.errors import LocalProtocolError


@attrs.frozen
class Unknown:
    """An element that this package has no class for, kept so that it survives a round trip.

    Names are in Clark notation, ``{namespace}local`` or ``local``. ``content`` is text and elements in order.
    Comments and processing instructions are not kept, and a prefix inside a value means nothing here. ``repr`` has the
    name alone: nobody knows whether the rest is a passcode.
    """

    name: str
    attributes: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    content: tuple[str | Unknown, ...] = attrs.field(default=(), repr=False)

    @property
    def local_name(self) -> str:
        """Name without namespace."""
        return self.name.rpartition("}")[2]

    @property
    def text(self) -> str:
        """Text directly in this element."""
        return "".join(part for part in self.content if isinstance(part, str))

    def elements(self) -> tuple[Unknown, ...]:
        """Elements directly in this one."""
        return tuple(part for part in self.content if isinstance(part, Unknown))


@attrs.frozen
class Placed:
    """An unknown child and where it stood: after the ``index`` first items of ``field``, "" being the start.

    The place does not count in comparisons: it moves when what stood before it goes away.
    """

    element: Unknown
    field: str = attrs.field(default="", eq=False)
    index: int = attrs.field(default=0, eq=False)
    generation: int = attrs.field(default=0, eq=False)  #: separators that stood before it


@attrs.frozen
class Trimming:
    """Unknown attributes and children of a child that has no class of its own; ``index`` -1 is the wrapper of it."""

    field: str
    index: int
    attributes: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    elements: tuple[Unknown, ...] = ()


@attrs.frozen
class Extra:
    """Content of one element that this package does not know."""

    attributes: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    elements: tuple[Placed, ...] = ()
    trimmings: tuple[Trimming, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.attributes or self.elements or self.trimmings)

    def attribute(self, name: str) -> str | None:
        """Value of an unknown attribute, by its name in Clark notation."""
        return dict(self.attributes).get(name)

    def find(self, name: str) -> Unknown | None:
        """First unknown child of that name in Clark notation."""
        return next((placed.element for placed in self.elements if placed.element.name == name), None)


NOTHING = Extra()


@attrs.frozen(kw_only=True, slots=False)
class Node:
    """Base of all document classes. Content that is not known is in ``extra`` and is written back where it stood.

    They are frozen, built by keyword only, and not slotted: the reader fills the instance dictionary in one step.
    """

    extra: Extra = attrs.field(default=NOTHING, repr=False)

    def evolve(self, **changes: object) -> Self:
        """The same with other values in some fields. Raises LocalProtocolError for a field that it does not have."""
        known = {field.name for field in attrs.fields(type(self))}
        if unknown := sorted(set(changes) - known):
            raise LocalProtocolError(
                f"{type(self).__name__} has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            )
        return attrs.evolve(self, **changes)  # type: ignore[arg-type]  # the fields say what fits

    def after_reading(self) -> Self:
        """The value as read, with what a dialect puts elsewhere brought to its place."""
        return self
