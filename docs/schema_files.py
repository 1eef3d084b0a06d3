"""Writes the XML schemas of the package anew, when a document class changed.

``PYTHONPATH=. python docs/schema_files.py``
"""

from __future__ import annotations

from pathlib import Path

import c3p

FOLDER = Path(c3p.__file__).parent / "schemas"


def main() -> None:
    """Write every file, and take away those that are none any more."""
    made = c3p.schema_files()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.xsd"):
        if old.name not in made:
            old.unlink()
    for name, content in made.items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
