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

/* One channel of a tail's map: its stored values and the skipped ones beside them, each from its first pixel. */
typedef struct {
    const vec *raw, *skip;
    const Normal *normal;
    int wide, skip_wide, flags; /* columns of a stored row with its border */
} Channel;

INLINE Channel channel(const vec *raw, const vec *skip, const Normal *normal, int i, int h, int w, int p, int ps,
                       int flags) {
    return (Channel){raw + ((long)i * (h + 2 * p) + p) * (w + 2 * p) + p,
                     flags & ADD ? skip + ((long)i * (h + 2 * ps) + ps) * (w + 2 * ps) + ps : 0,
                     flags & NORMALISE ? normal + i : 0,
                     w + 2 * p,
                     w + 2 * ps,
                     flags};
}

INLINE vec raw_at(const Channel *c, int y, int x) { return c->raw[y * c->wide + x]; }

/* A value before the last ReLU. */
INLINE vec sum_at(const Channel *c, int y, int x) {
    vec v = raw_at(c, y, x);
    if (c->flags & PRE_RELU) v = relu(v);
    if (c->flags & NORMALISE) v = c->normal->scale * v + c->normal->shift;
    if (c->flags & ADD) v += c->skip[y * c->skip_wide + x];
    return v;
}

/* The distance from the mean of what is normalised. */
INLINE vec from_mean(const Channel *c, vec raw) { return (c->flags & PRE_RELU ? relu(raw) : raw) - c->normal->mean; }

/* The largest value of a window, the first of equal ones, and what it was made from. */
typedef struct {
    vec sum, raw;
} Largest;

INLINE Largest largest_of(const Channel *c, int y, int x, int size) {
    Largest best = {{0}, {0}};
    for (int dy = 0; dy < size; dy++)
        for (int dx = 0; dx < size; dx++) {
            vec v = sum_at(c, y + dy, x + dx), raw = raw_at(c, y + dy, x + dx);
            ivec keeps = dy + dx > 0 ? best.sum >= v : (ivec){0};
            best = (Largest){either(keeps, best.sum, v), either(keeps, best.raw, raw)};
        }
    return best;
}

/* out (c, h / size, w / size, border po) from raw (c, h, w, border p) and skip (c, h, w, border ps). */
INLINE void tail_forward(const vec *raw, const vec *skip, const Normal *normal, vec *out, uint32_t key, float rate, int c,
                         int h, int w, int p, int ps, int po, int flags, int pool, int size) {
    int oh = h / size, ow = w / size;
    for (int i = 0; i < c; i++) {
        Channel from = channel(raw, skip, normal, i, h, w, p, ps, flags);
        vec *to = out + ((long)i * (oh + 2 * po) + po) * (ow + 2 * po) + po;
        for (int row = 0; row < oh; row++) {
            for (int col = 0; col < ow; col++) {
                vec result = {0};
                if (pool == MAX_POOL) {
                    result = largest_of(&from, row * size, col * size, size).sum;
                    if (flags & POST_RELU) result = relu(result);
                } else {
                    for (int dy = 0; dy < size; dy++)
                        for (int dx = 0; dx < size; dx++) {
                            vec v = sum_at(&from, row * size + dy, col * size + dx);
                            result += flags & POST_RELU ? relu(v) : v;
                        }
                    if (pool == MEAN_POOL) result *= 1.0f / (size * size);
                }
                if (flags & DROP) result = dropped(result, key, (i * oh + row) * ow + col, rate);
                to[row * (ow + 2 * po) + col] = result;
            }
        }
    }
}

/* What a window's values get of the gradient d of its result; of MAX_POOL's only one does. */
INLINE vec before_drop(vec d, uint32_t key, uint32_t place, float rate, int flags, int pool, int size) {
    if (flags & DROP) d = dropped(d, key, place, rate);
    return pool == MEAN_POOL ? d * (1.0f / (size * size)) : d;
}

INLINE vec before_relu(vec d, vec sum, int flags) { return flags & POST_RELU ? keep(above_zero(sum), d) : d; }

/* BatchNorm's sums over dz, the gradient after normalisation, and dz * normalised value, from dout (c, h / size,
 * w / size). */
