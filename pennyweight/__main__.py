"""`python -m pennyweight`: the same as the command."""

from pennyweight.cli.main import run

run()
