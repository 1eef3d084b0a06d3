"""From document classes to XML schemas (XSD 1.0): what their annotations say, for tools that know no Python.

Each namespace has one schema. A class is a type there, called as the class is, in the namespace of its children: only
so can a child be declared beside the others. Children of the own namespace stand in their order; then come those of
other namespaces, known or not: XSD 1.0 cannot tell known ones from the rest without being ambiguous (Unique Particle
Attribution), and RFC 4575 section 4.6 has it so, too. They are checked wherever they stand, because every known one
is declared by itself. Unknown elements of the own namespace, and unknown attributes without namespace, are errors:
misspelt ones look like that.

Types of words are open, as they are on the wire: what is listed is what is known. ``state`` and ``code`` are closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

import attrs
from lxml import etree

from c3p.binding.binding import BoundField, bound_fields
from c3p.binding.fields import Attribute, Child, Children, Kind, Text, Texts, WrapperAttribute
from c3p.binding.node import Node

_XS: Final = "http://www.w3.org/2001/XMLSchema"
_VALUES: Final = "values.xsd"  #: types of single values; included by every schema, whose namespace they get
#: Name of the type of one value, and of what it is a restriction.
_KINDS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.TEXT: ("text", "string"),
    Kind.TOKEN: ("word", "token"),
    Kind.BOOLEAN: ("flag", "boolean"),
    Kind.UINT: ("count", "nonNegativeInteger"),
    Kind.NUMBER: ("digits", "token"),
}


@attrs.frozen(kw_only=True)
class Vocabulary:
    """Words that values have."""

    words: type[Enum]
    open: bool = True  #: whether others may come

    @property
    def name(self) -> str:
        """Of its type."""
        return self.words.__name__


@attrs.frozen(kw_only=True)
class Plan:
    """What schemas are made of."""

    #: File and usual prefix of each namespace.
    namespaces: Mapping[str, tuple[str, str]]
    roots: Mapping[tuple[str, str], type[Node]]  #: by namespace and name: documents, and what stands by itself
    #: The children of a class that its annotations do not name: ``"one"`` of the roots of a namespace, or ``"any"``
    #: element or none.
    contents: Mapping[type[Node], str]
    choices: tuple[tuple[str, str], ...]  #: of ``"one"``
    words: Mapping[tuple[str, str], Vocabulary | None]  #: by class (``*``: any other) and field
    separator: tuple[str, str]  #: the empty element between generations of fields


class _Schema:
    """One namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.types: dict[str, etree._Element] = {}
        self.elements: dict[str, str] = {}  #: type of each element that is declared by itself
        self.attributes: dict[str, str] = {}
        self.imports: set[str] = set()


