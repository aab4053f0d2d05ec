import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder named by $PENNYWEIGHT_DATA when the real MNIST lies in it."""
    folder = Path(os.environ.get("PENNYWEIGHT_DATA", ""))
    if not os.environ.get("PENNYWEIGHT_DATA") or not any(folder.glob("mnist/train-images*idx3-ubyte*")):
        pytest.skip("MNIST not found; set PENNYWEIGHT_DATA")
    return folder
