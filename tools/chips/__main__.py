"""Run every network on every board over test images and write down what each takes: docs/chips.json.

make chip-all DATA=folder
"""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import pennyweight as pw
from chips.boards import BOARDS, ROOT
from chips.build import run
from chips.figures import Figures, measure
from chips.networks import IMAGES, NETWORKS, generated
from pennyweight.runs.provenance import commit

REPORT = ROOT / "docs" / "chips.json"


def main() -> None:
    """Measure, and write the report; ends with exit code 1 where a board answers otherwise than the host."""
    asked = argparse.ArgumentParser(prog="make chip-all", description=__doc__)
    asked.add_argument("--data", type=Path, help="the folder that holds mnist/")
    asked.add_argument("--networks", nargs="+", default=NETWORKS)
    asked.add_argument("--images", type=int, default=IMAGES)
    asked.add_argument("--report", type=Path, default=REPORT)
    given = asked.parse_args()
    dataset = pw.dataset("mnist", given.data)
    found = list[Figures]()
    with tempfile.TemporaryDirectory() as work:
        for name in given.networks:
            for one in generated(name, ("c", "c-int8"), dataset, Path(work, "c"), given.images):
                for board in (board for board in BOARDS if one.format in board.formats):
                    figures = measure(one, board, Path(work, board.name, name, one.format))
                    found.append(figures)
                    print(f"{name} {one.format} {board.name}: {figures}", flush=True)
    report = {
        "commit": commit(),
        "emulator": run(["qemu-system-arm", "--version"], Path.cwd()).splitlines()[0],
        "dataset": dataset.name,
        "boards": {board.name: board.words for board in BOARDS},
        "figures": [asdict(one) for one in found],
    }
    given.report.write_text(f"{json.dumps(report, indent=1)}\n")
    raise SystemExit(any(one.labels_changed or (one.format == "c-int8" and one.largest_difference) for one in found))


if __name__ == "__main__":
    main()
