"""The section ``[calls]``: who may call whom, through the proxy and out of conferences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import attrs

import c3p
import mcu
import sip
from pyc3p.problems import UsageProblem
from pyc3p.settings.gateways import GatewaySettings

_PREFIX: Final = re.compile(r"\+?[0-9*#]+", re.ASCII)
_ALL: Final = "*"
#: What a role may have called.
_REACH: Final = ("nobody", "own phone", "anybody")
_DEFAULTS: Final = mcu.DialOutRules()


@attrs.frozen(kw_only=True)
class CallSettings:
    """Without any of these: users of the own domain, and the numbers of the gateways."""

    domains: tuple[str, ...] = ()  #: that conferences may call beside the own one; ``*`` for all
    numbers: tuple[str, ...] = ()  #: prefixes of numbers that may be called; empty: those of the gateways; ``*``: all
    denied: tuple[str, ...] = ()  #: prefixes of numbers that are never called
    attendees: str = "own phone"  #: what those who are no presenters may have called: nobody, own phone, anybody
    attendee_numbers: bool = True  #: whether they may have telephone numbers called
    max_legs: int = _DEFAULTS.max_legs  #: calls of one conference
    max_dialing: int = _DEFAULTS.max_dialing  #: of those, unanswered at once
    max_legs_of_user: int = _DEFAULTS.max_legs_of_user  #: calls that one user had made
    calls_a_minute: int = _DEFAULTS.calls_a_minute  #: of one conference
    calls_a_minute_of_user: int = _DEFAULTS.calls_a_minute_of_user
    relay_to: tuple[str, ...] = ()  #: where users may have requests sent by the proxy, beside the own domain
    #: ``host:port`` of MCUs and Focuses elsewhere: reached by all; trusted, unless ``[identity]`` says who is
    parts: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        for name in ("relay_to", "parts", "domains"):
            try:
                sip.Places(getattr(self, name))
            except sip.LocalProtocolError as error:
                raise UsageProblem(f"calls.{name}: {error}; write hosts, host:port, networks or *") from error
        parts = [each.strip() for each in self.parts]
        if _ALL in parts or sip.are_everybody(each for each in parts if "/" in each):
            raise UsageProblem("calls.parts are reached by all, and trusted: name hosts and ports, not everybody")
        for name in ("numbers", "denied"):
            for prefix in getattr(self, name):
                if prefix != _ALL and not _PREFIX.fullmatch(prefix):
                    raise UsageProblem(
                        f"calls.{name}: {prefix!r} must be digits, with + before them for global numbers"
                    )
        if _ALL in self.denied:
            raise UsageProblem("calls.denied: name prefixes; without gateways no number is called anyway")
        if self.attendees not in _REACH:
            raise UsageProblem(f"calls.attendees must be {', '.join(_REACH[:-1])} or {_REACH[-1]}")
        for name in ("max_legs", "max_dialing", "max_legs_of_user", "calls_a_minute", "calls_a_minute_of_user"):
            if getattr(self, name) < 1:
                raise UsageProblem(f"calls.{name} must be at least 1, not {getattr(self, name)}")

    def check(self, gateways: Sequence[GatewaySettings]) -> None:
        """Raises UsageProblem for a trunk that every number in the world would go to unasked, or none at all."""
        trunks: dict[tuple[str, str], str] = {}
        for each in gateways:
            before = trunks.get((each.prefix, each.context))
            trunks[each.prefix, each.context] = each.trunk
            if before is not None:
                raise UsageProblem(
                    f"two gateways have the prefix {each.prefix!r}, {before} and {each.trunk}: nothing would go to the "
                    "second; let their prefixes differ, or leave one out"
                )
            if each.is_open and not self.numbers:
                raise UsageProblem(
                    f"the gateway with prefix {each.prefix!r} takes every number: name the prefixes that may be called "
                    'under [calls] with numbers = ["+1555"], or all with numbers = ["*"]'
                )

    def dial_out_rules(self, own: Sequence[str], gateways: Sequence[GatewaySettings]) -> mcu.DialOutRules:
        """What the MCU asks. ``own`` are the names of the own domain."""
        presenters = frozenset({c3p.Role.PRESENTER.value})
        everybody = presenters | {c3p.Role.ATTENDEE.value}
        numbers = self.numbers or tuple(each.prefix for each in gateways)
        return mcu.DialOutRules(
            domains=None if _ALL in self.domains else frozenset(each.lower() for each in (*own, *self.domains)),
            numbers=None if _ALL in numbers else numbers,
            denied_prefixes=self.denied,
            dial_out_roles=everybody if self.attendees == "anybody" else presenters,
            own_phone=self.attendees != "nobody",
            number_roles=everybody if self.attendee_numbers else presenters,
            max_legs=self.max_legs,
            max_dialing=self.max_dialing,
            max_legs_of_user=self.max_legs_of_user,
            calls_a_minute=self.calls_a_minute,
            calls_a_minute_of_user=self.calls_a_minute_of_user,
        )
