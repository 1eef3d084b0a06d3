"""addUser: the MCU calls a phone, and says how that went."""

from __future__ import annotations

from collections.abc import Callable

from c3p import AddUser, JoiningMethod, guid_key, uri_key
from pyc3p.conform.cases.mcu.sources import CALLS, CONFBAS, DIAL_OUT, OURS, add_mcu_case, mcu_case
from pyc3p.conform.conference.commands import REFUSALS, dial_out
from pyc3p.conform.mcu.bench import McuBench
from pyc3p.conform.mcu.replies import Replied
from pyc3p.conform.phone import Manner, Phone, Ringing
from sip.testing import Force

#: RFC 4575 section 5.7.3: in which order an endpoint that is called goes through its states.
_ORDER = ("pending", "dialing-out", "alerting", "connected", "disconnecting", "disconnected")


def rings(bench: McuBench, phone: Phone) -> Ringing:
    """The call that comes to a phone; blames the target for none."""
    call = phone.rung()
    if call is None:
        bench.blame("no INVITE comes to the phone")
    return call


def in_call(bench: McuBench, name: str = "phone") -> tuple[Phone, Ringing]:
    """A phone in the conference."""
    phone = bench.phone(name)
    replied = bench.command(bench.dial(phone), within=bench.ring_patience)
    if not replied.succeeded:
        bench.skip(f"addUser is answered {replied.told}")
    bench.sees(phone.address)
    return phone, rings(bench, phone)


def ringing(bench: McuBench, name: str = "phone", *, manner: Manner = Manner.RINGS) -> tuple[Phone, Ringing, Replied]:
    """A phone that rings, and the command that is open."""
    phone = bench.phone(name, manner=manner)
    replied = bench.ask(bench.dial(phone))
    return phone, rings(bench, phone), replied


def statuses(bench: McuBench, phone: Phone) -> list[str]:
    """What the reports said of the endpoint of a phone, in their order."""
    found: list[str] = []
    for told in bench.callback.notified:
        users = told.conference_info.users.users if told.conference_info.users is not None else ()
        for user in users:
            if uri_key(user.entity) == uri_key(str(phone.address)):
                found += [each.status for each in user.endpoints if each.status and found[-1:] != [each.status]]
    return found


@mcu_case(DIAL_OUT, Force.SHOULD, applies=CALLS)
def answered(bench: McuBench) -> None:
    """A phone that takes the call makes a success, and is reported as connected and dialed-out."""
    bench.stand()
    phone = bench.phone("phone")
    replied = bench.command(bench.dial(phone), within=bench.ring_patience)
    if not replied.succeeded:
        bench.blame(replied.told)
    endpoint = bench.sees(phone.address)
    if endpoint.joining_method not in (None, "dialed-out"):
        bench.blame(f"joining-method is {endpoint.joining_method!r}")


@mcu_case(OURS, Force.OURS, applies=CALLS)
def pending_first(bench: McuBench) -> None:
    """addUser is answered pending before the phone is, and its success comes to the callback."""
    bench.stand()
    phone, _, replied = ringing(bench)
    if replied.status != 200 or [each.code.value for each in replied.responses] != ["pending"]:
        bench.blame(replied.told)
    phone.take(phone.calls[0])
    done = bench.ended(replied, within=bench.ring_patience)
    if not done.succeeded:
        bench.blame(done.told)


@mcu_case("RFC 4575 section 5.7.3", Force.SHOULD, applies=CALLS)
def in_order(bench: McuBench) -> None:
    """The states of an endpoint go one way: called, ringing, connected, and never back."""
    bench.stand()
    phone, call, replied = ringing(bench)
    bench.quiet(0.3)
    phone.take(call)
    bench.ended(replied, within=bench.ring_patience)
    bench.sees(phone.address)
    phone.hang_up(call)
    bench.sees_gone(phone.address)
    seen = [each for each in statuses(bench, phone) if each in _ORDER]
    if [_ORDER.index(each) for each in seen] != sorted(_ORDER.index(each) for each in seen):
        bench.blame(", ".join(seen))


