"""Floor 1: where the images come from: IDX files, their sources and mirrors, the embedded digits, splits."""
