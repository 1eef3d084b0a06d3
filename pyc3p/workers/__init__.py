"""MCUs in processes of their own, so that no SIP or C3P work of the others ever delays sound.

``launch`` starts one, ``worker`` looks after it, ``child`` is what runs in it, and ``frames`` is what goes through the
two pipes between them. Nothing here is imported before it is needed: a process that starts another one early does both
in the time of one.
"""
