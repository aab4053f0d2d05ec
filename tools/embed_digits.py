"""Write `pennyweight/data/digits.npz` anew from scikit-learn's copy of the UCI digits.

Needed only if that file is ever lost; scikit-learn is no dependency of the project. Run from the repository's root:

    pip install scikit-learn && python tools/embed_digits.py

It prints the SHA-256 of the arrays, which must equal `DIGEST` in `pennyweight/data/digits.py`.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from pennyweight.data.digits import FILE_NAME, digest_of


def main() -> None:
    """Write the file and print its size and the digest of what it holds."""
    digits = load_digits()
    values = digits.images.astype(np.uint8)
    labels = digits.target.astype(np.uint8)
    path = Path("pennyweight/data") / FILE_NAME
    # NumPy dates every member 1980-01-01, so the same zlib writes the same bytes again.
    np.savez_compressed(path, values=values, labels=labels)
    print(f"{path}: {path.stat().st_size:,} bytes, arrays {digest_of(values, labels)}")


if __name__ == "__main__":
    main()