INLINE void tail_sums(const vec *raw, const vec *skip, const Normal *normal, const vec *dout, BackSums *sums, uint32_t key,
                      float rate, int c, int h, int w, int p, int ps, int flags, int pool, int size) {
    int oh = h / size, ow = w / size;
    for (int i = 0; i < c; i++) {
        Channel from = channel(raw, skip, normal, i, h, w, p, ps, flags);
        vec gradient_sum = {0}, product_sum = {0};
        for (int row = 0; row < oh; row++) {
            vec row_gradient = {0}, row_product = {0}; /* a sum a row, then a sum of rows: less rounding */
            for (int col = 0; col < ow; col++) {
                int place = (i * oh + row) * ow + col;
                vec d = before_drop(dout[place], key, place, rate, flags, pool, size);
                if (pool == MAX_POOL) {
                    Largest best = largest_of(&from, row * size, col * size, size);
                    vec part = before_relu(d, best.sum, flags);
                    row_gradient += part;
                    row_product += part * from_mean(&from, best.raw);
                } else {
                    for (int dy = 0; dy < size; dy++)
                        for (int dx = 0; dx < size; dx++) {
                            int y = row * size + dy, x = col * size + dx;
                            vec part = before_relu(d, sum_at(&from, y, x), flags);
                            row_gradient += part;
                            row_product += part * from_mean(&from, raw_at(&from, y, x));
                        }
                }
            }
            gradient_sum += row_gradient;
            product_sum += row_product;
        }
        sums[i] = (BackSums){lane_sum(gradient_sum), lane_sum(product_sum) * normal[i].inverse};
    }
}

/* Where a channel's gradients go: of the raw value with s - 1 zeros between pixels, and of the skipped one. */
typedef struct {
    vec *raw, *skip;
    int s, wide, skip_wide, accumulate, accumulate_skip;
    vec scale, slope, shift; /* BatchNorm's: scale * dz - slope * distance from the mean - shift */
} Back;

INLINE void send_back(const Channel *c, const Back *to, int y, int x, vec dz) {
    vec raw = raw_at(c, y, x), result = dz;
    if (to->skip) {
        vec *aside = to->skip + y * to->skip_wide + x;
        *aside = to->accumulate_skip ? *aside + dz : dz;
    }
    if (!to->raw) return;
    vec *target = to->raw + y * to->s * to->wide + x * to->s;
    if (c->flags & NORMALISE) result = to->scale * dz - (to->slope * from_mean(c, raw) + to->shift);
    if (c->flags & PRE_RELU) result = keep(above_zero(raw), result);
    *target = to->accumulate ? *target + result : result;
}

/* The gradient of raw from dout (c, h / size, w / size) is set or added into target (c, th, tw), which points at its
 * first pixel, with s - 1 zeros between pixels; likewise the skipped value's into dskip (c, h, w). Either may be 0. */
INLINE void tail_backward(const vec *raw, const vec *skip, const Normal *normal, const vec *dout, vec *target, vec *dskip,
                          uint32_t key, float rate, int images, int c, int h, int w, int p, int ps, int s, int th, int tw,
                          int flags, int pool, int size, int accumulate, int accumulate_skip) {
    int oh = h / size, ow = w / size;
    vec mask = lane_mask(images);
    for (int i = 0; i < c; i++) {
        Channel from = channel(raw, skip, normal, i, h, w, p, ps, flags);
        vec *at = target ? target + (long)i * th * tw : 0, *aside = dskip ? dskip + (long)i * h * w : 0;
        Back to = {at, aside, s, tw, w, accumulate, accumulate_skip};
        if (flags & NORMALISE) {
            to.scale = (vec){0} + normal[i].scale;
            to.slope = mask * (normal[i].scale * normal[i].inverse * normal[i].back_product);
            to.shift = mask * (normal[i].scale * normal[i].back_mean);
        }
        for (int row = 0; row < oh; row++)
            for (int col = 0; col < ow; col++) {
                int place = (i * oh + row) * ow + col;
                vec d = before_drop(dout[place], key, place, rate, flags, pool, size);
                vec largest = {0};
                if (pool == MAX_POOL) {
                    largest = largest_of(&from, row * size, col * size, size).sum;
                    d = before_relu(d, largest, flags);
                }
                ivec waiting = ~(ivec){0}; /* the first of equal values takes the gradient, as in PyTorch */
                for (int dy = 0; dy < size; dy++)
                    for (int dx = 0; dx < size; dx++) {
                        int y = row * size + dy, x = col * size + dx;
                        vec sum = sum_at(&from, y, x), part = before_relu(d, sum, flags);
                        if (pool == MAX_POOL) {
                            ivec chosen = (sum == largest) & waiting;
                            waiting &= ~chosen;
                            part = keep(chosen, d);
                        }
                        send_back(&from, &to, y, x, part);
                    }
            }
        /* rows and columns that no window covers have no gradient of their own, but BatchNorm still moves them */
        for (int y = 0; y < h; y++)
            for (int x = y < oh * size ? ow * size : 0; x < w; x++) send_back(&from, &to, y, x, (vec){0});
    }
}
