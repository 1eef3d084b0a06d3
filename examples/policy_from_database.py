"""A server whose database says who may join and who may be called: python examples/policy_from_database.py people.db"""

import asyncio
import sqlite3
import sys

import focus
import mcu
import pyc3p


class Members(focus.ConferenceRules):
    def admit(self, question: focus.JoinQuestion) -> focus.Admission | focus.Refusal:
        known = db.execute("SELECT 1 FROM members WHERE uri = ?", (question.user.text,)).fetchone()
        return super().admit(question) if known else focus.Refusal(403, None, "not a member")


class Callable(mcu.DialOutRules):
    def decide(self, question: mcu.DialOutQuestion) -> mcu.Allowed | mcu.Refusal:
        known = db.execute("SELECT 1 FROM callable WHERE uri = ?", (question.address,)).fetchone()
        refusal = mcu.Refusal(mcu.RefusalReason.TARGET_DENIED, "not in the list of who may be called")
        return super().decide(question) if known else refusal


async def main() -> None:
    async with pyc3p.server(conference_policy=Members(), dial_out_policy=Callable()) as server:
        print("serving at", server.address, flush=True)
        await asyncio.Event().wait()


db = sqlite3.connect(sys.argv[1])
asyncio.run(main())
