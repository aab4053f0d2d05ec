/* Recognises a drawn digit on a Cortex-M0, row by row as a camera or a touch pad would deliver it, and prints it.
 *
 * `digit_int8` is the network that `pennyweight export RUN --to c-int8 --prefix digit --out network` writes. */
#include "digit_int8.h"
#include "semihosting.h"

enum { ROWS = 28, COLUMNS = 28, CLASSES = 10 };

/* `#` is ink, `+` half of it; the form of MNIST: 20 pixels high, the centre of mass in the middle. */
/* clang-format off */
static const char drawing[ROWS][COLUMNS + 1] = {
    "............................",
    "............................",
    "............................",
    "............................",
    ".......+++++++++++++........",
    "......+##############.......",
    "......+##############.......",
    "......+##############.......",
    ".................+##+.......",
    "................+##+........",
    "................+##+........",
    "...............+##+.........",
    "...............+##+.........",
    "..............+##+..........",
    "..............+##+..........",
    ".............+##+...........",
    ".............+##+...........",
    "............+##+............",
    "...........+##+.............",
    "...........+##+.............",
    "..........+##+..............",
    "..........+##+..............",
    ".........+##+...............",
    ".........+##+...............",
    "............................",
    "............................",
    "............................",
    "............................",
};
/* clang-format on */

static uint8_t brightness(char dot) { return dot == '#' ? 255 : dot == '+' ? 128 : 0; }

int main(void) {
    digit_int8_begin();
    for (int row = 0; row < ROWS; row++) {
        uint8_t pixels[COLUMNS];
        for (int column = 0; column < COLUMNS; column++) pixels[column] = brightness(drawing[row][column]);
        digit_int8_push_row(pixels);
    }
    int32_t logits[CLASSES];
    digit_int8_finish(logits);

    int best = 0;
    for (int label = 1; label < CLASSES; label++)
        if (logits[label] > logits[best]) best = label;
    const char answer[] = {(char)('0' + best), '\n', 0};
    host_print(answer);
    host_exit(1);
}
