"""Mutants of our Focus and MCU that ``pyc3p conform focus`` and ``pyc3p conform mcu`` find over real sockets.

Each names the cases that are tried: a run of all of them would find it as well, and take longer.
"""

from __future__ import annotations

from typing import Final

from tests.conformance.mutant import Mutant

_FOCUS, _MCU = "live focus", "live mcu"

LIVE_MUTANTS: Final = (
    # The Focus
    Mutant(
        name="an attendee may do what presenters may",
        suite=_FOCUS,
        module="focus.policy",
        old="    return None if requester.presents else refusal.NOT_AUTHORISED.saying(",
        new="    return None if True else refusal.NOT_AUTHORISED.saying(",
        select=("commands.attendee-lock",),
    ),
    Mutant(
        name="a conference id may be taken twice",
        suite=_FOCUS,
        module="focus.scheduling",
        old="        if outcome is Written.EXISTS:\n            raise Failed(Reason.OTHER_FAILURE, "
        "CommandReason.CONFERENCE_EXISTS_ALREADY)\n        if outcome is not Written.DONE:\n",
        new="        if outcome not in (Written.DONE, Written.EXISTS):\n",
        select=("factory.id-taken",),
    ),
    Mutant(
        name="the sender of a document is not looked at",
        suite=_FOCUS,
        module="focus.commands.checks",
        old="    if not identity.is_named_by(document.from_):\n",
        new="    if False:\n",
        select=("factory.other-from", "joining.other-from", "refusals.other-from"),
    ),
    Mutant(
        name="of two commands the first is carried out",
        suite=_FOCUS,
        module="focus.commands.requests",
        old="not isinstance(document, Request) or document.more or len",
        new="not isinstance(document, Request) or len",
        select=("refusals.document-two-commands",),
    ),
    Mutant(
        name="a body that is not understood is 400",
        suite=_FOCUS,
        module="focus.refusal",
        old='attrs.evolve(UNPARSEABLE, status=415, text="The body is not a C3P document")',
        new='attrs.evolve(UNPARSEABLE, text="The body is not a C3P document")',
        select=("refusals.other-type", "factory-documents.other-type"),
    ),
    Mutant(
        name="the Contact of a Focus is that of anybody",
        suite=_FOCUS,
        module="focus.contact",
        old='NameAddr(focus_uri, None, {"isfocus": None})',
        new="NameAddr(focus_uri)",
        select=("joining.isfocus",),
    ),
    Mutant(
        name="a repeated requestId is carried out again",
        suite=_FOCUS,
        module="focus.commands.open_commands",
        old="            if repeated is not None:\n",
        new="            if False:\n",
        select=("commands.same-request-again",),
    ),
    Mutant(
        name="who leaves stays in the roster",
        suite=_FOCUS,
        module="focus.participants",
        old="                self._roster.remove_endpoint(participant.user, participant.endpoint)\n"
        "        return participant\n",
        new="                pass\n        return participant\n",
        select=("following.leave-is-told",),
    ),
    Mutant(
        name="the end of a conference is a time-out",
        suite=_FOCUS,
        module="focus.notifier",
        old='self._end(subscriber, "noresource", self._numbered(subscriber, gone), now=now)',
        new='self._end(subscriber, "timeout", self._numbered(subscriber, gone), now=now)',
        select=("following.end-is-told",),
    ),
    Mutant(
        name="the end of a conference names none",
        suite=_FOCUS,
        module="focus.commands.results",
        old="attrs.evolve(asked.echo(), conference_info=ended)",
        new="asked.echo()",
        select=("commands.end-names-it",),
    ),
    Mutant(
        name="who is ejected keeps his dialog",
        suite=_FOCUS,
        module="focus.conference",
        old='            self._gone(participant.session, "ejected", now=now, ejected=True)\n'
        "            self.participants.dismiss(participant, now=now)\n",
        new='            self._gone(participant.session, "ejected", now=now, ejected=True)\n',
        select=("commands.ejects",),
    ),
    Mutant(
        name="nobody is told of changes",
        suite=_FOCUS,
        module="focus.notifier",
        old="            self._send(subscriber, self._numbered(subscriber, document), now=now)\n\n    def let_in",
        new="            pass\n\n    def let_in",
        select=("following.join-is-told",),
    ),
    Mutant(
        name="whoever wants follows a conference",
        suite=_FOCUS,
        module="focus.subscribing",
        old="        check_subscriber(conference.participants.of_user(key), event.flow)\n",
        new="",
        select=("following.only-who-has-joined",),
    ),
    # The MCU
    Mutant(
        name="every Focus may command every conference",
        suite=_MCU,
        module="mcu.commands.conferences",
        old="        if conference.peer != peer or (request.epoch or 0) < conference.epoch:\n",
        new="        if (request.epoch or 0) < conference.epoch:\n",
        select=("principals.another-focus",),
    ),
    Mutant(
        name="a claim that was outranked still commands",
        suite=_MCU,
        module="mcu.commands.conferences",
        old="        if conference.peer != peer or (request.epoch or 0) < conference.epoch:\n",
        new="        if conference.peer != peer:\n",
        select=("principals.lower-epoch",),
    ),
    Mutant(
        name="it is not said which claim goes before",
        suite=_MCU,
        module="mcu.commands.conferences",
        old="attrs.evolve(answer.document, epoch=conference.epoch)",
        new="answer.document",
        select=("principals.lower-epoch",),
    ),
    Mutant(
        name="an MCU believes that the Focus has looked",
        suite=_MCU,
        module="mcu.commands.commands",
        old="        if row.of_presenters and not may_control(request):\n",
        new="        if False:\n",
        select=("principals.attendee-locks",),
    ),
    Mutant(
        name="a late end ends what was assigned anew",
        suite=_MCU,
        module="mcu.commands.conferences",
        old="    return named not in (None, conference.focus_link.assignment)\n",
        new="    return False\n",
        select=("conferences.end-of-another-assignment",),
    ),
    Mutant(
        name="after a failure changes go on alone",
        suite=_MCU,
        module="mcu.focus_link",
        old="        if kind is _Kind.NOTIFY:\n            self.start_over()\n",
        new="",
        select=("absence.full-after-a-failure",),
    ),
    Mutant(
        name="versions of reports stand still",
        suite=_MCU,
        module="mcu.focus_link",
        old="        self.version += 1\n        if self._whole:\n",
        new="        self.version = 1\n        if self._whole:\n",
        select=("conferences.versions-rise",),
    ),
    Mutant(
        name="reports are not counted",
        suite=_MCU,
        module="mcu.focus_link",
        old="        self._notifications += 1\n",
        new="        self._notifications = 1\n",
        select=("conferences.reports-are-numbered",),
    ),
    Mutant(
        name="the end of a conference leaves its calls",
        suite=_MCU,
        module="mcu.commands.conferences",
        old="        for leg in tuple(conference.legs.values()):\n            disconnection",
        new="        for leg in ():\n            disconnection",
        select=("leg-control.conference-ends",),
    ),
    Mutant(
        name="a filter may be any word",
        suite=_MCU,
        module="mcu.commands.commands",
        old="        if wanted is None or not is_known_stream(wanted):\n",
        new="        if wanted is None:\n",
        select=("leg-control.mutes-with-no-word",),
    ),
    Mutant(
        name="who is muted is not reported",
        suite=_MCU,
        module="mcu.commands.commands",
        old="        self._context.notify(leg.conference, self._context.documents.media(leg), now=now)\n",
        new="",
        select=("leg-control.mutes",),
    ),
    Mutant(
        name="who is ejected goes on hearing",
        suite=_MCU,
        module="mcu.legs.termination",
        old="        elif not accepting:\n            endpoint.bye(leg.session, now=now)\n",
        new="        elif not accepting:\n            pass\n",
        select=("leg-control.ejected",),
    ),
    Mutant(
        name="405 does not say what is allowed",
        suite=_MCU,
        module="c3p.carriage.server",
        old='HttpAnswer(status=405, fields=(("Allow", "POST"),))',
        new="HttpAnswer(status=405)",
        select=("documents.other-method",),
    ),
    Mutant(
        name="a busy phone has declined",
        suite=_MCU,
        module="mcu.outcome",
        old="        Ending.BUSY: _failure(CommandReason.DIAL_OUT_BUSY,",
        new="        Ending.BUSY: _failure(CommandReason.DIAL_OUT_DECLINED,",
        select=("calls.busy-reason",),
    ),
)
