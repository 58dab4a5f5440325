"""Model files: `save` and `load` of one safetensors file with a network and all that belongs to it.

`file` writes and reads, `header` and `schema` check what a file claims before anything is allocated. Only
`Model` and what stands above it call these.
"""

from __future__ import annotations

from clearprop.model_file.file import ModelContents, load, save

__all__ = ["ModelContents", "load", "save"]
