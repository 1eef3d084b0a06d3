"""Nothing that a peer sends breaks a machine: whole conversations in which one part of one message is altered.

Here a few hundred of them, others for each commit; ``fuzz/conversations.py`` goes on for as long as one likes.
"""

from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from pyc3p.simnet import hostile
from sip.testing import Drawn, scenes
from tests.altered.seed_of_commit import SEED

#: Examples; together well under a minute of one processor.
CALLS, CONFERENCES = 300, 30


@st.composite
def _call_plans(draw: st.DrawFn) -> scenes.Plan:
    return scenes.plan_of(Drawn(draw))


@st.composite
def _conference_plans(draw: st.DrawFn) -> hostile.Plan:
    return hostile.plan_of(Drawn(draw))


_MANY = settings(
    max_examples=CALLS, deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
_FEW = settings(_MANY, max_examples=CONFERENCES)


@seed(SEED)
@_MANY
@given(_call_plans())
def test_altered_calls_subscriptions_and_registrations_break_nobody(plan: scenes.Plan) -> None:
    note(f"PYC3P_SEED={SEED}, {plan}")
    wrong = scenes.play(plan)
    assert not wrong, "\n\n".join(wrong)


@seed(SEED)
@_FEW
@given(_conference_plans())
def test_an_altered_conference_with_dial_out_breaks_nobody(plan: hostile.Plan) -> None:
    note(f"PYC3P_SEED={SEED}, {plan}")
    wrong = hostile.play(plan)
    assert not wrong, "\n\n".join(wrong)
