"""The page docs/notes-checked.md, the course notes line by line; `make notes-checked` writes it."""
