"""A database says who may join and be called: examples/policy_from_database.py FILE"""

import asyncio
import sqlite3
import sys

import focus
import mcu
import pyc3p

MEMBER = "SELECT 1 FROM members WHERE uri = ?"
CALLABLE = "SELECT 1 FROM callable WHERE uri = ?"


class Joining(focus.ConferenceRules):
    def admit(self, question: focus.JoinQuestion) -> focus.Admission | focus.Refusal:
        known = db.execute(MEMBER, (question.user.text,)).fetchone()
        no = focus.Refusal(403, None, "no member")
        return super().admit(question) if known else no


class Calls(mcu.DialOutRules):
    def decide(self, question: mcu.DialOutQuestion) -> mcu.Allowed | mcu.Refusal:
        known = db.execute(CALLABLE, (question.address,)).fetchone()
        no = mcu.Refusal(mcu.RefusalReason.TARGET_DENIED, "not in the list")
        return super().decide(question) if known else no


async def main() -> None:
    async with pyc3p.server(conference_policy=Joining(), dial_out_policy=Calls()) as at:
        print("serving at", at.address, flush=True)
        await asyncio.Event().wait()


db = sqlite3.connect(sys.argv[1])
asyncio.run(main())
