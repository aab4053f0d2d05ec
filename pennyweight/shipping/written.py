"""What a format writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Facts = Mapping[str, int | float | str]


@dataclass(frozen=True)
class Written:
    """The files of a format by name, and figures of them for the manifest, as bytes of constants and of memory."""

    files: Mapping[str, bytes]
    facts: Facts = field(default_factory=dict)
