/* What every kernel uses. LANES images lie side by side in one vector, so that any channel count is full-width work.
 *
 * Legend: c channels, h rows, w columns, p zero border around a stored map, k kernel, s stride;
 *         ci, co channels in and out; hi, wi rows and columns of a stored map with its border.
 * Maps are [c][hi][wi] vectors. All sizes are literals where a kernel is called, so the compiler unrolls for them.
 */
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

/* One of 1 / 0 for every lane that holds an image / that does not; the last batch may not fill its vectors. */
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
        UNROLL for (int lane = 0; lane < half; lane++) part[lane] += part[lane + half];
    }
    return part[0];
}

/* max(v, 0) that keeps what is not a number, so that it is noticed. */
INLINE ivec above_zero(vec v) { return ~(v <= 0.0f); }
INLINE vec keep(ivec mask, vec v) { return (vec)(mask & (ivec)v); }
INLINE vec relu(vec v) { return keep(above_zero(v), v); }
