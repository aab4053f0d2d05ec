"""What document 004, "MNIST Classification : Model development using advanced CNN's", says of its networks."""

from pennyweight.documents.kinds import (
    Channels,
    Claim,
    FirstWith,
    FollowedBy,
    Held,
    LastKernel,
    LayerTable,
    Logged,
    ParameterLimit,
    PoolsMap,
    Reached,
    Regularization,
)

_TENTH = 0.1
"""To what the document rounds accuracies."""

CLAIMS: tuple[Claim, ...] = (
    LayerTable("Total params: 7,998", "iteration-1", (100, 20, 728, 16, 730, 20, 728, 16, 730, 4_910), 7_998),
    LastKernel("Using 1 * 1 on last layer", "iteration-1", 1, contradictions=(28,)),
    Channels("started with CNN : 10 -> 8 -> 10", "iteration-1", (10, 8, 10), contradictions=(31,)),
    *(
        FollowedBy(
            "Batch normalization & relu after each convolution",
            "iteration-1",
            kind,
            with_last=True,
            contradictions=(29,),
        )
        for kind in ("BatchNorm", "Relu")
    ),
    Reached("Final Train accuracy: 98.8", "iteration-1", 98.8, "train", "final", _TENTH),
    Reached("Final Test accuracy: 98.8", "iteration-1", 98.8, "test", "final", _TENTH),
    LayerTable(
        "Total params: 7,936",
        "iteration-2",
        (200, 40, 1_810, 20, 1_820, 40, 1_810, 20, 910, 20, 1_092, 24, 130),
        7_936,
    ),
    FirstWith(
        "Add new features ... Use dropout to prevent overfitting",
        "iteration-2",
        "Dropout",
        ("iteration-1",),
        contradictions=(30,),
    ),
    FollowedBy(
        "Dropout added after each layer of convolution",
        "iteration-2",
        "Dropout",
        with_last=True,
        contradictions=(32,),
    ),
    FirstWith("Average pooling introduced", "iteration-2", "AvgPool", ("iteration-1",)),
    Channels("20 -> 10 -> 20 -> 12 -> 10", "iteration-2", (20, 10, 20, 12, 10), contradictions=(33,)),
    Reached("Final Train accuracy: 97.9", "iteration-2", 97.9, "train", "final", _TENTH),
    Reached("Final Test accuracy: 98.9", "iteration-2", 98.9, "test", "final", _TENTH),
    LayerTable(
        "Total params: 5,178",
        "iteration-3",
        (54, 12, 648, 24, 1_296, 24, 1_296, 24, 1_296, 24, 480),
        5_178,
    ),
    ParameterLimit("Parameters < 8000", "iteration-3", 8_000, included=False),
    Channels("6→12→12→10 progression", "iteration-3", (6, 12, 12, 10), contradictions=(37,)),
    PoolsMap("Adaptive average pooling added", "iteration-3", contradictions=(35,)),
    Regularization(
        "Batch norm + proper regularization for stable final epochs",
        "iteration-3",
        present=True,
        contradictions=(36,),
    ),
    Reached("Final Train accuracy: 98.8", "iteration-3", 98.8, "train", "final", _TENTH),
    Reached("Final Test accuracy: 99.4", "iteration-3", 99.4, "test", "final", _TENTH),
    Held("99.4 % accuracy in last three iterations", "iteration-3", 99.4, "test", 13, 15),
    Logged("Epochs 13 to 15: .994", "iteration-3", (99.4, 99.4, 99.4), 99.4, _TENTH, contradictions=(40,)),
)
"""What the document says that can be checked, in its order."""
