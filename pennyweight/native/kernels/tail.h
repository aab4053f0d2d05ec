/* Everything between two convolutions in one pass over the map, forward and backward:
 * ReLU, BatchNorm, sum with a skipped value, ReLU, pooling, dropout, each only where its flag is set, in this order.
 */

enum { PRE_RELU = 1, NORMALISE = 2, ADD = 4, POST_RELU = 8, DROP = 16 };
enum { NO_POOL, MAX_POOL, MEAN_POOL };

/* A keyed hash of a counter decides each dropped value: an integer mixer with good avalanche ("lowbias32"). */
INLINE uvec mixed(uvec x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

/* v / (1 - rate), or 0 with probability rate; `place` counts the values of a group's map. */
INLINE vec dropped(vec v, uint32_t key, uint32_t place, float rate) {
    uvec lanes;
    UNROLL for (int lane = 0; lane < LANES; lane++) lanes[lane] = lane;
    uvec hash = mixed((lanes + place * LANES) * 0x9e3779b9u ^ key);
    ivec kept = (ivec)(hash >= (uint32_t)(rate * 4294967296.0));
    return keep(kept, v * (1.0f / (1.0f - rate)));
}

INLINE vec before_pool(vec v, vec skip, const Normal *n, int flags) {
    if (flags & PRE_RELU) v = relu(v);
    if (flags & NORMALISE) v = n->scale * v + n->shift;
    if (flags & ADD) v += skip;
    if (flags & POST_RELU) v = relu(v);
    return v;
}

/* out (c, h / size, w / size, border po) from raw (c, h, w, border p) and skip (c, h, w, border ps). */
INLINE void tail_forward(const vec *raw, const vec *skip, const Normal *normal, vec *out, uint32_t key, float rate, int c,
                         int h, int w, int p, int ps, int po, int flags, int pool, int size) {
    int oh = h / size, ow = w / size;
    for (int i = 0; i < c; i++) {
        const vec *from = raw + ((long)i * (h + 2 * p) + p) * (w + 2 * p) + p;
        const vec *beside = skip + ((long)i * (h + 2 * ps) + ps) * (w + 2 * ps) + ps;
        vec *to = out + ((long)i * (oh + 2 * po) + po) * (ow + 2 * po) + po;
        for (int row = 0; row < oh; row++) {
            for (int col = 0; col < ow; col++) {
                vec result = {0};
                for (int dy = 0; dy < size; dy++)
                    for (int dx = 0; dx < size; dx++) {
                        int y = row * size + dy, x = col * size + dx;
                        vec v = before_pool(from[y * (w + 2 * p) + x],
                                            flags & ADD ? beside[y * (w + 2 * ps) + x] : (vec){0}, normal + i, flags);
                        if (pool == MAX_POOL && dy + dx > 0) {
                            result = either(result >= v, result, v);
                        } else if (pool == MEAN_POOL) {
                            result += v;
                        } else {
                            result = v;
                        }
                    }
                if (pool == MEAN_POOL) result *= 1.0f / (size * size);
                if (flags & DROP) result = dropped(result, key, (i * oh + row) * ow + col, rate);
                to[row * (ow + 2 * po) + col] = result;
            }
        }
    }
}

/* dz (c, h, w), the gradient after normalisation, from dout (c, h / size, w / size); the skipped value's gradient
 * dskip (c, h, w) is set or added to; sums of dz and dz * normalised value for BatchNorm. */
INLINE void tail_backward(const vec *raw, const vec *skip, const Normal *normal, const vec *dout, vec *dz, vec *dskip,
                          BackSums *sums, uint32_t key, float rate, int c, int h, int w, int p, int ps, int flags,
                          int pool, int size, int accumulate_skip) {
    int oh = h / size, ow = w / size;
    for (int i = 0; i < c; i++) {
        const vec *from = raw + ((long)i * (h + 2 * p) + p) * (w + 2 * p) + p;
        const vec *beside = skip + ((long)i * (h + 2 * ps) + ps) * (w + 2 * ps) + ps;
        const vec *above = dout + (long)i * oh * ow;
        vec *to = dz + (long)i * h * w, *aside = dskip + (long)i * h * w;
        vec gradient_sum = {0}, product_sum = {0};
        const Normal *n = normal + i;
        for (int row = 0; row < oh; row++) {
            vec row_gradient = {0}, row_product = {0}; /* a sum a row, then a sum of rows: less rounding */
            for (int col = 0; col < ow; col++) {
                vec d = above[row * ow + col];
                if (flags & DROP) d = dropped(d, key, (i * oh + row) * ow + col, rate);
                if (pool == MEAN_POOL) d *= 1.0f / (size * size);
                vec largest = {0};
                if (pool == MAX_POOL)
                    for (int dy = 0; dy < size; dy++)
                        for (int dx = 0; dx < size; dx++) {
                            int y = row * size + dy, x = col * size + dx;
                            vec v = before_pool(from[y * (w + 2 * p) + x],
                                                flags & ADD ? beside[y * (w + 2 * ps) + x] : (vec){0}, n, flags);
                            ivec keeps = dy + dx > 0 ? largest >= v : (ivec){0};
                            largest = either(keeps, largest, v);
                        }
                ivec waiting = ~(ivec){0}; /* the first of equal values takes the gradient, as in PyTorch */
                for (int dy = 0; dy < size; dy++)
                    for (int dx = 0; dx < size; dx++) {
                        int y = row * size + dy, x = col * size + dx;
                        vec v = from[y * (w + 2 * p) + x];
                        vec z = before_pool(v, flags & ADD ? beside[y * (w + 2 * ps) + x] : (vec){0}, n, flags);
                        vec part = d;
                        if (pool == MAX_POOL) {
                            ivec chosen = (z == largest) & waiting;
                            waiting &= ~chosen;
                            part = keep(chosen, part);
                        }
                        if (flags & POST_RELU) part = keep(above_zero(z), part);
                        if (flags & ADD) aside[y * w + x] = accumulate_skip ? aside[y * w + x] + part : part;
                        to[y * w + x] = part;
                        if (flags & NORMALISE) {
                            vec normalised = ((flags & PRE_RELU ? relu(v) : v) - n->mean) * n->inverse;
                            row_gradient += part;
                            row_product += part * normalised;
                        }
                    }
            }
            gradient_sum += row_gradient;
            product_sum += row_product;
        }
        /* rows and columns that no window covers have no gradient of their own, but BatchNorm still moves them */
        for (int y = 0; y < h; y++)
            for (int x = y < oh * size ? ow * size : 0; x < w; x++) {
                to[y * w + x] = (vec){0};
                if (flags & ADD && !accumulate_skip) aside[y * w + x] = (vec){0};
            }
        if (flags & NORMALISE) sums[i] = (BackSums){lane_sum(gradient_sum), lane_sum(product_sum)};
    }
}

/* The gradient of the raw value from dz: BatchNorm's correction and the first ReLU. It is set or added into
 * target (c, th, tw), which points at its first pixel, with s - 1 zeros between pixels. */
INLINE void tail_correct(const vec *raw, const vec *dz, const Normal *normal, vec *target, int images, int c, int h, int w,
                         int p, int s, int th, int tw, int flags, int accumulate) {
    vec mask = lane_mask(images);
    for (int i = 0; i < c; i++) {
        const vec *from = raw + ((long)i * (h + 2 * p) + p) * (w + 2 * p) + p;
        const Normal *n = normal + i;
        for (int row = 0; row < h; row++) {
            const vec *d = dz + ((long)i * h + row) * w;
            vec *to = target + ((long)i * th + row * s) * tw;
            for (int col = 0; col < w; col++) {
                vec v = from[row * (w + 2 * p) + col], result = d[col];
                if (flags & NORMALISE) {
                    vec normalised = ((flags & PRE_RELU ? relu(v) : v) - n->mean) * n->inverse;
                    result = (result - n->back_mean - normalised * n->back_product) * n->scale * mask;
                }
                if (flags & PRE_RELU) result = keep(above_zero(v), result);
                to[col * s] = accumulate ? to[col * s] + result : result;
            }
        }
    }
}
