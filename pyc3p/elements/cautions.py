"""Settings with which a server runs, but hardly as whoever wrote them thinks: each is one line at the start."""

from __future__ import annotations

from collections.abc import Iterator

from mcu import Srtp
from pyc3p.elements.certificates import load_identity, stands_for
from pyc3p.elements.places import outbound_proxy
from pyc3p.settings.media import MediaSettings, MediaTargetSettings
from pyc3p.settings.serve import ServeConfig
from pyc3p.settings.tls import TlsSettings


def cautions(config: ServeConfig) -> Iterator[str]:
    """What to tell. Raises UsageProblem for a certificate that cannot be read."""
    yield from _of_tls(config)
    yield from _of_numbers(config)
    if "mcu" in config.parts:
        yield from _of_srtp(config, config.media, "media.srtp")
        for each in config.media.targets:
            yield from _of_srtp(config, each, f"srtp of {each.domain} in [[media.targets]]")


def _of_tls(config: ServeConfig) -> Iterator[str]:
    tls, usual = config.tls, TlsSettings()
    if not tls.certificate:
        for name in ("port", "mcu_port"):
            if getattr(tls, name) != getattr(usual, name):
                yield f"tls.{name} is set, but nothing listens for TLS: name a certificate with tls.certificate"
        for name in ("trusted_peers", "certificate_domains", "user_certificates"):
            if getattr(config.identity, name):
                yield (
                    f"identity.{name} believes who connects with a certificate, but nothing listens for TLS: name a "
                    "certificate of this server with tls.certificate"
                )
        return
    names = [name for each in tls.identities for name in load_identity(each.certificate, each.key).names]
    if not stands_for(names, config.sip_domain.lower().strip("[]")):
        yield (
            f"tls.certificate stands for {', '.join(names) or 'no name'}, and not for the domain {config.sip_domain}: "
            "who checks certificates will not connect; get one with that name, or set --domain"
        )


def _of_numbers(config: ServeConfig) -> Iterator[str]:
    """A number that leads nowhere is told to nobody, so conferences have none where it would."""
    here = {"focus", "focus-factory"} & set(config.parts)
    if not config.dial_in.numbers or not here:
        return
    if len(here) == 1:
        yield (
            f"dial_in.numbers gives no numbers in a process with the {'Focus' if 'focus' in here else 'Focus Factory'} "
            "alone: one part draws them and the other is called; serve both in one process (numbers = false here says "
            "no more of it)"
        )


def _of_srtp(config: ServeConfig, rules: MediaSettings | MediaTargetSettings, name: str) -> Iterator[str]:
    """Keys stand in the signalling, so they are offered where the first hop is TLS; the hops after it nobody sees."""
    if rules.srtp == Srtp.OFF.value or rules.over_plain:
        return
    proxy = outbound_proxy(config)
    if proxy is not None and (proxy.scheme == "sips" or proxy.transport == "tls"):
        return
    way = f"by way of {proxy}" if proxy is not None else "directly"
    to_sips = " but to sips: addresses" if config.tls.certificate else ""
    what = "no phone is called" if rules.srtp == Srtp.REQUIRED.value else "no phone is offered keys"
    yield (
        f"{name} is {rules.srtp}, and {what}{to_sips}: phones are called {way}, without TLS, where others can read the "
        "keys; call them by TLS, or set over_plain = true beside it if nobody else can read that way"
    )
