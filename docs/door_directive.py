"""Sphinx extension: a page of the reference lists names of a door, and gets what autodoc knows of each.

``.. door:: sip`` documents the names that its lines list, in their order. What attrs generates is shown field by field,
with type, default and the comment beside it, in place of one long signature. References to a name where it is defined
lead to the door through which it is entered.
"""

from __future__ import annotations

import builtins
import enum
import importlib
import inspect
import sys
from functools import cache
from types import UnionType
from typing import Any, Final, NewType

import attrs
from docutils import nodes
from docutils.statemachine import StringList
from doors import DOORS, first_argument, place_of, places
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import find_pending_xref_condition

#: Members of these say nothing about ours.
FOREIGN: Final = (
    "object, Exception, ValueError, ConnectionError, OSError, Enum, StrEnum, IntEnum, int, str, float, tuple, dict, "
    "Mapping, MutableMapping, Sequence, Collection, Protocol, Generic, NamedTuple"
)

#: What every exception has from Python.
OF_EVERY_EXCEPTION: Final = ", ".join(name for name in dir(BaseException) if not name.startswith("_"))

#: Packages of others whose names occur in signatures.
OTHERS: Final = frozenset(("aiohttp", "attr", "attrs", "hypothesis", "lxml", "numpy", "ssl", "typing_extensions"))


def foreign(target: str) -> bool:
    """Whether a name belongs to Python or to a library."""
    root = target.partition(".")[0]
    return hasattr(builtins, root) or root in sys.stdlib_module_names or root in OTHERS


def inner(target: str) -> bool:
    """Whether a name exists inside our packages: a type variable, a module, what no door has."""
    if target.partition(".")[0] not in DOORS:
        return target in inner_names()
    head, _, name = target.rpartition(".")
    return target in sys.modules or hasattr(sys.modules.get(head), name) or inner_of_class(head, name)


@cache
def inner_names() -> frozenset[str]:
    """Return every name that some module of ours defines or imports."""
    ours = [module for path, module in list(sys.modules.items()) if path.partition(".")[0] in DOORS]
    return frozenset(name for module in ours for name in vars(module))


def inner_of_class(path: str, name: str) -> bool:
    """Whether a class inside our packages has an attribute."""
    head, _, owner = path.rpartition(".")
    return hasattr(getattr(sys.modules.get(head), owner, None), name)


def _lead_to_doors(app: Sphinx, document: nodes.document) -> None:
    """Let references to what a package defines inside lead to its door; those to Python's own names are none.

    Sphinx looks for a name that it does not have at once in all that it has, thousands of times.
    """
    for reference in list(document.findall(pending_xref)):
        if reference.get("refdomain") != "py":
            continue
        target = reference["reftarget"]
        place = place_of(target, reference.get("py:module"), reference.get("py:class"))
        if place:
            reference["reftarget"], reference["refspecific"] = place, False
        elif foreign(target) or inner(target) or (reference["reftype"] == "obj" and target.isidentifier()):
            shown = find_pending_xref_condition(reference, "resolved")
            reference.replace_self(shown.children if shown is not None else reference.children)


def directive_for(value: object) -> str:
    """Return the directive of autodoc that shows a value."""
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    if inspect.isfunction(inspect.unwrap(value)) if callable(value) else False:
        return "autofunction"
    return "autodata"


def named(full: str) -> object:
    """Return what a door has under a name."""
    door, _, name = full.rpartition(".")
    return getattr(importlib.import_module(door), name, None)


