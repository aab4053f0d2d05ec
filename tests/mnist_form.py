"""The specification of docs/predicting.md in plain loops, and fixed pictures with what it makes of each.

    PYTHONPATH=. python tests/mnist_form.py     writes tests/fixtures/mnist_form.json anew

Nothing here is shared with the package: the file is what any implementation is held to, in whatever language.
"""

import json
from collections.abc import Iterator
from pathlib import Path

GOLDEN = Path(__file__).parent / "fixtures" / "mnist_form.json"
Picture = list[list[int]]
TOO_LARGE, NO_INK, TOO_FINE = "too large", "no ink", "too fine"


def in_mnist_form(picture: Picture) -> tuple[Picture, bool] | str:
    """Return 28x28 pixels and whether the ink was dark on a light ground, or why the picture is refused."""
    h, w = len(picture), len(picture[0])
    ring = [picture[i][j] for i in range(h) for j in range(w) if i in (0, h - 1) or j in (0, w - 1)]
    ground = sorted(ring)[(len(ring) - 1) // 2]
    if ground == 0 and has_form(picture):
        return picture, False
    is_light = ground > 127
    ink = [[max(0, ground - value if is_light else value - ground) for value in row] for row in picture]
    strongest = max(max(row) for row in ink)
    if strongest < 32:
        return NO_INK
    ink = [[0 if 8 * value < strongest else value for value in row] for row in ink]
    rows = [i for i in range(h) if any(ink[i])]
    columns = [j for j in range(w) if any(row[j] for row in ink)]
    ink = [row[columns[0] : columns[-1] + 1] for row in ink[rows[0] : rows[-1] + 1]]
    if max(len(ink), len(ink[0])) > 7_500:
        return TOO_LARGE
    box = scaled(ink)
    most = max(max(row) for row in box)
    if most == 0:
        return TOO_FINE
    box = [[(255 * value + most // 2) // most for value in row] for row in box]
    return centred(box), is_light


def has_form(picture: Picture) -> bool:
    if (len(picture), len(picture[0])) != (28, 28) or max(map(max, picture)) < 254:
        return False
    rows = [i for i in range(28) if any(picture[i])]
    columns = [j for j in range(28) if any(row[j] for row in picture)]
    if max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 not in (19, 20):
        return False
    s = sum(map(sum, picture))
    down = sum(value * (2 * i + 1) for i, row in enumerate(picture) for value in row)
    across = sum(value * (2 * j + 1) for row in picture for j, value in enumerate(row))
    return abs(down - 28 * s) < 2 * s and abs(across - 28 * s) < 2 * s


def scaled(ink: Picture) -> Picture:
    h, w = len(ink), len(ink[0])
    longer = max(h, w)
    to_h, to_w = max(1, (40 * h + longer) // (2 * longer)), max(1, (40 * w + longer) // (2 * longer))
    down = [[weight(i, j, h, to_h) for j in range(h)] for i in range(to_h)]
    across = [[weight(i, j, w, to_w) for j in range(w)] for i in range(to_w)]
    narrow = [
        [sum(row[j] * weights[j] for j in range(w) if row[j]) for weights in across] if any(row) else [0] * to_w
        for row in ink
    ]
    box = []
    for weights in down:
        sums = [sum(weights[i] * narrow[i][x] for i in range(h)) for x in range(to_w)]
        wholes = [sum(weights) * sum(across[x]) for x in range(to_w)]
        box.append([(2 * n + d) // (2 * d) for n, d in zip(sums, wholes, strict=True)])
    return box


def weight(i: int, j: int, s: int, t: int) -> int:
    return max(0, 2 * max(s, t) - abs((2 * i + 1) * s - (2 * j + 1) * t))


def centred(box: Picture) -> Picture:
    h, w = len(box), len(box[0])
    total = sum(sum(row) for row in box)
    top = place(sum(value * (2 * i + 1) for i, row in enumerate(box) for value in row), total, h)
    left = place(sum(value * (2 * j + 1) for row in box for j, value in enumerate(row)), total, w)
    image = [[0] * 28 for _ in range(28)]
    for i in range(h):
        for j in range(w):
            image[top + i][left + j] = box[i][j]
    return image


def place(moment: int, total: int, t: int) -> int:
    return min(max((28 * total - moment + total) // (2 * total), 0), 28 - t)


def grown(image: Picture, times: int, border: int) -> Picture:
    """Return every pixel `times` as large in both directions, on a black ground."""
    wide = times * len(image[0]) + 2 * border
    rows = [[0] * border + [value for value in row for _ in range(times)] + [0] * border for row in image]
    return [[0] * wide] * border + [row for row in rows for _ in range(times)] + [[0] * wide] * border


def negative(picture: Picture) -> Picture:
    return [[255 - value for value in row] for row in picture]


def framed(ink: Picture, border: int = 2, ground: int = 0) -> Picture:
    wide = len(ink[0]) + 2 * border
    sides = [ground] * border
    return [[ground] * wide] * border + [[*sides, *row, *sides] for row in ink] + [[ground] * wide] * border


def noise(rows: int, columns: int, seed: int) -> Picture:
    """Return pixels of a linear congruential generator, the same in any language (Park and Miller, 1988)."""
    found = []
    for _ in range(rows * columns):
        seed = seed * 48_271 % 2_147_483_647
        found.append(seed >> 8 & 255)
    return [found[row * columns : (row + 1) * columns] for row in range(rows)]


def disc(side: int, radius: int, value: int) -> Picture:
    middle = side // 2
    return [
        [value if (i - middle) ** 2 + (j - middle) ** 2 <= radius**2 else 0 for j in range(side)] for i in range(side)
    ]


def pictures(digits: list[Picture]) -> Iterator[tuple[str, Picture]]:
    """Yield every case with what it is there for; `digits` are images of the embedded digits."""
    for index, digit in enumerate(digits):
        yield f"example {index}, as it is", digit
        yield f"example {index}, three times as large", grown(digit, 3, 9)
        yield f"example {index}, dark on white", negative(digit)
    grey = [
        [200 - value // 2 + one % 13 - 6 for value, one in zip(*rows, strict=True)]
        for rows in zip(grown(digits[0], 2, 3), noise(62, 62, 5), strict=True)
    ]
    yield "example 0, on grey paper with noise", grey
    for size in ((1, 9), (9, 1), (2, 2), (3, 12), (12, 3), (7, 7), (21, 33), (30, 19)):
        yield f"noise of {size[0]} x {size[1]}", noise(*size, seed=size[0] * 100 + size[1])
    yield "one pixel", [[255]]
    yield "one pixel on a ground", framed([[255]])
    yield "a ground of 127 is dark", framed([[255, 0]], ground=127)
    yield "a ground of 128 is light", framed([[255, 0]], ground=128)
    yield "a ring half black, half white: the lower one is the ground", [[0, 255], [255, 0]]
    yield "contrast of 31", framed([[31]])
    yield "contrast of 32", framed([[32]])
    yield "the faintest ink beside 255", framed([[255, 31, 32, 0, 31], [31, 0, 0, 0, 32]])
    yield "the faintest ink beside 248", framed([[248, 31, 30, 0, 31]])
    yield "one and a half pixels become two", framed([[200] * 40] * 3)
    yield "less than half a pixel becomes one", framed([[200] * 41])
    yield "three columns become one and a half, two", framed([[90, 200, 255]] * 40)
    yield "it grows from 5 x 3", framed([[255, 0, 9], [1, 128, 0], [0, 77, 255], [200, 0, 0], [3, 255, 60]])
    yield "a side of 20 stays", framed(noise(20, 13, seed=7))
    yield "a box of odd width, whose middle is between two pixels", framed([[255] * 13] * 20)
    yield "mass at one end: the box is at the last row", framed([[255] * 20] + [[40] + [0] * 19] * 19)
    yield "mass at the other end: the box is at the first row", framed([[0] * 19 + [40]] * 19 + [[255] * 20])
    yield "ink up to the edge of the picture", [[0, 0, 0, 90], [0, 0, 200, 255], [0, 0, 0, 255]]
    yield "a large disc, shrunk", framed(disc(151, 70, 180), border=11)
    yield (
        "two specks far from each other",
        framed([[255] + [0] * 598 + [255], *[[0] * 600] * 598, [255] * 1 + [0] * 599]),
    )
    yield from of_the_form()
    yield "ink of 7,500 pixels", framed([[255] * 7_500] * 40)
    yield "ink of 7,501 pixels", framed([[255] * 7_501])


def within(ink: Picture, top: int, left: int) -> Picture:
    """Return 28x28 black pixels with `ink` at a place."""
    image = [[0] * 28 for _ in range(28)]
    for i, row in enumerate(ink):
        image[top + i][left : left + len(row)] = row
    return image


def of_the_form() -> Iterator[tuple[str, Picture]]:
    """Yield pictures that have the form already, and others that differ from it in one of its rules."""
    faint = noise(20, 12, seed=3)
    faint[0][0], faint[5][5], faint[19][11] = 1, 255, 2
    yield "in the form, with pixels too faint for ink", within(faint, 4, 8)
    yield "in the form, 19 pixels high", within([[254] * 9] * 19, 4, 9)
    yield "in the form, 20 pixels wide", within([[200] * 19 + [255]] * 7, 10, 4)
    yield "ink of 18 pixels", within([[255] * 9] * 18, 5, 9)
    yield "ink of 21 pixels", within([[255] * 9] * 21, 3, 9)
    yield "the strongest is 253", within([[253] * 9] * 20, 4, 9)
    yield "a whole pixel off the middle, down", within([[255] * 10] * 20, 5, 9)
    yield "a whole pixel off the middle, across", within([[255] * 10] * 20, 4, 8)
    yield "almost a pixel off the middle", within([[255] * 10] * 19 + [[255] * 9 + [254]], 5, 9)
    yield "on a ground of 1", [[max(1, value) for value in row] for row in within([[255] * 10] * 20, 4, 9)]
    yield "28 x 29 pixels", [[*row, 0] for row in within([[255] * 10] * 20, 4, 9)]


def runs_of(picture: Picture) -> list[int]:
    """Return the pixels row by row as count, value, count, value."""
    runs: list[int] = []
    for value in (value for row in picture for value in row):
        if runs and runs[-1] == value:
            runs[-2] += 1
        else:
            runs += [1, value]
    return runs


def golden_text(digits: list[Picture]) -> str:
    """Return the file: one case a line, its picture in runs, its 28 rows in hexadecimal digits."""
    cases = []
    for name, picture in pictures(digits):
        made = in_mnist_form(picture)
        image, dark = made if isinstance(made, tuple) else (None, None)
        case = {
            "name": name,
            "rows": len(picture),
            "columns": len(picture[0]),
            "runs": runs_of(picture),
            "refused": "" if image else made,
            "dark_on_light": dark,
            "image": [bytes(row).hex() for row in image] if image else None,
        }
        cases.append(json.dumps(case))
    return '{"cases": [\n' + ",\n".join(cases) + "\n]}\n"


def embedded_digits() -> list[Picture]:
    from pennyweight.data.dataset import load

    return [image.tolist() for image in load("digits").test_images[[0, 90, 180, 270]]]


if __name__ == "__main__":
    GOLDEN.write_text(golden_text(embedded_digits()))
