/* An epilogue: everything between two convolutions in one pass over the map, forward and backward.
 *
 * ReLU, BatchNorm, sum with a skipped value, ReLU, pooling, dropout, each only where its flag is set, in this order.
 *
 * Legend: y, x row and column of the source map; row, col those of the pooled map; dz the gradient before the last
 * ReLU.
 */
#pragma once
#include "batchnorm.h"

enum { PRE_RELU = 1, NORMALISE = 2, ADD = 4, POST_RELU = 8, DROPOUT = 16 };
enum { NO_POOL, MAX_POOL, MEAN_POOL };

/* source and skip (channels, rows, columns) to target (channels, rows / window_rows, columns / window_columns), each
 * side of which is padded by source_pad, skip_pad and target_pad. */
typedef struct {
    int channels, rows, columns;
    int source_pad, skip_pad, target_pad;
    int ops, pool;                   /* flags of what is done, and how windows are pooled */
    int window_rows, window_columns; /* 1 and 1 without pooling */
    float rate;                      /* of dropout */
} EpilogueShape;

/* Where the gradient of the source goes: (channels, rows, columns), stride - 1 zeros between its pixels. */
typedef struct {
    int stride, rows, columns;
    int accumulate, accumulate_skip; /* add to the source's or the skip's gradient instead of setting it */
} GradientShape;

/* v / (1 - rate), or 0 with probability rate, decided by a keyed hash of the counter `place` in a group's map. */
INLINE vec dropout(vec v, uint32_t key, uint32_t place, float rate) {
    uvec lanes;
    UNROLL for (int lane = 0; lane < LANES; lane++)
        lanes[lane] = lane;
    uvec bits = hash_lanes((lanes + place * LANES) * 0x9e3779b9u ^ key);
    ivec survives = (ivec)(bits >= (uint32_t)(rate * 4294967296.0));
    return mask_lanes(survives, v * (1.0f / (1.0f - rate)));
}

/* One channel of an epilogue: its source (rows, columns) and the skipped values beside it, each from its first pixel.
 */
typedef struct {
    const vec *source, *skip;
    const ChannelNorm *norm;
    int source_columns, skip_columns, ops; /* columns of a stored row with its padding */
} Channel;

INLINE Channel channel(const vec *source, const vec *skip, const ChannelNorm *norm, int i, EpilogueShape s) {
    int p = s.source_pad, q = s.skip_pad;
    return (Channel){source + ((long)i * (s.rows + 2 * p) + p) * (s.columns + 2 * p) + p,
                     s.ops & ADD ? skip + ((long)i * (s.rows + 2 * q) + q) * (s.columns + 2 * q) + q : 0,
                     s.ops & NORMALISE ? norm + i : 0,
                     s.columns + 2 * p,
                     s.columns + 2 * q,
                     s.ops};
}

INLINE vec source_at(const Channel *c, int y, int x) { return c->source[y * c->source_columns + x]; }

/* A value before the last ReLU. */
INLINE vec sum_at(const Channel *c, int y, int x) {
    vec v = source_at(c, y, x);
    if (c->ops & PRE_RELU) v = relu(v);
    if (c->ops & NORMALISE) v = c->norm->scale * v + c->norm->shift;
    if (c->ops & ADD) v += c->skip[y * c->skip_columns + x];
    return v;
}

/* The distance from its mean of a value that is normalised. */
INLINE vec centred(const Channel *c, vec source) { return (c->ops & PRE_RELU ? relu(source) : source) - c->norm->mean; }

/* The largest value of a window, the first of equal ones, and the source value it was made from. */
typedef struct {
    vec sum, source;
} Largest;

INLINE Largest largest_in_window(const Channel *c, int y, int x, EpilogueShape s) {
    Largest best = {{0}, {0}};
    for (int dy = 0; dy < s.window_rows; dy++)
        for (int dx = 0; dx < s.window_columns; dx++) {
            vec v = sum_at(c, y + dy, x + dx), source = source_at(c, y + dy, x + dx);
            ivec stays = dy + dx > 0 ? best.sum >= v : (ivec){0};
            best = (Largest){select_lanes(stays, best.sum, v), select_lanes(stays, best.source, source)};
        }
    return best;
}

