"""The reference application: command line, server, demonstration, simulated network, tracing.

For tests of your own there is :mod:`pyc3p.simnet`; :mod:`pyc3p.trace` shows what went over the network;
:mod:`pyc3p.elements` runs whole systems over real sockets.
"""

from __future__ import annotations

from pyc3p.trace.ladder import Ladder
from pyc3p.trace.trace import Names, Record, Recording, Trace

__all__ = ["Ladder", "Names", "Record", "Recording", "Trace"]
