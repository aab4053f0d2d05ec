"""Pack what the package brings: `records/` as one file, training times, and the first seed of every small recipe.

python tools/pack_published.py RUNS

RUNS holds finished runs as RECIPE/seed-0. A run is packed where its published record is that of the same weights and
says by which recipe it was trained, which records of early versions do not. The same inputs give the same bytes.
Exits with 1 and names them when runs of recipes with such a record are not in RUNS.
"""

import gzip
import shutil
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from pennyweight.base.files import write_atomically
from pennyweight.base.records import RunRecord
from pennyweight.nets.measure import measure
from pennyweight.recipes.catalogue import RECIPES
from pennyweight.runs.folder import WEIGHTS, read_record
from pennyweight.runs.model import load_trained
from pennyweight.runs.published import PUBLISHED, RECORDS, RUN_FILES, TIMES
from pennyweight.runs.record_tree import full_runs, read_tree

TREE = Path(__file__).parent.parent / "records"
LARGEST_PARAMS = 20_000
"""The most parameters of a recipe whose weights the package brings."""
SEED = 0
"""The seed whose weights it brings: the first, whatever it reached."""


def packed_records(root: Path) -> bytes:
    """Return every record below `root` as a gzipped tar file without dates and owners, sorted by name."""
    tree, packed = read_tree(root), BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as unpacked,
        tarfile.open(fileobj=unpacked, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(tree.texts):
            content, member = tree.texts[path].encode(), tarfile.TarInfo(str(path))
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return packed.getvalue()


def published_firsts(root: Path) -> dict[str, RunRecord]:
    """Return the published record of the first seed of every small recipe, where it says by which recipe it was."""
    tree, firsts = read_tree(root), {}
    for recipe in RECIPES:
        if measure(recipe.plan()).params <= LARGEST_PARAMS:
            runs = full_runs(tree, recipe.name, recipe.epochs)
            firsts |= {one.recipe: one for one in runs if one.seed == SEED and one.recipe_sha256}
    return firsts


def pack_run(folder: Path, record: RunRecord) -> bool:
    """Copy a run without its checkpoints into the package; return whether it is the one of the published record."""
    if not (folder / WEIGHTS).exists() or read_record(folder).sha256 != record.sha256:
        return False
    load_trained(folder)  # refuses files that do not belong together
    target = PUBLISHED / record.recipe
    target.mkdir(parents=True)
    for name in RUN_FILES:
        write_atomically(target / name, (folder / name).read_bytes())
    return True


def main() -> int:
    """Write the package's published files anew."""
    runs = Path(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(f"usage: {sys.argv[0]} RUNS")
    firsts = published_firsts(TREE)
    shutil.rmtree(PUBLISHED, ignore_errors=True)
    PUBLISHED.mkdir()
    (PUBLISHED / RECORDS).write_bytes(packed_records(TREE))
    shutil.copyfile(TREE / TIMES, PUBLISHED / TIMES)
    missing = [name for name, record in firsts.items() if not pack_run(runs / name / f"seed-{SEED}", record)]
    size_bytes = sum(path.stat().st_size for path in PUBLISHED.rglob("*") if path.is_file())
    print(f"{PUBLISHED}: {(PUBLISHED / RECORDS).stat().st_size:,} bytes of records, {size_bytes:,} bytes in all")
    if missing:
        print(f"not in {runs} as their published records are: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