@mcu_case(OURS, Force.OURS, applies=CALLS)
def reported_ringing(bench: McuBench) -> None:
    """A phone that rings is reported as alerting."""
    bench.stand()
    phone, _, _ = ringing(bench)
    if not bench.until(lambda: "alerting" in statuses(bench, phone)):
        bench.blame(", ".join(statuses(bench, phone)) or "nothing is reported")


@mcu_case(OURS, Force.OURS, applies=CALLS)
def report_before_response(bench: McuBench) -> None:
    """That the phone is connected is reported before addUser ends."""
    bench.stand()
    phone, call, replied = ringing(bench)
    phone.take(call)
    bench.ended(replied, within=bench.ring_patience)
    if bench.callback.endpoint_of(phone.address) is None:
        bench.blame(f"at the end of addUser it is {', '.join(statuses(bench, phone)) or 'not reported'}")


@mcu_case(DIAL_OUT, Force.SHOULD, applies=CALLS)
def same_endpoint(bench: McuBench) -> None:
    """The endpoint that the command names is that of the reports and of the response."""
    bench.stand()
    phone, name = bench.phone("phone"), bench.guid()
    replied = bench.command(bench.dial(phone, endpoint=name), within=bench.ring_patience)
    command = replied.final.command if replied.final is not None else None
    if not replied.succeeded or not isinstance(command, AddUser):
        bench.skip(f"addUser is answered {replied.told}")
    shown = bench.sees(phone.address)
    if guid_key(shown.entity) != guid_key(name):
        bench.blame(f"{shown.entity} is reported, not {name}")
    if any(guid_key(each.entity) != guid_key(name) for each in command.user.endpoints):
        bench.blame(f"the response has {command.user.endpoints[0].entity}, not {name}")


@mcu_case(OURS, Force.OURS, applies=CALLS)
def has_an_offer(bench: McuBench) -> None:
    """Its INVITE has a session description with audio: phones that wait for one are older than conferences."""
    bench.stand()
    _, call, _ = ringing(bench)
    if b"m=audio" not in call.invite.body:
        bench.blame("no m=audio" if call.invite.body else "no body")


@mcu_case("RFC 3261 section 13.2.2.4", Force.MUST, applies=CALLS)
def acknowledged(bench: McuBench) -> None:
    """The 200 of the phone gets an ACK."""
    bench.stand()
    phone, call = in_call(bench)
    if not phone.until(lambda: call.acknowledged is not None):
        bench.blame("no ACK")


def _refused(status: int) -> Callable[[McuBench], None]:
    def run(bench: McuBench) -> None:
        bench.stand()
        phone = bench.phone("phone", manner=Manner.REFUSES, status=status)
        replied = bench.command(bench.dial(phone), within=bench.ring_patience)
        if not replied.refused:
            bench.blame(replied.told)
        bench.sees_gone(phone.address)

    return run


def _reasons(status: int, reasons: tuple[str, str]) -> Callable[[McuBench], None]:
    def run(bench: McuBench) -> None:
        bench.stand()
        phone = bench.phone("phone", manner=Manner.REFUSES, status=status)
        replied = bench.command(bench.dial(phone), within=bench.ring_patience)
        if (replied.reason, replied.specific) != reasons:
            bench.blame(replied.told)

    return run


for _name, (_what, _status, _ours) in REFUSALS.items():
    add_mcu_case(
        _refused(_status),
        _name,
        f"A phone that {_what} ({_status}) makes a failure, and nobody is left in the reports.",
        DIAL_OUT,
        Force.SHOULD,
        applies=CALLS,
    )
    add_mcu_case(
        _reasons(_status, _ours),
        f"{_name}-reason",
        f"The reasons of a phone that {_what} are {' and '.join(_ours)}.",
        OURS,
        Force.OURS,
        applies=CALLS,
    )


@mcu_case("RFC 3261 section 9.1", Force.SHOULD, applies=CALLS, slow=True)
def nobody_answers(bench: McuBench) -> None:
    """A phone that nobody answers is cancelled after a time, and the command fails."""
    bench.stand()
    phone, call, replied = ringing(bench)
    if not phone.until(lambda: call.cancelled, within=185.0):
        bench.blame("no CANCEL in 185 s")
    done = bench.ended(replied)
    if not done.refused:
        bench.blame(done.told)


