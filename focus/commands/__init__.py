"""Commands of clients: what is asked, whether it is allowed, and what follows; one module each.

A command arrives as INFO in a Focus dialog. `requests` reads it; `open_commands` gathers once what the decision depends
on (`plan.Facts`) and asks the planner of its row in `table`. A planner is a pure function: it refuses, or returns a
`plan.Plan`, which says what happens here (an effect, a value that carries itself out on the conference) and what goes
to which MCU. It checks in the order of the protocol: conference, MCU, target, role.

Another command for the Focus alone is a class beside the others in ``c3p.commands``, a module here with its planner and
its effect, and a row in `table`.
"""
