"""The report of a training on one page: judged rows, curves, importance, gradients, certificate, an example.

`content` computes it as plain data, `charts` draws, `page` writes. The command line stands on `write_report`.
"""

from __future__ import annotations

from clearprop.report.page import write_report

__all__ = ["write_report"]
