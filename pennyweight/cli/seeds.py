"""Lists of seeds as they are typed."""

from pennyweight.base.errors import UsageError

MOST_SEEDS = 10_000


def parse_seeds(text: str) -> list[int]:
    """Read `0-4`, `0,2,5` or a mix as sorted seeds; raises UsageError for anything else."""
    seeds: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"--seeds is '{text}'; write it as 0-4, or 0,2,5.")
        end = int(last or first)
        if end < int(first) or end - int(first) >= MOST_SEEDS:
            raise UsageError(f"--seeds holds '{part}'; a range goes upwards and holds at most {MOST_SEEDS:,} seeds.")
        seeds.update(range(int(first), end + 1))
    return sorted(seeds)
