"""The shape of the images a network reads."""

from dataclasses import dataclass

from pennyweight.base.errors import UsageError

MOST_CHANNELS, MOST_PIXELS = 64, 4_096


@dataclass(frozen=True)
class Input:
    """Images of `channels` planes with `rows` x `columns` pixels; one channel is a grey image.

    >>> print(pw.Input(channels=3, rows=32, columns=32))
    3 channels of 32x32 pixels
    """

    channels: int = 1
    rows: int = 28
    columns: int = 28

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (channels, rows, columns)."""
        return self.channels, self.rows, self.columns

    @property
    def array_shape(self) -> tuple[int, ...]:
        """Return the shape of one image in an array: (rows, columns) for a grey one, else (channels, rows, columns)."""
        return self.shape if self.channels > 1 else (self.rows, self.columns)

    def check(self) -> None:
        """Raise UsageError naming the first field outside of its range."""
        for name, most in (("channels", MOST_CHANNELS), ("rows", MOST_PIXELS), ("columns", MOST_PIXELS)):
            if not 1 <= getattr(self, name) <= most:
                raise UsageError(f"input.{name} is {getattr(self, name)}; it must be from 1 to {most:,}.")

    def __str__(self) -> str:
        """Return the words of a message: `28x28 pixels`, `3 channels of 32x32 pixels`."""
        size = f"{self.rows}x{self.columns} pixels"
        return size if self.channels == 1 else f"{self.channels} channels of {size}"
