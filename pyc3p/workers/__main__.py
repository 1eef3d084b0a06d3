"""``python -m pyc3p.workers``: what ``pyc3p serve`` starts for each MCU. Of no use by hand."""

from __future__ import annotations

from pyc3p.workers.child import main

if __name__ == "__main__":
    main()
