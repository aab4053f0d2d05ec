/* Peak of one core: independent chains of fused multiply-adds at full vector width. Returns FLOP done. */
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
typedef float vec __attribute__((vector_size(BYTES)));

__attribute__((visibility("default"))) double peak(long rounds, float *out) {
    vec a[20], x = {0}, y = {0};
    x += 0.999f;
    y += 0.001f;
    for (int i = 0; i < 20; i++) a[i] = y * (float)i;
    for (long r = 0; r < rounds; r++) {
#pragma GCC unroll 20
        for (int i = 0; i < 20; i++) a[i] = a[i] * x + y;
    }
    vec sum = {0};
    for (int i = 0; i < 20; i++) sum += a[i];
    *out = sum[0];
    return 2.0 * 20 * (BYTES / 4) * rounds;
}

/* A chain of rotations, each waiting for the one before: one a cycle. Returns how many cycles it takes. */
__attribute__((visibility("default"))) double cycles(long rounds) {
    unsigned long x = 1;
    for (long r = 0; r < rounds; r++) {
#pragma GCC unroll 50
        for (int i = 0; i < 50; i++) {
            x = x << 1 | x >> 63;
            __asm__ volatile("" : "+r"(x));
        }
    }
    return 50.0 * rounds;
}

__attribute__((visibility("default"))) int lanes(void) { return BYTES / 4; }
