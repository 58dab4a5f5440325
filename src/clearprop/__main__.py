"""`python -m clearprop`: the command line where its script is not on the path."""

from clearprop.cli import app

app(prog_name="python -m clearprop")
