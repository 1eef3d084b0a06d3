"""``python -m pyc3p`` is the command line."""

from pyc3p.cli import main

if __name__ == "__main__":
    main()
