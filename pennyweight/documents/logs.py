"""What the documents log of their own training besides accuracies: the seconds that an epoch took them."""

EPOCH_SECONDS: dict[str, tuple[float, ...]] = {
    "iteration-1": (
        *(42.99, 37.06, 38.15, 37.38, 37.42, 37.52, 37.92, 38.01, 37.73, 37.86),
        *(38.49, 37.78, 37.85, 38.05, 37.66),
    ),
    "iteration-2": (
        *(42.21, 42.39, 42.37, 41.22, 41.15, 41.92, 40.89, 40.91, 41.98, 40.61),
        *(40.79, 41.85, 41.00, 41.42, 41.34),
    ),
    "iteration-3": (
        *(57.07, 56.86, 55.97, 55.16, 55.92, 56.36, 56.07, 59.39, 57.27, 58.46),
        *(58.85, 60.56, 58.34, 59.82, 58.90),
    ),
}
"""By recipe, epoch after epoch, on a machine that is not named; the other documents log no times."""
