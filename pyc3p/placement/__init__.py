"""More than one node: which of them has a conference, who takes over from one that is gone, and the way to the owner.

A node is a process with a Focus. Nodes know of one another through a store that all of them reach, and through nothing
else; see ``docs/scaling.rst`` for the picture. `Member` is the machine that decides; it has no clock and no socket.
Stores (`pyc3p.placement.store`) carry out what it wants, each in one step.
"""
