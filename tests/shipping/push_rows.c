/* Reads images from standard input as judge.c does, but hands each over row by row, from a buffer of one row. */
#include <stdint.h>
#include <stdio.h>

#include JUDGE_HEADER

#define JOINED(a, b) a##b
#define NAMED(prefix, name) JOINED(prefix, name)

int main(void) {
    static uint8_t row[IMAGE_COLUMNS];
    static int32_t logits[JUDGE_CLASSES];
    for (;;) {
        NAMED(JUDGE_PREFIX, _begin)();
        for (int y = 0; y < JUDGE_IMAGE_BYTES / IMAGE_COLUMNS; y++) {
            if (fread(row, 1, IMAGE_COLUMNS, stdin) != IMAGE_COLUMNS) return ferror(stdin) || y > 0;
            NAMED(JUDGE_PREFIX, _push_row)(row);
        }
        NAMED(JUDGE_PREFIX, _finish)(logits);
        if (fwrite(logits, sizeof(int32_t), JUDGE_CLASSES, stdout) != JUDGE_CLASSES) return 1;
    }
}
