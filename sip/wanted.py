"""Validators of settings: each says which field has what, and what is wanted in its place.

What a program gives an element at its start is often written by hand. All raise LocalProtocolError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final
from urllib.parse import urlsplit

from sip.errors import RemoteProtocolError
from sip.field_types import wrong
from sip.syntax.grammar import Named
from sip.syntax.host_name import is_host_name
from sip.syntax.uri import Uri

Validator = Callable[[Any, Named, Any], None]

_LARGEST_PORT: Final = 65_535


def must_be_one_of(*choices: str) -> Validator:
    """A word out of some."""

    def check(instance: object, field: Named, value: Any) -> None:
        if value not in choices:
            raise wrong(instance, field.name, value, f"one of {', '.join(map(repr, choices))}")

    return check


def must_be_text(instance: object, field: Named, value: Any) -> None:
    """Text that is not empty. Raises LocalProtocolError."""
    if not isinstance(value, str) or not value:
        raise wrong(instance, field.name, value, "a str that is not empty")


def must_be_port(instance: object, field: Named, value: Any) -> None:
    """A port, or 0 for any that is free; None where the field may have it. Raises LocalProtocolError."""
    if value is not None and (type(value) is not int or not 0 <= value <= _LARGEST_PORT):
        raise wrong(instance, field.name, value, "a port, a number from 0 to 65535")


def must_be_aor(instance: object, field: Named, value: Any) -> None:
    """The address of a user, as text: a SIP URI. Raises LocalProtocolError."""
    example = "a SIP address such as 'sip:alice@example.com'"
    if not isinstance(value, str):
        raise wrong(instance, field.name, value, f"{example}, as text")
    try:
        scheme = Uri.parse(value).scheme
    except RemoteProtocolError:
        scheme = ""
    if scheme not in ("sip", "sips"):
        raise wrong(instance, field.name, value, example)


def must_be_uri(instance: object, field: Named, value: Any) -> None:
    """A URI that was read; None where the field may have it. Raises LocalProtocolError."""
    if value is None or isinstance(value, Uri):
        return
    cure = f", as in sip.Uri.parse({value!r})" if isinstance(value, str) else ""
    raise wrong(instance, field.name, value, f"a sip.Uri{cure}")


def must_be_url(instance: object, field: Named, value: Any) -> None:
    """Where something is reached by HTTP, or None where the field may have it. Raises LocalProtocolError."""
    if value is None:
        return
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        usable = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port or an IPv6 address
        usable = False
    if not usable:
        raise wrong(instance, field.name, value, "a URL such as 'http://192.0.2.1:8444/mcu'")


def must_be_domain(instance: object, field: Named, value: Any) -> None:
    """The name or address of a host, without scheme and port. Raises LocalProtocolError."""
    name = value.removeprefix("[").removesuffix("]") if isinstance(value, str) else ""
    if not is_host_name(name):
        raise wrong(instance, field.name, value, "a domain such as 'example.com', without scheme, user and port")


def must_be_names(instance: object, field: Named, value: Any) -> None:
    """Several names; one ``str`` would be taken for its letters. Raises LocalProtocolError."""
    if isinstance(value, str) or not isinstance(value, Collection) or not all(isinstance(each, str) for each in value):
        example = (value,) if isinstance(value, str) else ("example.com",)
        raise wrong(instance, field.name, value, f"a tuple of names such as {example!r}")


def must_all_be(kind: type) -> Validator:
    """Several values of one class."""

    def check(instance: object, field: Named, value: Collection[object]) -> None:
        for each in value:
            if not isinstance(each, kind):
                raise wrong(instance, field.name, each, f"made of sip.{kind.__name__}")

    return check
