/* 3x3 convolution by Winograd's F(4, 3) along rows: four pixels of a row for six multiplications instead of twelve.
 *
 * y = A^T [(G w) * (B^T x)] with the interpolation points 0, 1, -1, 2, -2 and infinity (Lavin and Gray, "Fast
 * Algorithms for Convolutional Neural Networks", 2016). The kernel's rows and the channels are summed before A^T is
 * applied. Columns are walked four at a time from the top of the map to its bottom, so that the transformed pixels of
 * three rows stay in the L1 cache until every output channel has used them.
 *
 * Legend: ci, co input and output channels; a transformed row has six points in place of four pixels.
 */
#pragma once
#include "convolution.h"

enum { POINTS = 6, TAPS = 3, COLUMNS = 4 };

/* Ask for `n` vectors soon to be written, AHEAD rows before they are. */
#define FETCH(v, n)                                                                                                    \
    UNROLL for (int f = 0; f < (n); f++)                                                                               \
    __builtin_prefetch((v) + f, 1)
enum { AHEAD = 4 };

/* An input gradient (ci, input_rows, input_columns) from an output gradient (co, rows, columns). */
typedef struct {
    int channels_in, channels_out;
    int rows, columns, padding; /* of the output gradient; of the forward pass */
    int input_rows, input_columns;
    int tile_channels, accumulate; /* input channels of a tile; add to the input gradient instead of setting it */
} WinogradInputGradientShape;

/* B^T x of six neighbours in a row, of which those from `columns` on do not exist; results lie `apart` vectors apart.
 */
INLINE void transform_pixels(const vec *x, vec *to, int apart, int columns) {
    vec x0 = x[0], x1 = x[1], x2 = x[2], zero = {0};
    vec x3 = columns > 3 ? x[3] : zero, x4 = columns > 4 ? x[4] : zero, x5 = columns > 5 ? x[5] : zero;
    vec even = x4 - 4.0f * x2, odd = x3 - 4.0f * x1, far = x4 - x2, near = x3 - x1;
    to[0] = 4.0f * x0 + (x4 - 5.0f * x2);
    to[apart] = even + odd;
    to[2 * apart] = even - odd;
    to[3 * apart] = far + 2.0f * near;
    to[4 * apart] = far - 2.0f * near;
    to[5 * apart] = 4.0f * x1 + (x5 - 5.0f * x3);
}

/* Four neighbours in a row, A^T m; the first `columns` are stored. */
INLINE void store_pixels(const vec *m, float bias, vec *y, int columns) {
    vec sum = m[1] + m[2], difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    vec out[COLUMNS] = {m[0] + sum + far_sum, difference + 2.0f * far_difference, sum + 4.0f * far_sum,
                        difference + 8.0f * far_difference + m[5]};
    UNROLL for (int j = 0; j < columns; j++)
        y[j] = out[j] + bias;
}

/* sum (tile_channels, 6) over the channels of transformed rows (channels, 6), rows[ky] with kernel row ky; the
 * transformed kernels (3, 6) are `step` apart from one channel to the next, and `apart` from one sum to the next. */
INLINE void tile_sums(const vec *const *rows, const float *winograd_weights, vec *sum, int channels, int first_ky,
                      int last_ky, int tile_channels, int step, int apart) {
    UNROLL for (int n = 0; n < tile_channels * POINTS; n++)
        sum[n] = (vec){0};
    for (int ky = first_ky; ky < last_ky; ky++) {
        const vec *row = rows[ky];
        const float *kernel_row = winograd_weights + ky * POINTS;
        for (int c = 0; c < channels; c++) {
            UNROLL for (int p = 0; p < POINTS; p++) {
                vec factor = row[c * POINTS + p];
                IN_REGISTER(factor);
                UNROLL for (int i = 0; i < tile_channels; i++)
                    sum[i * POINTS + p] += kernel_row[((long)c * step + (long)i * apart) * TAPS * POINTS + p] * factor;
            }
        }
    }
}

