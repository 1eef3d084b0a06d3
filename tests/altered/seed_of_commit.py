"""A seed for what is drawn by chance: another one for each commit, the same for all who look at one."""

import os
import subprocess
from pathlib import Path
from typing import Final


def _seed() -> int:
    if given := os.environ.get("PYC3P_SEED"):
        return int(given)
    try:
        shown = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, check=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):  # an archive without history
        return 0
    return int(shown.stdout[:12], 16)


#: Set the environment variable PYC3P_SEED to what a failure shows to see it again at another commit.
SEED: Final = _seed()
