"""What PyTorch does where nothing is asked: settings that no document states and every source still trains with.

Each is a tuple of keys for `Origin.defaults`; the recipes hold PyTorch's values.
"""

PLAIN = ("label_smoothing", "averaging", "stopping")
SGD = ("optimizer.nesterov",)
ADAM = ("optimizer.beta1", "optimizer.beta2", "optimizer.epsilon")
ONE_CYCLE = (
    *("schedule.start_divisor", "schedule.final_divisor"),
    *("schedule.cycle_momentum", "schedule.momentum_low", "schedule.momentum_high"),
)
