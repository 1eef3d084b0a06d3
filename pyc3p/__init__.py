"""The reference application: command line, server, demonstration, simulated network, tracing.

For tests of your own there is :mod:`pyc3p.simnet`; :mod:`pyc3p.trace`, :mod:`pyc3p.pcap` and :mod:`pyc3p.ladder` show
what went over the network; :mod:`pyc3p.node` runs one element over real sockets.
"""

from pyc3p.ladder import Ladder
from pyc3p.trace import Names, Record, Recording, Trace

__all__ = ["Ladder", "Names", "Record", "Recording", "Trace"]
