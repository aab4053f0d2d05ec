/* What a compiler may call wherever it likes, and a program without a library must bring: both are the network's. */
#include <stddef.h>

void *memset(void *to, int value, size_t count);
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memset(void *to, int value, size_t count) {
    for (unsigned char *byte = to; count; count--) *byte++ = (unsigned char)value;
    return to;
}

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memcpy(void *restrict to, const void *restrict from,
                                                                           size_t count) {
    unsigned char *byte = to;
    for (const unsigned char *other = from; count; count--) *byte++ = *other++;
    return to;
}

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memmove(void *to, const void *from, size_t count) {
    unsigned char *byte = to;
    const unsigned char *other = from;
    if (byte < other)
        for (; count; count--) *byte++ = *other++;
    else
        while (count--) byte[count] = other[count];
    return to;
}
