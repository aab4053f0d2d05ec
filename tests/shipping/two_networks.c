/* Two networks in one program: prints the class that each gives its image. */
#include <stdio.h>

#include "one.h"
#include "other.h"

static int read_image(const char *name, uint8_t *image, size_t size) {
    FILE *file = fopen(name, "rb");
    if (!file) {
        return 0;
    }
    const size_t count = fread(image, 1, size, file);
    return fclose(file) == 0 && count == size;
}

int main(void) {
    static uint8_t one[ONE_CHANNELS * ONE_ROWS * ONE_COLUMNS];
    static uint8_t other[OTHER_CHANNELS * OTHER_ROWS * OTHER_COLUMNS];
    float one_logits[ONE_CLASSES], other_logits[OTHER_CLASSES];
    if (!read_image("one.raw", one, sizeof one) || !read_image("other.raw", other, sizeof other)) {
        return 1;
    }
    printf("%d %d\n", one_predict(one, one_logits), other_predict(other, other_logits));
    return 0;
}
