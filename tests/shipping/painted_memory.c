/* Counts the bytes of the rings that a network never writes: they are painted with one value, then with another. */
#include <stddef.h>
#include <stdio.h>

#include SOURCE

#define JOINED(a, b) a##b
#define NAMED(prefix, name) JOINED(prefix, name)

int main(void) {
    static uint8_t image[IMAGE_BYTES];
    static uint8_t is_written[sizeof memory.ring];
    int untouched = 0;
    for (int paint = 0; paint < 256; paint += 85) {
        for (unsigned at = 0; at < sizeof memory.ring; at++) memory.ring[at] = (uint8_t)paint;
        for (unsigned at = 0; at < IMAGE_BYTES; at++) image[at] = (uint8_t)(at * 7919 + at / 13 * 31);
        NAMED(PREFIX, _predict)(image, NULL);
        for (unsigned at = 0; at < sizeof memory.ring; at++) is_written[at] |= memory.ring[at] != paint;
    }
    for (unsigned at = 0; at < sizeof memory.ring; at++) untouched += !is_written[at];
    return printf("%d\n", untouched) < 0;
}
