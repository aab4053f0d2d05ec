"""The committed figures of docs/chips.json are of every network on every board, and none answered otherwise."""

import json
from itertools import product
from pathlib import Path

from chips.boards import BOARDS
from chips.networks import IMAGES, NETWORKS

REPORT = json.loads((Path(__file__).parents[2] / "docs" / "chips.json").read_text())


def test_every_network_was_run_on_every_board_in_every_format_of_it() -> None:
    expected = {(name, kind, board.name) for name, board in product(NETWORKS, BOARDS) for kind in board.formats}
    assert {(one["network"], one["format"], one["board"]) for one in REPORT["figures"]} == expected
    assert len(REPORT["figures"]) == len(expected)
    assert {one["images"] for one in REPORT["figures"]} == {IMAGES}
    assert IMAGES >= 200


def test_every_board_answered_as_the_host_and_whole_numbers_bit_for_bit() -> None:
    for one in REPORT["figures"]:
        assert one["labels_changed"] == 0
        assert one["largest_difference"] == 0 or one["format"] == "c"


def test_totals_are_the_sums_of_their_parts() -> None:
    for one in REPORT["figures"]:
        stack = max(one["stack_bytes_stated"], one["stack_bytes_painted"])
        assert one["flash_bytes"] == one["text_bytes"] + one["rodata_bytes"] + one["data_bytes"]
        assert one["ram_bytes"] == one["data_bytes"] + one["bss_bytes"] + stack + one["row_bytes"]
        assert one["stack_bytes_painted"] <= one["stack_bytes_stated"]
        assert (one["cycles_estimated"] is None) == (one["board"] != "microbit")
