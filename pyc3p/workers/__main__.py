"""``python -m pyc3p.workers``: what ``pyc3p serve`` starts for each MCU. Of no use by hand."""

from pyc3p.workers.child import main

if __name__ == "__main__":
    main()
