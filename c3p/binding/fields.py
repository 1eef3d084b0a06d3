"""How an attrs field stands on the wire.

A document class says it once, in the annotation of each field, from which `c3p.binding` compiles reader and
writer::

    @attrs.frozen(kw_only=True, slots=False)
    class Media(Node):
        id: Annotated[str, Attribute("id")] = ""
        label: Annotated[str | None, Text(CI, "label")] = None

The order of fields is the order on the wire. ``generation`` counts the ``cis:separator`` elements that must stand
before a field (MS-CONFBAS): strict schema-driven peers need them.
"""

from __future__ import annotations

from enum import Enum, auto

import attrs


class Kind(Enum):
    """Type of one value on the wire."""

    TEXT = auto()  #: str, kept to the last blank
    TOKEN = auto()  #: str, white space around it is not part of it
    BOOLEAN = auto()  #: bool
    UINT = auto()  #: int, 0 and up
    NUMBER = auto()  #: str of decimal digits, echoed as it came; any length
    CODE = auto()  #: Code, nothing else


@attrs.frozen
class Attribute:
    """One XML attribute; ``namespace`` None is an unqualified one. The other spelling is accepted on receipt."""

    name: str
    namespace: str | None = None
    kind: Kind = Kind.TOKEN
    always: bool = False  #: written even when empty


@attrs.frozen
class Text:
    """At most one child element that holds only text."""

    namespace: str | None
    name: str
    kind: Kind = Kind.TOKEN
    generation: int = 0


@attrs.frozen
class Texts:
    """Child elements that hold only text, inside ``wrapper`` when given (``roles/entry``)."""

    namespace: str | None
    name: str
    wrapper: tuple[str | None, str] | None = None
    generation: int = 0
    kind: Kind = Kind.TOKEN


@attrs.frozen
class Child:
    """At most one child element with structure; its class is that of the annotation."""

    namespace: str | None
    name: str
    generation: int = 0


@attrs.frozen
class Children:
    """Child elements with structure, inside ``wrapper`` when given (``conf-uris/entry``)."""

    namespace: str | None
    name: str
    wrapper: tuple[str | None, str] | None = None
    generation: int = 0


@attrs.frozen
class WrapperAttribute:
    """An unqualified attribute of the wrapper of another field."""

    field: str
    name: str


Spec = Attribute | Text | Texts | Child | Children | WrapperAttribute