/* target from source, skip and norm (channels); skip and norm are 0 where ops do not need them. */
INLINE void epilogue_forward(const vec *source, const vec *skip, const ChannelNorm *norm, vec *target, uint32_t key,
                             EpilogueShape s) {
    int rows = s.rows / s.window_rows, columns = s.columns / s.window_columns, p = s.target_pad;
    for (int i = 0; i < s.channels; i++) {
        Channel from = channel(source, skip, norm, i, s);
        vec *to = target + ((long)i * (rows + 2 * p) + p) * (columns + 2 * p) + p;
        for (int row = 0; row < rows; row++) {
            for (int col = 0; col < columns; col++) {
                int y = row * s.window_rows, x = col * s.window_columns;
                vec result = {0};
                if (s.pool == MAX_POOL) {
                    result = largest_in_window(&from, y, x, s).sum;
                    if (s.ops & POST_RELU) result = relu(result);
                } else {
                    for (int dy = 0; dy < s.window_rows; dy++)
                        for (int dx = 0; dx < s.window_columns; dx++) {
                            vec v = sum_at(&from, y + dy, x + dx);
                            result += s.ops & POST_RELU ? relu(v) : v;
                        }
                    if (s.pool == MEAN_POOL) result *= 1.0f / (s.window_rows * s.window_columns);
                }
                if (s.ops & DROPOUT) result = dropout(result, key, (i * rows + row) * columns + col, s.rate);
                to[row * (columns + 2 * p) + col] = result;
            }
        }
    }
}

/* Each window value's gradient, given d, the gradient of the window's result; with MAX_POOL only one has any. */
INLINE vec dropout_and_mean_backward(vec d, uint32_t key, uint32_t place, EpilogueShape s) {
    if (s.ops & DROPOUT) d = dropout(d, key, place, s.rate);
    return s.pool == MEAN_POOL ? d * (1.0f / (s.window_rows * s.window_columns)) : d;
}

INLINE vec relu_backward(vec d, vec sum, int ops) { return ops & POST_RELU ? mask_lanes(above_zero(sum), d) : d; }

/* BatchNorm's sums (channels) over dz, from the gradient (channels, rows / window_rows, columns / window_columns) of
 * the target. */
INLINE void epilogue_sums(const vec *source, const vec *skip, const ChannelNorm *norm, const vec *gradient,
                          GradientSums *sums, uint32_t key, EpilogueShape s) {
    int rows = s.rows / s.window_rows, columns = s.columns / s.window_columns;
    for (int i = 0; i < s.channels; i++) {
        Channel from = channel(source, skip, norm, i, s);
        vec gradient_sum = {0}, product_sum = {0};
        for (int row = 0; row < rows; row++) {
            vec row_gradient = {0}, row_product = {0}; /* one sum per row, then a sum of rows: less rounding */
            for (int col = 0; col < columns; col++) {
                int place = (i * rows + row) * columns + col, y = row * s.window_rows, x = col * s.window_columns;
                vec d = dropout_and_mean_backward(gradient[place], key, place, s);
                if (s.pool == MAX_POOL) {
                    Largest best = largest_in_window(&from, y, x, s);
                    vec dz = relu_backward(d, best.sum, s.ops);
                    row_gradient += dz;
                    row_product += dz * centred(&from, best.source);
                } else {
                    for (int dy = 0; dy < s.window_rows; dy++)
                        for (int dx = 0; dx < s.window_columns; dx++) {
                            vec dz = relu_backward(d, sum_at(&from, y + dy, x + dx), s.ops);
                            row_gradient += dz;
                            row_product += dz * centred(&from, source_at(&from, y + dy, x + dx));
                        }
                }
            }
            gradient_sum += row_gradient;
            product_sum += row_product;
        }
        sums[i] = (GradientSums){lane_sum(gradient_sum), lane_sum(product_sum) * norm[i].inverse};
    }
}

