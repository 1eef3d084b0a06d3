"""A Focus that does not answer: what an MCU has to report waits, and a conference does not outlive its Focus."""

from __future__ import annotations

from pyc3p.conform.cases.mcu.calls import in_call, ringing, rings
from pyc3p.conform.cases.mcu.sources import CALLS, CONFBAS, MCU, OURS, mcu_case
from pyc3p.conform.conference.commands import lock
from pyc3p.conform.mcu.bench import McuBench
from sip.testing import Force

#: Seconds in which a report that was refused is expected again: an MCU of ours waits 1, 2, 4 ... 30.
_AGAIN = 5.0
#: Seconds after which a conference of a Focus that does not answer is over: ours waits 60.
_OVER = 100.0


@mcu_case(OURS, Force.OURS, applies=MCU)
def full_after_a_failure(bench: McuBench) -> None:
    """After a report that was refused the next one is the whole state, and newer."""
    bench.stand()
    bench.until(lambda: bench.callback.notified)
    bench.callback.refuses = 503
    before = len(bench.callback.reports)
    bench.command(lock(bench.conference, True))
    if not bench.until(lambda: len(bench.callback.notified) > before):
        bench.blame("the change is not reported")
    bench.callback.refuses = None
    told = len(bench.callback.notified)
    if not bench.until(lambda: len(bench.callback.notified) > told, within=_AGAIN):
        bench.blame(f"nothing comes again in {_AGAIN:g} s")
    first = bench.callback.notified[told].conference_info
    if first.state not in (None, "full"):
        bench.blame(f"its state is {first.state!r}")


@mcu_case(CONFBAS, Force.SHOULD, applies=MCU)
def commands_are_answered(bench: McuBench) -> None:
    """Commands are answered although nobody takes reports."""
    bench.stand()
    bench.callback.deaf = True
    for locked in (True, False):
        replied = bench.command(lock(bench.conference, locked))
        if not replied.succeeded:
            bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def response_again(bench: McuBench) -> None:
    """A response that nobody took comes again."""
    bench.stand()
    phone, call, replied = ringing(bench)
    bench.until(lambda: bench.callback.endpoint_of(phone.address, status="alerting"))
    bench.callback.refuses = 503
    phone.take(call)
    bench.quiet(0.5)
    bench.callback.refuses = None
    taken = len(bench.callback.reports)

    def came() -> bool:
        ids = [getattr(each.document, "request_id", None) for each in bench.callback.reports[taken:]]
        return replied.request is not None and replied.request.request_id in ids

    if not bench.until(came, within=_AGAIN):
        bench.blame(f"no response in {_AGAIN:g} s")


@mcu_case(OURS, Force.OURS, applies=CALLS)
def calls_go_on(bench: McuBench) -> None:
    """A phone that comes in while nobody takes reports is in the state that is reported then."""
    bench.stand()
    phone, call, _ = ringing(bench)
    bench.callback.refuses = 503
    phone.take(call)
    if not phone.until(lambda: call.acknowledged is not None):
        bench.blame("no ACK")
    bench.callback.refuses = None
    if not bench.until(lambda: bench.callback.endpoint_of(phone.address), within=_AGAIN):
        bench.blame(f"the phone is not reported in {_AGAIN:g} s")


@mcu_case(OURS, Force.OURS, applies=CALLS, slow=True)
def ends_without_its_focus(bench: McuBench) -> None:
    """A conference whose Focus does not answer for a minute is over: its phones hear BYE."""
    bench.stand()
    phone, _ = in_call(bench)
    call = rings(bench, phone)
    bench.callback.refuses = 503
    phone.hang_up(call)
    again = bench.phone("again")
    bench.ask(bench.dial(again))
    last = rings(bench, again)
    if not again.until(lambda: last.ended, within=_OVER):
        bench.blame(f"no BYE in {_OVER:g} s")
    after = bench.get()
    if not after.refused:
        bench.blame(f"getConference is answered {after.told}")
