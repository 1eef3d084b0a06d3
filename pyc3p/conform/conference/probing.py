"""What a Focus is: found out by making a conference, joining it, following it, and having a phone called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyc3p.conform.case import Blame, NotApplicable, Silent, Trait
from pyc3p.conform.conference.tidying import tidy_focus
from pyc3p.conform.phone import Phone

if TYPE_CHECKING:
    from pyc3p.conform.bench import Facts
    from pyc3p.conform.conference.bench import FocusBench


def probe_focus(make: Callable[[], FocusBench], facts: Facts) -> None:
    """Fill in ``facts``. Raises Blame where nobody answers, or there is neither Focus nor Focus Factory."""
    silent: Silent | None = None
    for trait, look in (
        (Trait.ELEMENT, _element),
        (Trait.REGISTRAR, _registrar),
        (Trait.FACTORY, _factory),
        (Trait.FOCUS, _focus),
        (Trait.FOLLOWED, _followed),
        (Trait.SECOND_USER, _second_user),
        (Trait.DIALS_OUT, _dials_out),
    ):
        bench = make()
        try:
            look(bench, facts)
        except Blame as wrong:
            facts.lacks[trait] = wrong.seen
            silent = wrong if isinstance(wrong, Silent) and silent is None else silent
        except NotApplicable as why:
            facts.lacks[trait] = str(why)
        else:
            facts.traits.add(trait)
        finally:
            tidy_focus(bench)
    if not facts.traits & {Trait.FACTORY, Trait.FOCUS}:
        raise silent or Blame(facts.lacks[Trait.FOCUS])


def _element(bench: FocusBench, facts: Facts) -> None:
    peer = bench.peer("asker")
    exchange = peer.ask(peer.request("OPTIONS"), credentials=False)
    facts.round_trip = exchange.first_at - exchange.sent_at
    facts.server = exchange.final.headers.get("Server") or exchange.final.headers.get("User-Agent") or ""


def _registrar(bench: FocusBench, facts: Facts) -> None:
    phone = Phone(bench, "asker")
    bench.phones.append(phone)
    if not phone.register(bench.target, bench.target.aor("conform-asker")):
        bench.skip("phones of ours are called at their own address")


def _factory(bench: FocusBench, facts: Facts) -> None:
    if bench.focus.factory is None:
        bench.skip("one conference was named")
    bench.stand()


def _focus(bench: FocusBench, facts: Facts) -> None:
    bench.joined()


def _followed(bench: FocusBench, facts: Facts) -> None:
    bench.joined(follows=True)


def _second_user(bench: FocusBench, facts: Facts) -> None:
    bench.joined()
    bench.joined("attendee")


def _dials_out(bench: FocusBench, facts: Facts) -> None:
    organizer = bench.joined(follows=True)
    phone = bench.phone("probe")
    answered = organizer.command(bench.dial(phone), within=bench.ring_patience)
    if not answered.succeeded:
        bench.skip(f"addUser for a phone that takes calls is answered {answered.told}")