def said_of(door: str, name: str, value: object) -> list[str]:
    """Return what stands beside the definition of a constant or alias, and what an alias is for."""
    lines: list[str] = []
    for path, module in sorted(sys.modules.items()):
        if path.partition(".")[0] == door.partition(".")[0] and vars(module).get(name) is value:
            said = ModuleAnalyzer.for_module(path).find_attr_docs().get(("", name))
            lines = lines or list(said or ())
    if isinstance(value, UnionType):
        kinds = ", ".join(
            f":py:obj:`~{place_of(f'{kind.__module__}.{kind.__name__}', None, None) or kind.__name__}`"
            for kind in value.__args__
        )
        lines += ["", f"One of {kinds}."]
    elif isinstance(value, NewType):
        lines += ["", f"A type of its own, ``{value.__supertype__.__name__}`` at run time."]
    elif isinstance(value, str | int | float):
        lines += ["", f"``{value!r}``"]
    return lines


class Door(SphinxDirective):
    """``.. door:: MODULE``, with public names of the module, separated by white space."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Give each name to autodoc."""
        module = importlib.import_module(self.arguments[0])
        lines: list[str] = []
        for name in " ".join(self.content).split():
            value, full = getattr(module, name), f"{module.__name__}.{name}"
            directive = directive_for(value)
            elsewhere = place_of(f"{getattr(value, '__module__', '')}.{name}", None, None)
            if elsewhere and elsewhere != full and named(elsewhere) is value:
                lines += [f".. py:class:: {full}", "", f"   The same as :py:obj:`{elsewhere}`."]
            elif directive == "autodata":
                lines += [f".. py:data:: {full}", "", *(f"   {line}" for line in said_of(module.__name__, name, value))]
            else:
                lines += [f".. {directive}:: {full}"]
                if directive != "autofunction":
                    lines += ["   :members:", "   :undoc-members:", f"   :inherited-members: {FOREIGN}"]
                    if directive == "autoexception":
                        lines.append(f"   :exclude-members: {OF_EVERY_EXCEPTION}")
                    elif "__call__" in vars(value):
                        lines.append("   :special-members: __call__")
            lines.append("")
        holder = nodes.Element()
        self.state.nested_parse(StringList(lines, source=self.get_source_info()[0]), self.content_offset, holder)
        return holder.children


def _signature(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str, str | None] | None:
    """Leave out what follows from the fields below (attrs), and what no caller gives (enumerations, protocols)."""
    if what not in ("class", "exception") or not inspect.isclass(value):
        return None
    if issubclass(value, enum.Enum) or getattr(value, "_is_protocol", False):
        return "", None
    if not attrs.has(value):
        return None
    given = [field for field in attrs.fields(value) if field.init]
    if not given:
        return "()", None
    named = ["*"] if given[0].kw_only else []
    return f"({', '.join([*named, *(field.alias or field.name for field in given)])})", None


def _default(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Say what a field is when it is not given."""
    if what != "attribute":
        return
    owner_name, _, attribute = name.rpartition(".")
    module_name, _, class_name = owner_name.rpartition(".")
    owner = getattr(sys.modules.get(module_name), class_name, None)
    if not (inspect.isclass(owner) and attrs.has(owner)):
        return
    field = attrs.fields_dict(owner).get(attribute)
    if field is None or field.default is attrs.NOTHING or isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
        return
    shown = str(field.default) if isinstance(field.default, enum.Enum) else repr(field.default)
    if len(shown) < 60 and " at 0x" not in shown:
        lines += ["", f"Default: ``{shown}``"]


def _leave_out_bindings() -> None:
    """Show of the fields of documents what they hold, and not how they are bound to XML."""
    for full in places().values():
        door, _, name = full.rpartition(".")
        value = getattr(importlib.import_module(door), name)
        for field, written in list(vars(value).get("__annotations__", {}).items()) if inspect.isclass(value) else []:
            if isinstance(written, str) and written.startswith("Annotated["):
                value.__annotations__[field] = first_argument(written.removeprefix("Annotated["))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    importlib.import_module("mcu.plane.plane")  # read when media flow; types of it are in signatures
    _leave_out_bindings()
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("door", Door)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-process-docstring", _default)
    app.connect("doctree-read", _lead_to_doors)
    return {"parallel_read_safe": True}
