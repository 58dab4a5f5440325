"""The page docs/notes-checked.md, every formula of the course notes; `make notes-checked` writes it."""
