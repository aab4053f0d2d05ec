"""The version of the package, in the one place that `pyproject.toml` reads it from."""

VERSION = "0.2.0"
