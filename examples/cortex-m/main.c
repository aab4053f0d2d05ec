/* Recognises a drawn digit, row by row as a camera or a touch pad would deliver it, and prints it.
 *
 * `digit_int8` is the network that `pennyweight export RUN --to c-int8 --prefix digit --out network` writes. With
 * FLOAT_NETWORK it is `digit`, which `--to c` writes for a processor with a float unit, and takes a whole image. */
#ifdef FLOAT_NETWORK
#include "digit.h"
#else
#include "digit_int8.h"
#endif
#include "semihosting.h"

enum { ROWS = 28, COLUMNS = 28 };

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

static void read_row(int row, uint8_t *pixels) {
    for (int column = 0; column < COLUMNS; column++) pixels[column] = brightness(drawing[row][column]);
}

/* Returns the digit; -1 where an image is not complete. */
static int recognise(void) {
#ifdef FLOAT_NETWORK
    static uint8_t image[ROWS * COLUMNS];
    for (int row = 0; row < ROWS; row++) read_row(row, image + row * COLUMNS);
    return digit_predict(image, 0);
#else
    digit_int8_begin();
    for (int row = 0; row < ROWS; row++) {
        uint8_t pixels[COLUMNS];
        read_row(row, pixels);
        digit_int8_push_row(pixels);
    }
    return digit_int8_finish(0);
#endif
}

int main(void) {
    const int digit = recognise();
    const char answer[] = {digit < 0 ? '?' : (char)('0' + digit), '\n', 0};
    host_print(answer);
    host_exit(digit >= 0);
    return 0;
}