/* Where a channel's gradients go: of the source, with zeros between pixels, and of the skipped value. */
typedef struct {
    vec *source, *skip;
    GradientShape shape;
    int skip_columns;
    vec scale, slope, shift; /* BatchNorm's: scale * dz - slope * distance from the mean - shift */
} GradientTarget;

INLINE void write_gradient(const Channel *c, const GradientTarget *to, int y, int x, vec dz) {
    vec source = source_at(c, y, x), result = dz;
    if (to->skip) {
        vec *skip = to->skip + y * to->skip_columns + x;
        *skip = to->shape.accumulate_skip ? *skip + dz : dz;
    }
    if (!to->source) return;
    vec *target = to->source + y * to->shape.stride * to->shape.columns + x * to->shape.stride;
    if (c->ops & NORMALISE) result = to->scale * dz - (to->slope * centred(c, source) + to->shift);
    if (c->ops & PRE_RELU) result = mask_lanes(above_zero(source), result);
    *target = to->shape.accumulate ? *target + result : result;
}

/* source_gradient (channels, gradient rows, gradient columns), from its first pixel, and skip_gradient (channels, rows,
 * columns) are set or added to, from the gradient (channels, rows / window_rows, columns / window_columns) of the
 * target. Either may be 0. */
INLINE void epilogue_backward(const vec *source, const vec *skip, const ChannelNorm *norm, const vec *gradient,
                              vec *source_gradient, vec *skip_gradient, uint32_t key, int images, EpilogueShape s,
                              GradientShape to_shape) {
    int rows = s.rows / s.window_rows, columns = s.columns / s.window_columns;
    vec mask = lane_mask(images);
    for (int i = 0; i < s.channels; i++) {
        Channel from = channel(source, skip, norm, i, s);
        GradientTarget to = {source_gradient ? source_gradient + (long)i * to_shape.rows * to_shape.columns : 0,
                             skip_gradient ? skip_gradient + (long)i * s.rows * s.columns : 0, to_shape, s.columns};
        if (s.ops & NORMALISE) {
            to.scale = (vec){0} + norm[i].scale;
            to.slope = mask * (norm[i].scale * norm[i].inverse * norm[i].product_mean);
            to.shift = mask * (norm[i].scale * norm[i].gradient_mean);
        }
        for (int row = 0; row < rows; row++)
            for (int col = 0; col < columns; col++) {
                int place = (i * rows + row) * columns + col;
                vec d = dropout_and_mean_backward(gradient[place], key, place, s);
                vec largest = {0};
                if (s.pool == MAX_POOL) {
                    largest = largest_in_window(&from, row * s.window_rows, col * s.window_columns, s).sum;
                    d = relu_backward(d, largest, s.ops);
                }
                ivec waiting = ~(ivec){0}; /* the first of equal values takes the gradient, as in PyTorch */
                for (int dy = 0; dy < s.window_rows; dy++)
                    for (int dx = 0; dx < s.window_columns; dx++) {
                        int y = row * s.window_rows + dy, x = col * s.window_columns + dx;
                        vec sum = sum_at(&from, y, x), dz = relu_backward(d, sum, s.ops);
                        if (s.pool == MAX_POOL) {
                            ivec chosen = (sum == largest) & waiting;
                            waiting &= ~chosen;
                            dz = mask_lanes(chosen, d);
                        }
                        write_gradient(&from, &to, y, x, dz);
                    }
            }
        /* rows and columns that no window covers have no gradient of their own, but BatchNorm still moves them */
        for (int y = 0; y < s.rows; y++)
            for (int x = y < rows * s.window_rows ? columns * s.window_columns : 0; x < s.columns; x++)
                write_gradient(&from, &to, y, x, (vec){0});
    }
}