/* tile_channels channels of output, one row and up to four columns, from rows[ky] (ci, 6) under each kernel row. */
INLINE void winograd_tile(const vec *const *rows, const float *winograd_weights, const float *bias, vec *output,
                          int first_ky, int last_ky, int columns, ConvShape s) {
    vec sum[MOST_WINOGRAD_CHANNELS * POINTS];
    tile_sums(rows, winograd_weights, sum, s.channels_in, first_ky, last_ky, s.tile_channels, 1, s.channels_in);
    UNROLL for (int i = 0; i < s.tile_channels; i++)
        store_pixels(sum + i * POINTS, bias ? bias[i] : 0.0f, output + (long)i * s.rows * s.columns, columns);
}

/* Up to four columns of output (co, rows, columns), from its top to its bottom; a ring holds three transformed rows. */
INLINE void winograd_columns(const vec *input, const float *winograd_weights, const float *bias, vec *output,
                             int columns, ConvShape s) {
    int ci = s.channels_in, end = s.zero_rows + s.nonzero_rows;
    long plane = (long)s.rows * s.columns, kernels = (long)ci * TAPS * POINTS;
    vec ring[TAPS][ci * POINTS];
    for (int row = 0; row < s.rows + TAPS - 1; row++) {
        if (row >= s.zero_rows && row < end)
            for (int c = 0; c < ci; c++) {
                transform_pixels(input + ((long)c * s.stored_rows + row) * s.stored_columns,
                                 ring[row % TAPS] + c * POINTS, 1, columns + TAPS - 1);
            }
        int out = row - (TAPS - 1);
        if (out < 0) continue;
        int first_ky = s.zero_rows > out ? s.zero_rows - out : 0, last_ky = end - out < TAPS ? end - out : TAPS;
        const vec *under[TAPS] = {ring[out % TAPS], ring[(out + 1) % TAPS], ring[(out + 2) % TAPS]};
        vec *to = output + out * s.columns;
        for (int c = 0; c < s.channels_out; c++) FETCH(to + ((long)c * s.rows + AHEAD) * s.columns, columns);
        for (int c = 0; c + s.tile_channels <= s.channels_out; c += s.tile_channels)
            winograd_tile(under, winograd_weights + c * kernels, bias ? bias + c : 0, to + c * plane, first_ky, last_ky,
                          columns, s);
        if (s.channels_out % s.tile_channels) {
            int left = s.channels_out % s.tile_channels, c = s.channels_out - left;
            ConvShape last = s;
            last.tile_channels = left;
            winograd_tile(under, winograd_weights + c * kernels, bias ? bias + c : 0, to + c * plane, first_ky, last_ky,
                          columns, last);
        }
    }
}

/* As conv_forward with a 3x3 kernel and stride 1, from transformed weights (co, ci, 3, 6). */
INLINE void winograd_forward(const vec *input, const float *winograd_weights, const float *bias, vec *output,
                             ConvShape s) {
    for (int col = 0; col + COLUMNS <= s.columns; col += COLUMNS)
        winograd_columns(input + col, winograd_weights, bias, output + col, COLUMNS, s);
    if (s.columns % COLUMNS) {
        int left = s.columns % COLUMNS, col = s.columns - left;
        winograd_columns(input + col, winograd_weights, bias, output + col, left, s);
    }
}

/* G w: kernel rows (kernel_rows, 3) to (kernel_rows, 6). */
INLINE void transform_weights(const float *weight, float *winograd_weights, int kernel_rows) {
    float *to = winograd_weights;
    for (int i = 0; i < kernel_rows; i++, weight += TAPS, to += POINTS) {
        float ends = weight[0] + weight[2], far_ends = weight[0] + 4.0f * weight[2];
        to[0] = weight[0] / 4;
        to[1] = -(ends + weight[1]) / 6;
        to[2] = -(ends - weight[1]) / 6;
        to[3] = (far_ends + 2.0f * weight[1]) / 24;
        to[4] = (far_ends - 2.0f * weight[1]) / 24;
        to[5] = weight[2];
    }
}

