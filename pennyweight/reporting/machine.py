"""What a machine has, and what is missing."""

from collections.abc import Mapping
from typing import Any

from pennyweight.tables.table import Column, Table, table


def machine_table(facts: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return one row per package, compiler, dataset and folder: whether it is there, and what it is."""
    columns = (Column(""), Column("ok"), Column("what was found", narrow="wrap"))
    return table(columns, ((name, "yes" if fact["ok"] else "no", fact["what"]) for name, fact in facts.items()))
