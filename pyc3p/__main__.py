"""``python -m pyc3p`` is the command line."""

from __future__ import annotations

from pyc3p.cli import main

if __name__ == "__main__":
    main()
