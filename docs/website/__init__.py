"""The documentation site: `make docs` builds it in build/docs from docs/*.md, the rows and the docstrings."""
