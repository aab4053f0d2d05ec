/* Reads images from standard input, writes the logits that C of another generator gives to standard output. */
#include <stdint.h>
#include <stdio.h>

void emx(const float *image, float *logits);

int main(void) {
    static uint8_t pixels[JUDGE_IMAGE_BYTES];
    static float image[JUDGE_IMAGE_BYTES], logits[JUDGE_CLASSES];
    while (fread(pixels, 1, JUDGE_IMAGE_BYTES, stdin) == JUDGE_IMAGE_BYTES) {
        for (int i = 0; i < JUDGE_IMAGE_BYTES; i++) {
            image[i] = (float)pixels[i] / 255.0f;
        }
        emx(image, logits);
        if (fwrite(logits, sizeof(float), JUDGE_CLASSES, stdout) != JUDGE_CLASSES) {
            return 1;
        }
    }
    return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
