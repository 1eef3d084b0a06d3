"""Where a command is authorised: the policy is asked, and whatever is no yes is a no (docs/design-decisions.rst)."""

from __future__ import annotations

from c3p import Request
from focus import refusal
from focus.commands.plan import Facts, Postponed
from focus.policy import Allowed, CommandQuestion, PresentQuestion
from focus.refusal import Refusal, Refused
from sip import Pending


def check_allowed(question: CommandQuestion, document: Request, facts: Facts) -> None:
    """Ask the policy. Raises Refused: whatever is no yes is a no; Postponed when it decides later."""
    decision = facts.decision(question)
    if isinstance(decision, Pending):
        raise Postponed(question, decision)
    if not isinstance(decision, Allowed):
        refused = decision if isinstance(decision, Refusal) else refusal.NOT_AUTHORISED.saying("nobody has decided it")
        raise Refused(refused, document)


def check_presents(document: Request, facts: Facts) -> None:
    """What is for presenters. Raises Refused."""
    question = PresentQuestion(record=facts.record, requester=facts.requester, command=document.command.NAME)
    check_allowed(question, document, facts)