/* A d of four neighbours in a row of the output gradient, of which those from `columns` on do not exist. */
INLINE void transform_gradient(const vec *d, vec *to, int apart, int columns) {
    vec zero = {0};
    vec d0 = d[0], d1 = columns > 1 ? d[1] : zero, d2 = columns > 2 ? d[2] : zero, d3 = columns > 3 ? d[3] : zero;
    vec even = d0 + d2, odd = d1 + d3, far_even = d0 + 4.0f * d2, far_odd = 2.0f * d1 + 8.0f * d3;
    to[0] = d0;
    to[apart] = even + odd;
    to[2 * apart] = even - odd;
    to[3 * apart] = far_even + far_odd;
    to[4 * apart] = far_even - far_odd;
    to[5 * apart] = d3;
}

/* B m: the six pixels of the input gradient under four of the output gradient; those from `from` to `to` exist and are
 * stored. The first two are added to where the four columns before wrote them as well. */
INLINE void store_input_gradient(const vec *m, vec *x, int from, int to, int overlaps, int accumulate) {
    vec sum = m[1] + m[2], difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    vec out[POINTS] = {4.0f * m[0],
                       4.0f * (m[5] - difference) - 2.0f * far_difference,
                       -5.0f * m[0] - 4.0f * sum - far_sum,
                       difference + 2.0f * far_difference - 5.0f * m[5],
                       m[0] + sum + far_sum,
                       m[5]};
    UNROLL for (int j = 0; j < POINTS; j++)
        if (j >= from && j < to) x[j] = accumulate || (overlaps && j < POINTS - COLUMNS) ? x[j] + out[j] : out[j];
}

/* tile_channels channels of one row of the input gradient, from transformed rows (co, 6) of the output gradient. */
INLINE void input_gradient_tile(const vec *const *rows, const float *winograd_weights, vec *x, int first_ky,
                                int last_ky, int from, int to, int overlaps, WinogradInputGradientShape s) {
    vec sum[MOST_WINOGRAD_CHANNELS * POINTS];
    tile_sums(rows, winograd_weights, sum, s.channels_out, first_ky, last_ky, s.tile_channels, s.channels_in, 1);
    UNROLL for (int i = 0; i < s.tile_channels; i++)
        store_input_gradient(sum + i * POINTS, x + (long)i * s.input_rows * s.input_columns, from, to, overlaps,
                             s.accumulate);
}

/* The input gradient under up to four columns of the output gradient, from `col` on, from the map's top to its bottom.
 *
 * A ring holds three transformed rows of the output gradient: row r of the padded input is under rows r, r - 1 and r -
 * 2 with kernel rows 0, 1 and 2, and (r + 2) % 3 is where r - 1 stands. */
INLINE void input_gradient_columns(const vec *gradient, const float *winograd_weights, vec *input_gradient, int columns,
                                   int col, WinogradInputGradientShape s) {
    int co = s.channels_out, place = col - s.padding, from = place < 0 ? -place : 0;
    int to = s.input_columns - place < columns + TAPS - 1 ? s.input_columns - place : columns + TAPS - 1;
    long plane = (long)s.input_rows * s.input_columns;
    vec ring[TAPS][co * POINTS];
    for (int row = 0; row < s.rows + TAPS - 1; row++) {
        if (row < s.rows)
            for (int o = 0; o < co; o++) {
                transform_gradient(gradient + ((long)o * s.rows + row) * s.columns + col, ring[row % TAPS] + o * POINTS,
                                   1, columns);
            }
        int out = row - s.padding;
        if (out < 0 || out >= s.input_rows) continue;
        int first_ky = row < s.rows ? 0 : row - s.rows + 1, last_ky = row < TAPS ? row + 1 : TAPS;
        const vec *above[TAPS] = {ring[row % TAPS], ring[(row + 2) % TAPS], ring[(row + 1) % TAPS]};
        vec *target = input_gradient + (long)out * s.input_columns + place;
        for (int c = 0; c < s.channels_in; c++)
            FETCH(target + ((long)c * s.input_rows + AHEAD) * s.input_columns, columns + TAPS - 1);
        for (int c = 0; c + s.tile_channels <= s.channels_in; c += s.tile_channels)
            input_gradient_tile(above, winograd_weights + c * TAPS * POINTS, target + c * plane, first_ky, last_ky,
                                from, to, col > 0, s);
        if (s.channels_in % s.tile_channels) {
            int left = s.channels_in % s.tile_channels, c = s.channels_in - left;
            WinogradInputGradientShape last = s;
            last.tile_channels = left;
            input_gradient_tile(above, winograd_weights + c * TAPS * POINTS, target + c * plane, first_ky, last_ky,
                                from, to, col > 0, last);
        }
    }
}

