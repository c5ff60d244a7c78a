"""`python -m rheostatd` is the `rheostat` command."""

from .cli import app

app(prog_name="rheostat")
