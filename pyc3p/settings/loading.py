"""Reading settings: options of the command line over one TOML file over defaults.

A table of the file (``[tls]``) is an attrs class, an array of tables (``[[gateways]]``) a tuple of them: the field of
the settings says which by its type, and each class checks its own values.
"""

from __future__ import annotations

import difflib
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from pyc3p.problems import UsageProblem
from pyc3p.settings.serve import ServeConfig


def load_config(path: Path | None, options: Mapping[str, object]) -> ServeConfig:
    """The settings of a TOML file with ``options`` (None: not given) over them; raises UsageProblem.

    An option for a field of a section is named by both: ``tls.certificate``.
    """
    settings = _read(path) if path is not None else {}
    for name, value in options.items():
        if value is not None:
            section, _, field = name.rpartition(".")
            table = settings if not section else settings.setdefault(section, {})
            if not isinstance(table, dict):
                raise UsageProblem(f"{path}: {section} must be a table, [{section}]")
            table[field] = value
    return _filled(ServeConfig, settings, path, "")


T = typing.TypeVar("T")


def _filled(settings: type[T], values: Mapping[str, object], path: Path | None, section: str) -> T:
    """One table of the file as the class that it is."""
    fields = {field.name: field for field in attrs.fields(settings)}  # type: ignore[arg-type]  # they all are attrs
    types = typing.get_type_hints(settings)
    where = f"{path}: " if path is not None else ""
    found = {}
    for name, value in values.items():
        full = f"{section}.{name}" if section else name
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise UsageProblem(f"{where}there is no setting {full}{hint}")
        found[name] = _read_value(full, value, types[name], fields[name].default, path)
    missing = [name for name, field in fields.items() if field.default is attrs.NOTHING and name not in found]
    if missing:
        raise UsageProblem(f"{where}[{section}] needs {', '.join(missing)}")
    return settings(**found)


def _read_value(name: str, value: object, kind: object, default: object, path: Path | None) -> object:
    inner = _table_class(kind)
    if inner is not None:
        if not isinstance(value, dict):
            raise UsageProblem(f"{name} must be a table, [{name}]")
        return _filled(inner, value, path, name)
    inner = _table_class(typing.get_args(kind)[0]) if typing.get_origin(kind) is tuple else None
    if inner is not None:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise UsageProblem(f"{name} must be tables, each one [[{name}]]")
        return tuple(_filled(inner, each, path, name) for each in value)
    return _checked(name, value, _plain_default(kind) if default is attrs.NOTHING else default)


def _table_class(kind: object) -> type | None:
    return kind if isinstance(kind, type) and attrs.has(kind) else None


def _plain_default(kind: object) -> object:
    """An empty value of the type of a field that must be given."""
    return () if typing.get_origin(kind) is tuple else kind() if isinstance(kind, type) else ""


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(f"{path} is not TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{path} is not TOML: it is no text in UTF-8") from error


def _checked(name: str, value: object, default: object) -> object:
    """A value of the type that the setting has."""
    if isinstance(default, tuple):
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise UsageProblem(f"{name} must be a list of words")
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise UsageProblem(f"{name} must be {_KINDS[type(default)]}, not {value!r}")
    return value


_KINDS: Final = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
