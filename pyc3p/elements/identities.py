"""Who may use a server: the one authenticator of its parts, made of settings, and the users file behind it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

import sip
from c3p import principal_of_worker
from pyc3p.commands.output import Output
from pyc3p.elements.principals import Acquaintance, addresses_of_nodes, hosts_of, server_principal
from pyc3p.problems import Problem
from pyc3p.settings.serve import SERVER_PRINCIPALS, ServeConfig
from pyc3p.users import UsersFile

#: Seconds between looks at the users file; who changes it waits no longer than that.
LOOK_EVERY: Final = 2.0
#: Work that a guess of the shared secret costs (RFC 7914): about 50 ms, once at the start of a part.
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}


def part_credentials(secret: str, name: str) -> sip.Credentials:
    """With which an MCU proves to our proxy that it is a part of the system, made of the secret of this pair.

    Whoever it calls can ask it for them, and gets a hash to guess from: so the secret is behind work. No user can have
    that name, for a users file has no colon in names. All workers of an MCU are one.
    """
    name = principal_of_worker(name) or name
    derived = hashlib.scrypt(secret.encode(), salt=f"pyc3p sip part {name}".encode(), dklen=32, **_SCRYPT)
    return sip.Credentials(f"part:{name}", derived.hex())


@attrs.define(eq=False)
class Passwords:
    """The store of a server: its own parts, and the users."""

    realm: str
    users: UsersFile | None
    parts: Mapping[str, str] = attrs.field(repr=False)  #: password by user name

    def secret(self, username: str, realm: str, algorithm: str) -> str | None:
        """What stands for a password, None for an unknown user."""
        password = self.parts.get(username)
        if password is not None:
            return sip.digest_secret(algorithm, username, realm, password)
        return None if self.users is None else self.users.secret(username, realm, algorithm)


@attrs.define(eq=False)
class Identities:
    """What a server knows of who may use it."""

    authenticator: sip.Authenticator
    users: UsersFile | None

    def reload(self, output: Output) -> bool:
        """Read the users file again, if there is one; when it cannot be read, that is said, and the users stay."""
        if self.users is None:
            return False
        try:
            self.users.load()
        except Problem as problem:
            output.tell(f"users stay as they were: {problem}", "bold red", level="warning", error=str(problem))
            return False
        return True

    async def watch(self, output: Output) -> None:
        """Read the users file again whenever it changes; until cancelled."""
        while self.users is not None:
            await asyncio.sleep(LOOK_EVERY)
            if self.users.changed and self.reload(output):
                output.tell(f"read {self.users.path} again", users=str(self.users.path))


def part_credentials_of(config: ServeConfig, peers: Acquaintance) -> sip.Credentials | None:
    """Those of the MCU of this process; None when nobody asks for them, or it shares no secret with the server."""
    if not config.identity.asks:
        return None
    servers = (*config.c3p.foci, server_principal(config), *SERVER_PRINCIPALS)
    secret = next((found for name in servers if (found := peers.secret_for(name)) is not None), None)
    return None if secret is None else part_credentials(secret, config.mcu_id)


def _mcus(config: ServeConfig, peers: Acquaintance) -> list[sip.Credentials]:
    """Those of all MCUs that share a secret with the server; with its own name it is the first that is known."""
    servers = {server_principal(config), *config.c3p.foci, *SERVER_PRINCIPALS}
    secrets: dict[str, str] = {}
    for secret, name in peers.known.items():
        if name not in servers:
            secrets.setdefault(name, secret)
    return [part_credentials(secret, name) for name, secret in secrets.items()]


def _hosts_of_parts(config: ServeConfig) -> tuple[str, ...]:
    """Where the passwords of parts are believed, beside the address by which a request came: addresses and networks."""
    found = {host for hosts in hosts_of(config, lambda name: True).values() for host in hosts}
    for part in config.calls.parts:
        found.add(part if "/" in part or sip.is_numeric(part) else part.rpartition(":")[0] or part)
    return tuple(sorted(bare for each in found if "/" in (bare := each.strip("[]")) or sip.is_numeric(bare)))


def identities(
    config: ServeConfig, peers: Acquaintance, *, root: str | None, entropy: sip.Entropy, wall_clock: float
) -> Identities | None:
    """The authenticator that settings ask for, None when everybody is believed; raises UsageProblem.

    With a ``root`` secret the processes that have it take each other's nonces.
    """
    settings = config.identity
    if not settings.asks:
        return None
    realm = config.sip_domain
    users = UsersFile(Path(settings.users).expanduser(), realm) if settings.users else None
    parts = _mcus(config, peers)
    authenticator = sip.Authenticator(
        sip.AuthenticatorConfig(
            domains=(realm, *config.aliases),
            digest=sip.DigestConfig(realm=realm, algorithms=settings.algorithms),
            trusted_networks=settings.trust,
            trusted_peers=settings.trusted_peers,
            trusted_users=tuple(each.username for each in parts),
            users_have_passwords=users is not None,
            trusted_user_networks=_hosts_of_parts(config),
            certificate_domains=settings.certificate_domains,
            user_certificates=settings.user_certificates,
            wrong_passwords=sip.WrongPasswordLimits(
                per_source=settings.wrong_passwords_per_source,
                per_user=settings.wrong_passwords_per_user,
                exempt_networks=_exempt(config),
            ),
        ),
        Passwords(realm, users, {each.username: each.password for each in parts}),
        key=hmac.digest((root or entropy.token(32)).encode(), f"sip nonces {realm}".encode(), "sha256"),
        entropy=entropy.child("authenticator"),
        wall_clock=wall_clock,
    )
    return Identities(authenticator, users)


def _exempt(config: ServeConfig) -> tuple[str, ...]:
    """Where our own parts are, and whom no limit by source holds for."""
    own = (host for host in (config.host, config.public_host) if sip.is_numeric(host))
    return (*config.limits.endpoint().trusted_networks, *addresses_of_nodes(config), *own)
