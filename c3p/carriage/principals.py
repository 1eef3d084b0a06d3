"""Who a peer is: by a secret that only two parts have, or by its certificate; and for whom it may speak."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Final

from c3p.carriage.http import Fields, field_value, has_field

#: token68 of RFC 6750 section 2.1, and of the length that secrets have, so that nothing long is compared.
_BEARER: Final = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/\-]{1,512}=*)")
_WORKER: Final = re.compile(r"(.+)\.(?:[0-9]{1,4}|chat)")


def pair_secret(root: str, one: str, other: str) -> str:
    """The bearer secret between two principals, derived from a root that neither of them needs to know.

    Either shows it to the other: whose it is, follows from whom it is shown to. From it nobody can find the root, nor
    the secret of any other pair, so that no part can be another (HMAC-SHA-256, RFC 2104). Raises ValueError for a name
    that is empty or has a NUL in it, and for two names that are the same.
    """
    if one == other or not (one and other) or "\0" in one + other:
        raise ValueError("a pair has two names, and none of them is empty")
    names = "\0".join(sorted((one, other)))
    return hmac.digest(root.encode(), f"c3p pair\0{names}".encode(), "sha256").hex()


def bearer_principal(fields: Fields, known: Mapping[str, str]) -> str | None:
    """Who has the secret of an ``Authorization`` field (RFC 6750 section 2.1); ``known`` is secret to principal.

    Every secret is compared, each in constant time.
    """
    match = _BEARER.fullmatch(field_value(fields, "Authorization") or "")
    shown = match[1].encode() if match is not None else b""
    owner = None
    for secret, principal in known.items():
        if hmac.compare_digest(secret.encode(), shown) and shown:
            owner = principal
    return owner


def certificate_principal(names: Iterable[str], known: Mapping[str, str] | None = None) -> str | None:
    """Who has a verified certificate with these names in its subjectAltName.

    With ``known``, from names in certificates to principals, it must name exactly one of them; without, whoever the
    authority certified is known by its first name.
    """
    given = [name.lower() for name in names]
    if known is None:
        return given[0] if given else None
    folded = {name.lower(): principal for name, principal in known.items()}
    found = {folded[name] for name in given if name in folded}
    return found.pop() if len(found) == 1 else None


def proven_principal(fields: Fields, known: Mapping[str, str], certified: str | None) -> str | None:
    """Who asks, by the secret that is shown and the certificate that TLS has verified (``certified``).

    A secret that is wrong is not made good by a certificate, nor may the two disagree.
    """
    if not has_field(fields, "Authorization"):
        return certified
    owner = bearer_principal(fields, known)
    return owner if certified in (None, owner) else None


def principal_of_worker(mcu_id: str) -> str | None:
    """``mcu-1`` for ``mcu-1.2`` and ``mcu-1.chat``, None for anything else.

    One principal may announce workers of its own under ``ID.n``, and the MCU for chat beside them under ``ID.chat``.
    """
    match = _WORKER.fullmatch(mcu_id)
    return match[1] if match is not None else None
