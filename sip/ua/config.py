"""Settings of a user agent, each with its unit and its reason."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from sip.errors import LocalProtocolError
from sip.field_types import ABOVE_ZERO, checks_types
from sip.ua.account import Account


def _accounts(given: Account | Iterable[Account]) -> tuple[Account, ...]:
    accounts = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str | bytes) else (given,)
    for each in accounts:
        if not isinstance(each, Account):
            cure = f", as in sip.Account(aor={each!r})" if isinstance(each, str) else ""
            raise LocalProtocolError(f"UserAgentConfig: accounts must be made of sip.Account{cure}, not {each!r}")
    return accounts


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class UserAgentConfig:
    """What one user agent does."""

    accounts: tuple[Account, ...] = attrs.field(converter=_accounts)  #: the first is the one that calls, unless told
    owner: str = "ua"  #: name of this core at the endpoint
    ring: bool = True  #: whether callers are told at once that it rings (180); else ``Call.ring`` does it
    max_calls: int = 100  #: at once, those that ring too; one more is told that it is busy here (486)
    #: seconds of the session timer of calls made here; None: without
    session_expires: int | None = attrs.field(default=1800, metadata=ABOVE_ZERO)

    def __attrs_post_init__(self) -> None:
        if not self.accounts:
            raise LocalProtocolError("accounts must have at least one sip.Account(aor=...)")
