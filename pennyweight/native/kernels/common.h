/* What every kernel uses: vectors of LANES images side by side, so that any channel count is full-width work.
 *
 * A map is [channels][rows][columns] vectors; shapes in comments leave the lanes out. A stored map may have rows and
 * columns of zeros around it, its pad. All sizes are literals where a kernel is called, in a struct with named fields
 * that is passed by value and inlined, so the compiler unrolls for them.
 *
 * LANES, MOST_SUMS, MOST_OUTPUTS, MOST_WINOGRAD_CHANNELS and the sizes of the network are defined by the generated
 * program.
 */
#pragma once
#include "zones.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES), aligned(4 * LANES)));
typedef uint32_t uvec __attribute__((vector_size(4 * LANES), aligned(4 * LANES)));

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

/* What is used more than once is loaded once: gcc left alone reads it from memory in every multiplication. */
#ifdef __AVX512F__
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#else
#define IN_REGISTER(v) (void)0
#endif

/* 1 in lanes that hold an image, else 0; the last batch may not fill its vectors. */
INLINE vec lane_mask(int images) {
    vec mask;
    for (int lane = 0; lane < LANES; lane++) mask[lane] = lane < images ? 1.0f : 0.0f;
    return mask;
}

/* Sum of all lanes, halves added to halves: a fixed order, whatever the compiler. */
INLINE float lane_sum(vec v) {
    float part[LANES] __attribute__((aligned(4 * LANES)));
    *(vec *)part = v;
    UNROLL for (int half = LANES / 2; half > 0; half /= 2) {
        UNROLL for (int lane = 0; lane < half; lane++)
            part[lane] += part[lane + half];
    }
    return part[0];
}

/* Of 2 LANES values those whose index has (or has not) the bit `half`, added to each other: lane_sum's step for two. */
INLINE vec halves_added(vec a, vec b, int half) {
    ivec without, with;
    int lane = 0;
    UNROLL for (int i = 0; i < 2 * LANES; i++) {
        if (!(i & half)) without[lane] = i, with[lane] = i + half, lane++;
    }
#ifdef __clang__
    vec low, high;
    UNROLL for (int i = 0; i < LANES; i++) {
        low[i] = without[i] < LANES ? a[without[i]] : b[without[i] - LANES];
        high[i] = with[i] < LANES ? a[with[i]] : b[with[i] - LANES];
    }
    return low + high;
#else
    return __builtin_shuffle(a, b, without) + __builtin_shuffle(a, b, with);
#endif
}

/* lane_sum of n vectors, added in the same order; `sums` has room for whole vectors. */
INLINE void lane_sums(const vec *v, vec *sums, int n) {
    for (int first = 0; first < n; first += LANES) {
        vec part[LANES];
        UNROLL for (int j = 0; j < LANES; j++)
            part[j] = first + j < n ? v[first + j] : (vec){0};
        UNROLL for (int half = LANES / 2; half > 0; half /= 2) {
            UNROLL for (int j = 0; j < half; j++)
                part[j] = halves_added(part[2 * j], part[2 * j + 1], half);
        }
        sums[first / LANES] = part[0];
    }
}

/* relu is max(v, 0), but what is not a number stays so, and is noticed. */
INLINE ivec above_zero(vec v) { return ~(v <= 0.0f); }
INLINE vec select_lanes(ivec mask, vec yes, vec no) { return (vec)((mask & (ivec)yes) | (~mask & (ivec)no)); }
INLINE vec mask_lanes(ivec mask, vec v) { return (vec)(mask & (ivec)v); }
INLINE vec relu(vec v) { return mask_lanes(above_zero(v), v); }

/* A hash of every lane: an integer mixer with good avalanche ("lowbias32"). */
INLINE uvec hash_lanes(uvec x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

INLINE uint32_t hash(uint32_t x) { return hash_lanes((uvec){0} + x)[0]; }
