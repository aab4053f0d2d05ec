"""The version of the native engine's arithmetic: a number that is raised when the bytes of a run change."""

ARITHMETIC_VERSION = 1
"""Runs of one number, compiler, set of flags and processor end in the same bytes."""

ARITHMETIC_DIGEST = "b067f46d8cd4612dbda8e2e61dec9c9477fa9c97675c3dcde994461e4325517e"
"""SHA-256 of the kernels and of generated programs without comments and layout, as of that number.

A test fails when it is another. Then either `python tools/weight_digests.py native` prints the same weights as before
and the new digest is stored here alone, or the number is raised with it.
"""
