"""Who may command an MCU, and in whose name."""

from __future__ import annotations

import attrs

from c3p import ConferenceKeys, GetConference
from pyc3p.conform.cases.mcu.sources import AUTHORISES, CALLS, MCU, OURS, WIRE, mcu_case
from pyc3p.conform.conference.commands import eject, lock
from pyc3p.conform.mcu.bench import McuBench
from sip.testing import Force


def _get(bench: McuBench) -> GetConference:
    return GetConference(conference_keys=ConferenceKeys(conf_entity=bench.conference))


@mcu_case("RFC 9110 section 15.5.2", Force.SHOULD, applies=MCU)
def no_secret(bench: McuBench) -> None:
    """Who shows nothing is not heard."""
    if not bench.mcu.secret:
        bench.skip("the target asks for no secret")
    bench.stand()
    replied = bench.ask(_get(bench), secret="")
    if replied.status not in (401, 403):
        bench.blame(replied.told)


@mcu_case("RFC 9110 section 15.5.2", Force.SHOULD, applies=MCU)
def wrong_secret(bench: McuBench) -> None:
    """Who shows a wrong secret is not heard."""
    if not bench.mcu.secret:
        bench.skip("the target asks for no secret")
    bench.stand()
    replied = bench.ask(_get(bench), secret=bench.token())
    if replied.status not in (401, 403):
        bench.blame(replied.told)


@mcu_case("RFC 9110 section 15.5.2", Force.MUST, applies=MCU)
def challenge(bench: McuBench) -> None:
    """A 401 has WWW-Authenticate."""
    if not bench.mcu.secret:
        bench.skip("the target asks for no secret")
    bench.stand()
    replied = bench.ask(_get(bench), secret="")
    if replied.status != 401:
        bench.skip(f"it is {replied.status}")
    if not replied.http.field("WWW-Authenticate"):
        bench.blame("no WWW-Authenticate")


@mcu_case(WIRE, Force.OURS, applies=MCU)
def another_focus(bench: McuBench) -> None:
    """A Focus that does not own the conference is 403, and changes nothing."""
    if not bench.mcu.other_secret:
        bench.skip("no secret of another Focus is known")
    bench.stand()
    replied = bench.ask(lock(bench.conference, True), secret=bench.mcu.other_secret)
    if replied.status != 403:
        bench.blame(replied.told)
    again = bench.ask(bench.bootstrap(), secret=bench.mcu.other_secret)
    if again.status != 403:
        bench.blame(f"its addConference is answered {again.told}")


@mcu_case(OURS, Force.OURS, applies=MCU)
def lower_epoch(bench: McuBench) -> None:
    """A command with a lower epoch than the claim is 403, says which claim that is, and changes nothing."""
    bench.new_conference()
    if not bench.ask(bench.document(bench.bootstrap(), epoch=5)).succeeded:
        bench.skip("addConference with an epoch is refused")
    bench.added[bench.conference] = None
    for command in (lock(bench.conference, True), bench.bootstrap()):
        replied = bench.ask(bench.document(command, epoch=4))
        if replied.status != 403:
            bench.blame(f"{command.name} is answered {replied.told}")
        if replied.final is None or replied.final.epoch != 5:
            bench.blame(f"epoch is {None if replied.final is None else replied.final.epoch}, not 5")
    kept = bench.ask(bench.document(lock(bench.conference, False), epoch=5))
    if not kept.succeeded:
        bench.blame(f"a command of the claim itself is answered {kept.told}")
    bench.ask(bench.document(_get(bench), epoch=5))


@mcu_case(OURS, Force.OURS, applies=MCU)
def higher_epoch(bench: McuBench) -> None:
    """addConference with a higher epoch takes the conference over, and reports go to its callback."""
    bench.new_conference()
    if not bench.ask(bench.document(bench.bootstrap(), epoch=1)).succeeded:
        bench.skip("addConference with an epoch is refused")
    bench.added[bench.conference] = None
    claimed = bench.ask(bench.document(bench.bootstrap(), epoch=7))
    if not claimed.succeeded:
        bench.blame(claimed.told)
    before = bench.ask(bench.document(lock(bench.conference, True), epoch=1))
    if before.status != 403:
        bench.blame(f"a command of the claim before is answered {before.told}")


@mcu_case(AUTHORISES, Force.SHOULD, applies=MCU)
def attendee_locks(bench: McuBench) -> None:
    """What only presenters may do is refused for an attendee, although the Focus has passed it on."""
    bench.stand()
    replied = bench.command(lock(bench.conference, True), originator_role="attendee")
    if not replied.refused:
        bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=MCU)
def attendee_locks_reason(bench: McuBench) -> None:
    """Its reason is unauthorized."""
    bench.stand()
    replied = bench.command(lock(bench.conference, True), originator_role="attendee")
    if replied.reason != "unauthorized":
        bench.blame(replied.told)


@mcu_case(AUTHORISES, Force.SHOULD, applies=CALLS)
def attendee_calls(bench: McuBench) -> None:
    """An attendee does not have a third party called."""
    bench.stand()
    phone = bench.phone("phone")
    replied = bench.command(bench.dial(phone), originator_role="attendee")
    if not replied.refused:
        bench.blame(replied.told)
    if phone.calls:
        bench.blame("the phone was called")


@mcu_case(OURS, Force.OURS, applies=CALLS)
def attendee_leaves(bench: McuBench) -> None:
    """Anybody may take himself out."""
    bench.stand()
    phone = bench.phone("phone")
    if not bench.command(bench.dial(phone), within=bench.ring_patience).succeeded:
        bench.skip("the phone does not come into the conference")
    request = bench.document(
        eject(bench.conference, str(phone.address)), originator=str(phone.address), originator_role="attendee"
    )
    replied = bench.command(request)
    if not replied.succeeded:
        bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=MCU)
def foreign_mcu(bench: McuBench) -> None:
    """A command for the MCU of another conference is refused with invalidMcuUri."""
    bench.stand()
    other = bench.own_uri.replace(":id:", ":id:9")
    replied = bench.command(attrs.evolve(lock(bench.conference, True), mcu_uri=other))
    if replied.specific != "invalidMcuUri":
        bench.blame(replied.told)
