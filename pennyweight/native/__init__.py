"""Floor 2: the fast CPU engine's C kernels, the generator that calls them, and the door to the compiler."""
