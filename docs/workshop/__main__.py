"""Make notebooks of the workshop's sources and execute them: `make workshop`, into build/workshop.

Where PyTorch is not installed, its cells (tagged "torch") are left as they are.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
SOURCES = sorted(path for path in HERE.glob("*.py") if path != Path(__file__))


def executed(source: Path, torch: bool) -> nbformat.NotebookNode:
    """The notebook of a source, with what its cells print and show.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        When a cell fails.
    """
    notebook = jupytext.read(source)
    with TemporaryDirectory() as folder:  # what a cell writes is not kept
        resources = {"metadata": {"path": folder}}
        skipped = "" if torch else "torch"
        client = NotebookClient(notebook, timeout=600, skip_cells_with_tag=skipped, resources=resources)
        client.extra_arguments = ["--log-level=ERROR"]  # the kernel warns of its own local socket
        return client.execute()


def main(folder: Path) -> None:
    """Write all notebooks into a folder."""
    torch = find_spec("torch") is not None
    folder.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        path = folder / f"{source.stem}.ipynb"
        nbformat.write(executed(source, torch), path)
        print(path, flush=True)
    if not torch:
        print("PyTorch is not installed: its cells were not run")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[1] / "build" / "workshop")
