"""Copy the records of finished runs into `records/`, where the README's figures come from.

python tools/publish_records.py runs/progressive-3/seed-*
"""

import sys
from pathlib import Path

from pennyweight.base.files import write_atomically
from pennyweight.data.sources import content_name
from pennyweight.runs.folder import RECORD, read_record

RECORDS = Path(__file__).parent.parent / "records"


def publish(folder: Path) -> Path:
    """Copy the record of one run folder to `records/DATASET/ENGINE/RECIPE+changes/seed-N.json`."""
    record = read_record(folder)
    name = "+".join([record.recipe, *record.changes])
    content = content_name(record.dataset, record.provenance.dataset_digest)
    target = RECORDS / content / record.engine / name / f"seed-{record.seed}.json"
    write_atomically(target, (folder / RECORD).read_bytes())
    return target


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(publish(Path(argument)))
