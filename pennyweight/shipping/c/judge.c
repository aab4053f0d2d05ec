/* Reads images from standard input, writes the logits of each to standard output. */
#include <stdint.h>
#include <stdio.h>

#include JUDGE_HEADER

int main(void) {
    static uint8_t image[JUDGE_IMAGE_BYTES];
    static JUDGE_OUTPUT logits[JUDGE_CLASSES];
    while (fread(image, 1, JUDGE_IMAGE_BYTES, stdin) == JUDGE_IMAGE_BYTES) {
        JUDGE_PREDICT(image, logits);
        if (fwrite(logits, sizeof(JUDGE_OUTPUT), JUDGE_CLASSES, stdout) != JUDGE_CLASSES) {
            return 1;
        }
    }
    return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
