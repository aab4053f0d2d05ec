"""Floor 3: the ways to run a plan: the interface, the native and the torch engine, evaluation, prediction."""