/* input_gradient (ci, input_rows, input_columns) is set or added to, from gradient (co, rows, columns) and transformed
 * weights (co, ci, 3, 6): the forward pass transposed, x = B [(G w) * (A d)]. */
INLINE void winograd_input_gradient(const vec *gradient, const float *winograd_weights, vec *input_gradient,
                                    WinogradInputGradientShape s) {
    for (int col = 0; col + COLUMNS <= s.columns; col += COLUMNS)
        input_gradient_columns(gradient, winograd_weights, input_gradient, COLUMNS, col, s);
    if (s.columns % COLUMNS) {
        int left = s.columns % COLUMNS;
        input_gradient_columns(gradient, winograd_weights, input_gradient, left, s.columns - left, s);
    }
}

/* What a weight gradient works in: transformed columns of a strip, and the sums of every point. */
typedef struct {
    vec *pixels;    /* (6, ci, strip_tiles, rows + 2) */
    vec *gradients; /* (6, co, strip_tiles, rows) */
    vec *sums;      /* (6, tiles of output channels, tiles of input channels, tile_vectors) */
    int rows;       /* of transformed pixels: two more than of the output */
    int tile_vectors, tiles_in, tiles;
} WinogradWorkspace;

INLINE WinogradWorkspace winograd_workspace(vec *workspace, WeightShape s) {
    WinogradWorkspace w;
    w.rows = s.rows + TAPS - 1;
    w.tile_vectors = (s.tile_outputs * s.tile_inputs * TAPS + LANES - 1) / LANES;
    w.tiles_in = (s.channels_in + s.tile_inputs - 1) / s.tile_inputs;
    w.tiles = (s.channels_out + s.tile_outputs - 1) / s.tile_outputs * w.tiles_in;
    w.pixels = workspace;
    w.gradients = w.pixels + (long)POINTS * s.channels_in * s.strip_tiles * w.rows;
    w.sums = w.gradients + (long)POINTS * s.channels_out * s.strip_tiles * s.rows;
    return w;
}

/* Transform up to four columns of the input and of the output gradient, as number `place` of a strip. */
INLINE void transform_columns(const vec *input, const vec *gradient, WinogradWorkspace w, int place, int columns,
                              WeightShape s) {
    for (int c = 0; c < s.channels_in; c++)
        for (int row = 0; row < w.rows; row++) {
            transform_pixels(input + ((long)c * s.stored_rows + row) * s.stored_columns,
                             w.pixels + ((long)c * s.strip_tiles + place) * w.rows + row,
                             s.channels_in * s.strip_tiles * w.rows, columns + TAPS - 1);
        }
    for (int c = 0; c < s.channels_out; c++)
        for (int row = 0; row < s.rows; row++) {
            transform_gradient(gradient + ((long)c * s.gradient_rows + row) * s.gradient_columns,
                               w.gradients + ((long)c * s.strip_tiles + place) * s.rows + row,
                               s.channels_out * s.strip_tiles * s.rows, columns);
        }
}

/* The sums of one point and tile_outputs channels with all input channels, tile by tile, set or added to.
 *
 * Transformed columns lie as rows, so this is the weight gradient of a kernel of one column: `one_column` says so. */
INLINE void point_sums(const vec *pixels, const vec *gradients, vec *sums, int tile_vectors, int add, WeightShape s,
                       WeightShape one_column) {
    for (int c = 0; c < s.channels_in; c += s.tile_inputs, sums += tile_vectors) {
        vec more[MOST_SUMS / LANES] = {{0}};
        const vec *from = pixels + (long)c * one_column.stored_rows * one_column.stored_columns;
        if (c + s.tile_inputs <= s.channels_in) {
            weight_sums(from, gradients, more, 0, one_column);
        } else {
            WeightShape last = one_column;
            last.tile_inputs = s.channels_in % s.tile_inputs;
            weight_sums(from, gradients, more, 0, last);
        }
        UNROLL for (int n = 0; n < tile_vectors; n++)
            sums[n] = add ? sums[n] + more[n] : more[n];
    }
}

