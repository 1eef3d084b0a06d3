"""DNS for `sip.transport.locate`: NAPTR and SRV by dnspython where it is installed, addresses by the system."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from sip.errors import refuse_one_name
from sip.flow import Destination
from sip.transport.locate import Naptr, Question, RecordType, Srv, Target, locate

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver as DnsResolver
    from dns.rdata import Rdata

#: Answers kept by dnspython, each for as long as its record says.
_CACHE_SIZE = 1_000
#: Rounds of questions: NAPTR, SRV and addresses are three; more would be a loop.
_MOST_ROUNDS = 4


class Resolver(Protocol):
    """Answers one DNS question."""

    async def answer(self, question: Question) -> tuple[Naptr | Srv | str, ...]:
        """The records; none when the name, the type or a server is missing."""
        ...


class SystemResolver:
    """Addresses from getaddrinfo (so that the hosts file counts), NAPTR and SRV from dnspython.

    Without dnspython (the extra ``dns``) there are no NAPTR and SRV records, and every name is taken as a host.
    ``nameservers`` and ``port`` take the place of the system's for NAPTR and SRV.
    """

    def __init__(self, *, timeout: float = 5.0, nameservers: Sequence[str] = (), port: int = 53) -> None:
        refuse_one_name("nameservers", nameservers)
        self._timeout = timeout  # seconds for one question
        self._dns = _dns_resolver(timeout, nameservers, port)

    async def answer(self, question: Question) -> tuple[Naptr | Srv | str, ...]:
        """Ask the system or the name server."""
        try:
            async with asyncio.timeout(self._timeout):
                if question.type in (RecordType.A, RecordType.AAAA):
                    return await _addresses(question)
                return await self._records(question)
        except (OSError, TimeoutError, ValueError):
            return ()  # ValueError: a host that no name can be, which peers may put into any URI

    async def _records(self, question: Question) -> tuple[Naptr | Srv | str, ...]:
        # A name without a dot is a host of this machine's own network; name servers have nothing on it.
        labels = [label for label in question.name.split(".") if not label.startswith("_")]
        if self._dns is None or len(labels) < 2:
            return ()
        from dns.exception import DNSException

        try:
            found = await self._dns.resolve(question.name, question.type.value, raise_on_no_answer=False)
        except DNSException:
            return ()
        return tuple(record for rdata in found if (record := _record(rdata)) is not None)


async def look_up(
    target: Target, resolver: Resolver, *, uniform: Callable[[], float], transports: tuple[str, ...]
) -> tuple[Destination, ...]:
    """Ask what `sip.transport.locate.locate` wants to know until it gives destinations; none when there are none."""
    records: dict[Question, tuple[Naptr | Srv | str, ...]] = {}
    for _ in range(_MOST_ROUNDS):
        located = locate(target, records, uniform=uniform, transports=transports)
        if not located.questions:
            return located.destinations
        answers = await asyncio.gather(*(resolver.answer(question) for question in located.questions))
        records.update(zip(located.questions, answers, strict=True))
    return ()


def _record(rdata: Rdata) -> Naptr | Srv | None:
    """One record in our terms."""
    from dns.rdtypes.IN.NAPTR import NAPTR
    from dns.rdtypes.IN.SRV import SRV

    if isinstance(rdata, SRV):
        target = str(rdata.target)
        return Srv(priority=rdata.priority, weight=rdata.weight, port=rdata.port, target=target)
    if isinstance(rdata, NAPTR):
        flags, service = rdata.flags.decode("ascii", "replace"), rdata.service.decode("ascii", "replace")
        return Naptr(
            order=rdata.order,
            preference=rdata.preference,
            flags=flags,
            service=service,
            replacement=str(rdata.replacement),
        )
    return None


async def _addresses(question: Question) -> tuple[str, ...]:
    family = socket.AF_INET if question.type is RecordType.A else socket.AF_INET6
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(question.name, None, family=family, type=socket.SOCK_DGRAM)
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _dns_resolver(timeout: float, nameservers: Sequence[str], port: int) -> DnsResolver | None:
    try:
        import dns.asyncresolver
        import dns.resolver
    except ImportError:
        return None
    try:
        resolver = dns.asyncresolver.Resolver(configure=not nameservers)
    except dns.resolver.NoResolverConfiguration:
        return None
    if nameservers:
        resolver.nameservers, resolver.port = list(nameservers), port
    resolver.lifetime = timeout
    resolver.cache = dns.resolver.LRUCache(_CACHE_SIZE)
    return resolver
