"""Train every recipe for two epochs of MNIST and print the digest of its weights; no line changes if no number does.

Run it in two checkouts and compare: `python tools/weight_digests.py native > after.txt; diff before.txt after.txt`.
One thread, because the bytes of the torch engine depend on the number of threads.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PENNYWEIGHT = [sys.executable, "-m", "pennyweight"]


def main() -> None:
    """Print a line per recipe: the engine, the recipe, the SHA-256 of its weights and buffers."""
    engine, *recipes = sys.argv[1:] or sys.exit(f"usage: {sys.argv[0]} native|torch [RECIPE...]")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if not recipes:
        listed = subprocess.run([*PENNYWEIGHT, "list", "--json"], capture_output=True, text=True, check=True)
        recipes = [recipe["name"] for recipe in json.loads(listed.stdout)]
    for recipe in recipes:
        with tempfile.TemporaryDirectory() as folder:
            words = ["train", recipe, "--engine", engine, "--epochs", "2", "--out", str(Path(folder) / "run"), "--json"]
            done = subprocess.run([*PENNYWEIGHT, *words], capture_output=True, text=True, check=True, env=environment)
        print(engine, recipe, json.loads(done.stdout)["weights_sha256"], flush=True)


if __name__ == "__main__":
    main()
