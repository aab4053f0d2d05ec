"""The version of the native engine's arithmetic: a number that is raised when the bytes of a run change."""

ARITHMETIC_VERSION = 1
"""Runs of one number, compiler, set of flags and processor end in the same bytes."""

ARITHMETIC_DIGEST = "62bf62ffba3ffda5673315286f20167e48d41b09b99afcc41ed7f93e926ed140"
"""SHA-256 of the kernels and of generated programs without comments and layout, as of that number.

A test fails when it is another. Then either `python tools/weight_digests.py native` prints the same weights as before
and the new digest is stored here alone, or the number is raised with it.
"""
