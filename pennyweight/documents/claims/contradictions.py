"""What does not agree in the five documents, numbered in their order, and where it is said here.

Most are exposed by a claim that does not hold (`Claim.contradictions`), some are told by the note of a recipe,
and a few are words that nothing can be held against.
"""

from pennyweight.documents.kinds import Contradiction

RHETORIC, FORMAT = "a manner of speaking", "how something is printed"

CONTRADICTIONS: tuple[Contradiction, ...] = (
    Contradiction(1, "000", "Model 1 has 1,674 parameters, and 7,432 in another place"),
    Contradiction(2, "000", "Model 3 has 6,188 parameters, and 7,984 in another place"),
    Contradiction(
        3,
        "000",
        "Model 2's 26x26 map stays large enough for 24x24 after two convolutions, and no padding is mentioned",
        note=("progressive-2", "must be padded to give the stated 24x24x16"),
    ),
    Contradiction(4, "000", "Model 3's Linear(16, 10) has a bias as written, its count leaves no room for one"),
    Contradiction(5, "000", "Model 2 has BatchNorm after each convolution, its count leaves none after the last"),
    Contradiction(6, "000", "Model 2's progression drops its second convolution to 12 channels"),
    Contradiction(7, "000", "Model 1's architecture lists normalization, its count leaves no room for BatchNorm"),
    Contradiction(8, "000", "Model 2's parameter increase is minimal, and threefold"),
    Contradiction(
        9,
        "000",
        "Training techniques are listed for the project, and Model 1 has basic training",
        note=("progressive-1", "named for the project as a whole, not for this step"),
    ),
    Contradiction(10, "001", "V2's layer table adds up to 99,746, its totals and text say about 19,000"),
    Contradiction(11, "001", "V2 has 95 % fewer parameters than V1 and meets the target of 20K; neither is so"),
    Contradiction(12, "001", "V1 has BatchNorm after each convolution, its table none after the sixth"),
    Contradiction(13, "001", "Global average pooling replaces V1's large FC layers, and V1 has it already"),
    Contradiction(14, "001", "V1 has no regularization, and BatchNorm"),
    Contradiction(15, "001", "To reach 99 % is future work, after 99.55 %", unchecked=RHETORIC),
    Contradiction(16, "001", "V1's final figure is the lowest of the last three epochs it logs"),
    Contradiction(17, "001", "V1's table has no rows for pooling and ReLU, V2's has pooling alone", unchecked=FORMAT),
    Contradiction(
        18,
        "002",
        "Model 3's optimizer is not named, and has a momentum",
        note=("skip-3", "The optimizer's name is not stated"),
    ),
    Contradiction(
        19,
        "002",
        "No model's layers are listed, and most training settings are missing",
        note=("skip-3", "not the document's own list"),
    ),
    Contradiction(20, "002", "Fewer than 8000 parameters is a target criterion, and Model 1 has 8,856"),
    Contradiction(21, "002", "Model 3 is praised for minimal parameters, and has more than Model 2"),
    Contradiction(
        22,
        "003",
        "All convolutions are 3x3 without a padding; without padding no map is left before the last",
        note=("compact-regularized", "Paddings are our choice"),
    ),
    Contradiction(23, "003", "The last convolution sees 28x28, and by its own layers 40"),
    Contradiction(24, "003", "Pooling saves about 2,400 parameters, which no fully connected layer there would hold"),
    Contradiction(
        25,
        "003",
        "The minimal model is faster by less regularization, and narrower as well",
        unchecked="our ten seeds of each do not tell which is faster",
    ),
    Contradiction(
        26,
        "003",
        "99.4 % is reached in the last epoch that was run, and the test set is not used",
        note=("compact-regularized", "stop at the first epoch at 99.40 %, and the test set is not used"),
    ),
    Contradiction(
        27,
        "003",
        "The rate falls at epoch 7, which a step of 7 epochs would not do",
        note=("compact-regularized", "The drop at epoch 7 is a step of 6 epochs"),
    ),
    Contradiction(28, "004", "Model 1's last layer is 1*1, and in its table 7x7"),
    Contradiction(29, "004", "Model 1 has BatchNorm and ReLU after each convolution, the last two have neither"),
    Contradiction(30, "004", "Model 2 introduces dropout, and Model 1's table has one"),
    Contradiction(31, "004", "Model 1's progression is 10-8-10, and in its table longer"),
    Contradiction(32, "004", "Model 2 has dropout after each convolution, and in its table not after all"),
    Contradiction(33, "004", "Model 2's progression is 20-10-20-12-10, and in its table longer"),
    Contradiction(
        34,
        "004",
        "Model 2 trains by SGD with a momentum of 0.1, its author's script by Adam",
        note=("iteration-2", "author's public script trains with Adam"),
    ),
    Contradiction(35, "004", "Model 3 adds adaptive average pooling, on a map of 1x1"),
    Contradiction(36, "004", "Model 3 has proper regularization, and no dropout"),
    Contradiction(37, "004", "Model 3's progression is 6-12-12-10, and in its table longer"),
    Contradiction(38, "004", "Model 3's analysis is in the future tense", unchecked=RHETORIC),
    Contradiction(39, "004", "The text says test accuracy, the logs validation", unchecked=FORMAT),
    Contradiction(40, "004", "99.4 % is the target, and the logs are rounded to a tenth"),
)