/* G^T of a tile's sums, six points `apart` vectors apart, into weight_gradient (outputs, ci, 3, 3) of `inputs`. */
INLINE void store_weights(const vec *sums, float *weight_gradient, int apart, int ci, int outputs, int inputs,
                          int tile_vectors) {
    vec weights[TAPS][MOST_SUMS / LANES];
    UNROLL for (int n = 0; n < tile_vectors; n++) {
        vec m1 = sums[apart + n], m2 = sums[2 * apart + n], m3 = sums[3 * apart + n], m4 = sums[4 * apart + n];
        vec near = (m1 + m2) * (1.0f / 6), far = m3 + m4;
        weights[0][n] = sums[n] * 0.25f - near + far * (1.0f / 24);
        weights[1][n] = (m3 - m4) * (1.0f / 12) - (m1 - m2) * (1.0f / 6);
        weights[2][n] = far * (1.0f / 6) - near + sums[5 * apart + n];
    }
    for (int i = 0; i < outputs; i++)
        for (int c = 0; c < inputs; c++)
            for (int ky = 0; ky < TAPS; ky++)
                for (int kx = 0; kx < TAPS; kx++)
                    weight_gradient[(((long)i * ci + c) * TAPS + ky) * TAPS + kx] =
                        ((const float *)weights[kx])[(i * inputs + c) * TAPS + ky];
}

/* As conv_weight_gradient with a 3x3 kernel and stride 1: dw = G^T sum (A d) * (B^T x). `strip_tiles` times four
 * columns are transformed at once; `workspace` holds them and the sums. */
INLINE void winograd_weight_gradient(const vec *input, const vec *gradient, float *weight_gradient, vec *workspace,
                                     WeightShape s) {
    int ci = s.channels_in, co = s.channels_out, fours = (s.columns + COLUMNS - 1) / COLUMNS;
    WinogradWorkspace w = winograd_workspace(workspace, s);
    for (int four = 0; four < fours; four += s.strip_tiles) {
        int count = fours - four < s.strip_tiles ? fours - four : s.strip_tiles;
        for (int place = 0; place < count; place++) {
            int col = (four + place) * COLUMNS;
            if (col + COLUMNS <= s.columns) transform_columns(input + col, gradient + col, w, place, COLUMNS, s);
            else transform_columns(input + col, gradient + col, w, place, s.columns % COLUMNS, s);
        }
        WeightShape one_column = {.kernel = TAPS,
                                  .stride = 1,
                                  .stored_rows = s.strip_tiles,
                                  .stored_columns = w.rows,
                                  .gradient_rows = s.strip_tiles,
                                  .gradient_columns = s.rows,
                                  .rows = count,
                                  .columns = s.rows,
                                  .tile_outputs = s.tile_outputs,
                                  .tile_inputs = s.tile_inputs};
        for (int p = 0; p < POINTS; p++) {
            for (int c = 0; c < co; c += s.tile_outputs) {
                const vec *pixels = w.pixels + (long)p * ci * s.strip_tiles * w.rows;
                const vec *gradients = w.gradients + ((long)p * co + c) * s.strip_tiles * s.rows;
                vec *sums = w.sums + (p * w.tiles + c / s.tile_outputs * w.tiles_in) * w.tile_vectors;
                if (c + s.tile_outputs <= co) {
                    point_sums(pixels, gradients, sums, w.tile_vectors, four > 0, s, one_column);
                } else {
                    WeightShape last = one_column;
                    last.tile_outputs = co % s.tile_outputs;
                    point_sums(pixels, gradients, sums, w.tile_vectors, four > 0, s, last);
                }
            }
        }
    }
    vec *sums = w.sums;
    for (int i = 0; i < co; i += s.tile_outputs)
        for (int c = 0; c < ci; c += s.tile_inputs, sums += w.tile_vectors)
            store_weights(sums, weight_gradient + ((long)i * ci + c) * TAPS * TAPS, w.tiles * w.tile_vectors, ci,
                          co - i < s.tile_outputs ? co - i : s.tile_outputs,
                          ci - c < s.tile_inputs ? ci - c : s.tile_inputs, w.tile_vectors);
}
