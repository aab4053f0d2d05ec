/* Reads images from standard input, writes the logits of each to standard output. */
#include <stdint.h>
#include <stdio.h>

#include HEADER

int main(void) {
    static uint8_t image[IMAGE_BYTES];
    static OUTPUT logits[CLASSES];
    while (fread(image, 1, IMAGE_BYTES, stdin) == IMAGE_BYTES) {
        PREDICT(image, logits);
        if (fwrite(logits, sizeof(OUTPUT), CLASSES, stdout) != CLASSES) {
            return 1;
        }
    }
    return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