@mcu_case("RFC 3261 section 15.1.2", Force.MUST, applies=CALLS)
def hangs_up(bench: McuBench) -> None:
    """The BYE of the phone is answered 200."""
    bench.stand()
    phone, call = in_call(bench)
    answer = phone.hang_up(call)
    if answer is None or answer.status != 200:
        bench.blame(f"BYE is answered {'nothing' if answer is None else answer.status}")


@mcu_case("RFC 4575 section 3.6", Force.SHOULD, applies=CALLS)
def hang_up_is_reported(bench: McuBench) -> None:
    """A phone that hangs up is reported as gone."""
    bench.stand()
    phone, call = in_call(bench)
    phone.hang_up(call)
    bench.sees_gone(phone.address)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def no_description(bench: McuBench) -> None:
    """A 200 whose session description nobody can use gets ACK and BYE, and the addUser fails."""
    bench.stand()
    phone = bench.phone("phone", sdp=b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
    replied = bench.command(bench.dial(phone), within=bench.ring_patience)
    call = rings(bench, phone)
    if not replied.refused:
        bench.blame(replied.told)
    if not phone.until(lambda: call.acknowledged is not None and call.ended):
        bench.blame(f"ACK: {call.acknowledged is not None}, BYE: {call.ended}")


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def two_at_once(bench: McuBench) -> None:
    """Two phones may be called at once, and each command has its own end."""
    bench.stand()
    opened = [ringing(bench, f"phone-{number}") for number in range(2)]
    for phone, call, _ in reversed(opened):
        phone.take(call)
    for phone, _, replied in opened:
        done = bench.ended(replied, within=bench.ring_patience)
        if not done.succeeded:
            bench.blame(f"{phone.name}: {done.told}")


@mcu_case(OURS, Force.OURS, applies=CALLS)
def endpoint_twice(bench: McuBench) -> None:
    """An endpoint that is there is not called again: a failure, whatever the requestId is."""
    bench.stand()
    phone, name = bench.phone("phone"), bench.guid()
    request = bench.document(bench.dial(phone, endpoint=name))
    if not bench.command(request, within=bench.ring_patience).succeeded:
        bench.skip("the phone does not come into the conference")
    for again in (request, bench.document(bench.dial(phone, endpoint=name))):
        bench.ask(again)
    bench.quiet(0.5)
    if len(phone.calls) != 1:
        bench.blame(f"the phone was called {len(phone.calls)} times")


@mcu_case(OURS, Force.OURS, applies=CALLS)
def other_domain(bench: McuBench) -> None:
    """A domain that nobody has allowed is not called."""
    bench.stand()
    replied = bench.command(bench.dial("sip:anybody@192.0.2.77"), within=1.0)
    if not replied.refused:
        bench.blame(replied.told)


@mcu_case(OURS, Force.OURS, applies=CALLS)
def announced(bench: McuBench) -> None:
    """addUser with dialed-in is answered with the address to call."""
    bench.stand()
    command = dial_out(
        bench.conference,
        str(bench.mcu.organizer),
        endpoint=bench.guid(),
        method=JoiningMethod.DIALED_IN,
        kind=bench.mcu.kind,
    )
    replied = bench.command(command)
    answer = replied.final.command if replied.final is not None else None
    if not replied.succeeded or not isinstance(answer, AddUser):
        bench.blame(replied.told)
    keys = (
        [(each.key or "").lower() for each in answer.connection_info.entries]
        if answer.connection_info is not None
        else []
    )
    if "mcu-server-uri" not in keys:
        bench.blame(f"connection-info has {', '.join(keys) or 'nothing'}")


@mcu_case(CONFBAS, Force.SHOULD, applies=CALLS)
def no_address(bench: McuBench) -> None:
    """What is no address to call is a failure."""
    bench.stand()
    replied = bench.command(bench.dial("urn:example:nobody"), within=1.0)
    if not replied.refused:
        bench.blame(replied.told)
