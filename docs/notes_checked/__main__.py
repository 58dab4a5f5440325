"""Write docs/notes-checked.md: `make notes-checked`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from notes_checked.page import page

if __name__ == "__main__":
    (Path(__file__).parents[1] / "notes-checked.md").write_text(page(), encoding="utf-8")
