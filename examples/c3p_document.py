"""Read a C3P document, change and print it: examples/c3p_document.py < request.xml"""

import sys

import c3p

request = c3p.parse_document(sys.stdin.buffer.read())
assert isinstance(request, c3p.Request)
changed = request.evolve(request_id="2", originator_role="presenter")
print(changed.pretty())
