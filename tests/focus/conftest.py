"""Makes the pretend site importable by the tests of this folder, whatever import mode is in use."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