class Schemas:
    """Makes the schemas of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._schemas = {namespace: _Schema(namespace) for namespace in plan.namespaces}
        self._homes: dict[type[Node], str] = {}

    def files(self) -> dict[str, bytes]:
        """Name and content of each. Raises ValueError where two elements of one name have different types."""
        for (namespace, name), cls in self._plan.roots.items():
            self._declare(namespace, name, self._type_of(cls, namespace))
        self._declare(*self._plan.separator, self._named(self._plan.separator[0], "nothing"))
        made = {_VALUES: self._values()}
        for namespace, schema in self._schemas.items():
            made[self._plan.namespaces[namespace][0]] = self._written(schema)
        return made

    # Types -----------------------------------------------------------------------------------------------------------

    def _type_of(self, cls: type[Node], user: str) -> str:
        """Name of the type of a class, used by an element of namespace ``user``; it is made when first asked for."""
        home = self._homes.get(cls)
        if home is None:
            spaces = (_space(field) for field in bound_fields(cls))
            home = self._homes[cls] = next((each for each in spaces if each is not None), user)
            made = self._schemas[home].types[cls.__name__] = _xs("complexType", name=cls.__name__)
            self._fill(made, cls, home)
        return self._named(home, cls.__name__)

    def _fill(self, made: etree._Element, cls: type[Node], home: str) -> None:
        sequence = etree.SubElement(made, f"{{{_XS}}}sequence")
        foreign: list[str] = []  # what the wildcard at the end is for
        apart = False  # whether separators stand between its own elements
        for field in bound_fields(cls):
            namespace = _space(field)
            if namespace is None:
                continue
            name, inner, many = self._element(cls, field, namespace)
            if namespace == home and not foreign:
                apart = apart or _generation(field) > 0
                occurs = {} if field.required else {"minOccurs": "0"}
                sequence.append(_xs("element", name=name, type=inner, **occurs, **_many(many)))
                continue
            self._declare(namespace, name, inner)
            if namespace == home:
                raise ValueError(f"{cls.__name__}.{field.name} stands behind another namespace")
            self._schemas[home].imports.add(namespace)
            if field.required and not foreign:
                sequence.append(_xs("element", ref=self._named(namespace, name)))
            else:
                foreign.append(f"{self._plan.namespaces[namespace][1]}:{name}")
        made.insert(0, _documentation(cls, foreign))
        content = self._plan.contents.get(cls)
        if content == "one":
            choice = etree.SubElement(sequence, f"{{{_XS}}}choice")
            for namespace, name in self._plan.choices:
                choice.append(_xs("element", ref=self._named(namespace, name)))
            choice.append(_any("##other", once=True))
        elif content == "any":
            sequence.append(_any("##any", once=True))
        else:
            sequence.append(_any("##other"))
        if apart:
            _loosen(sequence)
        for field in bound_fields(cls):
            if isinstance(field.spec, Attribute):
                made.append(self._attribute(cls, field, field.spec))
        made.append(_xs("anyAttribute", namespace="##other", processContents="lax"))

    def _element(self, cls: type[Node], field: BoundField, namespace: str) -> tuple[str, str, bool]:
        """Name and type of the element of a field, and whether there may be many."""
        spec = field.spec
        assert isinstance(spec, Text | Texts | Child | Children)
        if isinstance(spec, Texts | Children) and spec.wrapper is not None:
            return spec.wrapper[1], self._wrapper(cls, field, spec), False
        if field.item is not None:
            return spec.name, self._type_of(field.item, namespace), field.many
        assert isinstance(spec, Text | Texts)
        return spec.name, self._leaf(cls, field, spec.kind), field.many

    def _wrapper(self, cls: type[Node], field: BoundField, spec: Texts | Children) -> str:
        """The type of an element around items, in the namespace of the items."""
        home = spec.namespace or ""
        states = [one for one in bound_fields(cls) if isinstance(one.spec, WrapperAttribute)]
        said = [one for one in states if isinstance(one.spec, WrapperAttribute) and one.spec.field == field.name]
        item = field.item.__name__ if field.item is not None else self._leaf(cls, field, _kind(spec))
        name = f"{spec.name}-list{'-with-state' if said else ''}-of-{item}"
        types = self._schemas[home].types
        if name not in types:
            made = types[name] = _xs("complexType", name=name)
            sequence = etree.SubElement(made, f"{{{_XS}}}sequence")
            inner = self._leaf(cls, field, _kind(spec)) if field.item is None else self._type_of(field.item, home)
            sequence.append(_xs("element", name=spec.name, type=inner, minOccurs="0", **_many(True)))
            sequence.append(_any("##other"))
            for one in said:
                assert isinstance(one.spec, WrapperAttribute)
                made.append(_xs("attribute", name=one.spec.name, type=self._simple(cls, one, Kind.TOKEN)))
            made.append(_xs("anyAttribute", namespace="##other", processContents="lax"))
        return self._named(home, name)

    def _attribute(self, cls: type[Node], field: BoundField, spec: Attribute) -> etree._Element:
        use = {"use": "required"} if field.required else {}
        simple = self._simple(cls, field, spec.kind)
        if spec.namespace is None:
            return _xs("attribute", name=spec.name, type=simple, **use)
        schema = self._schemas[spec.namespace]
        if schema.attributes.setdefault(spec.name, simple) != simple:
            raise ValueError(f"two attributes {spec.name} of {spec.namespace}")
        if spec.namespace != self._homes[cls]:
            self._schemas[self._homes[cls]].imports.add(spec.namespace)
        return _xs("attribute", ref=self._named(spec.namespace, spec.name), **use)

    def _simple(self, cls: type[Node], field: BoundField, kind: Kind) -> str:
        words = self._words(cls, field)
        return _own(words.name if words is not None else f"{_KINDS[kind][0]}-value")

    def _leaf(self, cls: type[Node], field: BoundField, kind: Kind) -> str:
        words = self._words(cls, field)
        return _own(f"{words.name}Element" if words is not None else _KINDS[kind][0])

    def _words(self, cls: type[Node], field: BoundField) -> Vocabulary | None:
        owners = (*(each.__name__ for each in cls.__mro__), "*")
        known = (owner for owner in owners if (owner, field.name) in self._plan.words)
        return next((self._plan.words[owner, field.name] for owner in known), None)

    # Names -----------------------------------------------------------------------------------------------------------

    def _declare(self, namespace: str, name: str, inner: str) -> None:
        schema = self._schemas[namespace]
        if schema.elements.setdefault(name, inner) != inner:
            raise ValueError(f"two elements {name} of {namespace}: {schema.elements[name]} and {inner}")

    def _named(self, namespace: str, name: str) -> str:
        """A name with its namespace for now; `_written` gives it the prefix that it has there."""
        return f"{{{namespace}}}{name}"

    # Files -----------------------------------------------------------------------------------------------------------

    def _written(self, schema: _Schema) -> bytes:
        prefixes = {
            prefix: namespace for namespace, (_, prefix) in self._plan.namespaces.items() if namespace and prefix
        }
        about: dict[str, str] = {"elementFormDefault": "qualified"}
        if schema.namespace:
            about["targetNamespace"] = schema.namespace
        body: list[etree._Element] = []
        body += [_xs("element", name=name, type=inner) for name, inner in sorted(schema.elements.items())]
        body += [_xs("attribute", name=name, type=inner) for name, inner in sorted(schema.attributes.items())]
        body += [schema.types[name] for name in sorted(schema.types)]
        used = {schema.namespace}
        for element in (each for one in body for each in one.iter()):
            for key in ("type", "ref"):
                if (value := element.get(key)) is not None:
                    namespace, local = _split(value)
                    where = schema.namespace if namespace is None else namespace
                    used.add(where)
                    prefix = self._plan.namespaces[where][1] if where else ""
                    element.set(key, f"{prefix}:{local}" if prefix else local)
        nsmap: dict[str | None, str] = {"xs": _XS}
        nsmap |= {prefix: namespace for prefix, namespace in prefixes.items() if namespace in used}
        root = etree.Element(f"{{{_XS}}}schema", about, nsmap=nsmap)
        root.append(_xs("include", schemaLocation=_VALUES))
        for namespace in sorted((used | schema.imports) - {schema.namespace}):
            root.append(_xs("import", namespace=namespace, schemaLocation=self._plan.namespaces[namespace][0]))
        root.extend(body)
        return _printed(root)

    def _values(self) -> bytes:
        """Types of single values. They have no namespace, and get that of whoever includes them."""
        root = etree.Element(f"{{{_XS}}}schema", nsmap={"xs": _XS})
        for kind, (name, base) in _KINDS.items():
            simple = etree.SubElement(root, f"{{{_XS}}}simpleType", name=f"{name}-value")
            restriction = etree.SubElement(simple, f"{{{_XS}}}restriction", base=f"xs:{base}")
            if kind is Kind.NUMBER:
                restriction.append(_xs("pattern", value="[0-9]+"))
            root.append(_with_attributes(name, f"{name}-value"))
        known_words = {each.name: each for each in self._plan.words.values() if each is not None}
        for _, words in sorted(known_words.items()):
            simple = etree.SubElement(root, f"{{{_XS}}}simpleType", name=words.name)
            known = _xs("restriction", base="xs:token")
            known.extend(_xs("enumeration", value=str(word.value)) for word in words.words)
            if words.open:
                union = etree.SubElement(simple, f"{{{_XS}}}union")
                etree.SubElement(union, f"{{{_XS}}}simpleType").append(known)
                etree.SubElement(union, f"{{{_XS}}}simpleType").append(_xs("restriction", base="xs:token"))
            else:
                simple.append(known)
            root.append(_with_attributes(f"{words.name}Element", words.name))
        nothing = etree.SubElement(root, f"{{{_XS}}}complexType", name="nothing")
        nothing.append(_xs("anyAttribute", namespace="##other", processContents="lax"))
        return _printed(root)


def driver(files: Iterable[tuple[str, str]]) -> bytes:
    """A schema that takes in those of all namespaces; ``files`` are namespace and name of each."""
    root = etree.Element(f"{{{_XS}}}schema", {"elementFormDefault": "qualified"}, nsmap={"xs": _XS})
    for namespace, name in files:
        root.append(
            _xs("import", namespace=namespace, schemaLocation=name)
            if namespace
            else _xs("include", schemaLocation=name)
        )
    return _printed(root)


def _space(field: BoundField) -> str | None:
    """Namespace of the element of a field, None for attributes."""
    spec = field.spec
    if isinstance(spec, Attribute | WrapperAttribute):
        return None
    if isinstance(spec, Texts | Children) and spec.wrapper is not None:
        return spec.wrapper[0] or ""
    return spec.namespace or ""


def _loosen(sequence: etree._Element) -> None:
    """Let elements stand in any order and number: a separator before one of them looks like any foreign element."""
    for each in sequence:
        for key in ("minOccurs", "maxOccurs"):
            each.attrib.pop(key, None)
    sequence.tag = f"{{{_XS}}}choice"
    sequence.set("minOccurs", "0")
    sequence.set("maxOccurs", "unbounded")


def _generation(field: BoundField) -> int:
    """How many separators stand before a field."""
    spec = field.spec
    return 0 if isinstance(spec, Attribute | WrapperAttribute) else spec.generation


def _kind(spec: Texts | Children) -> Kind:
    return spec.kind if isinstance(spec, Texts) else Kind.TEXT


def _own(name: str) -> str:
    """A type of ``values.xsd``: it is in every namespace."""
    return name


def _split(value: str) -> tuple[str | None, str]:
    if not value.startswith("{"):
        return None, value
    namespace, _, local = value[1:].partition("}")
    return namespace, local


def _many(many: bool) -> dict[str, str]:
    return {"maxOccurs": "unbounded"} if many else {}


def _xs(tag: str, /, **attributes: str) -> etree._Element:
    return etree.Element(f"{{{_XS}}}{tag}", attributes, nsmap={"xs": _XS})


def _any(namespace: str, *, once: bool = False) -> etree._Element:
    wildcard = _xs("any", namespace=namespace, processContents="lax")
    if namespace == "##any" or not once:
        wildcard.set("minOccurs", "0")
    if not once:
        wildcard.set("maxOccurs", "unbounded")
    return wildcard


def _with_attributes(name: str, base: str) -> etree._Element:
    """An element with a value, and with attributes that are not known."""
    made = _xs("complexType", name=name)
    extension = _xs("extension", base=base)
    extension.append(_xs("anyAttribute", namespace="##other", processContents="lax"))
    etree.SubElement(made, f"{{{_XS}}}simpleContent").append(extension)
    return made


def _documentation(cls: type[Node], foreign: Sequence[str]) -> etree._Element:
    """What is said of a class, without the markup, and which elements of other namespaces it has."""
    first = re.sub(r"\s*\([^()]*\.md[^()]*\)", "", (cls.__doc__ or "").strip().partition("\n\n")[0])
    if foreign:
        first += f" Behind its own elements: {', '.join(foreign)}."
    note = _xs("annotation")
    text = etree.SubElement(note, f"{{{_XS}}}documentation")
    text.text = re.sub(r"\s+", " ", re.sub(r":\w+:`~?\.?([^`]*)`|``([^`]*)``|`([^`]*)`", r"\1\2\3", first))
    return note


def _printed(root: etree._Element) -> bytes:
    etree.cleanup_namespaces(root, keep_ns_prefixes=[str(each) for each in root.nsmap])
    etree.indent(root, space="  ")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
