"""`python -m pennyweight`: the same as the command."""

try:
    from pennyweight.cli.main import run

    run()
except KeyboardInterrupt:  # so early that `run` could not yet take care of it: nothing was begun
    raise SystemExit(130) from None
