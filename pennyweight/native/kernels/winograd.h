/* Convolution with 3x3 kernels by Winograd's F(4, 3) along rows: four pixels of a row for six multiplications, not twelve.
 *
 * y = A^T [(G w) * (B^T x)] with the interpolation points 0, 1, -1, 2, -2 and infinity (Lavin and Gray, "Fast Algorithms
 * for Convolutional Neural Networks", 2016). The kernel's rows and the channels are summed before A^T is applied.
 * Columns are walked four at a time from the top of the map to its bottom, so that the transformed pixels of three rows
 * stay in the first cache until every output channel has used them.
 */

enum { POINTS = 6, TAPS = 3, COLUMNS = 4 };

/* Ask for `n` vectors soon to be written, AHEAD rows before they are. */
#define FETCH(v, n) UNROLL for (int f = 0; f < (n); f++) __builtin_prefetch((v) + f, 1)
enum { AHEAD = 4 };

/* B^T x of six neighbours in a row, of which those from `columns` on do not exist; results lie `apart` vectors apart. */
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
    UNROLL for (int j = 0; j < columns; j++) y[j] = out[j] + bias;
}

/* Sums (tc, 6) over the channels of transformed rows (channels, 6), rows[ky] with kernel row ky; the kernels (3, 6) of the
 * weights are `step` apart from one channel to the next, and `apart` from one sum to the next. */
INLINE void tile_sums(const vec *const *rows, const float *weight, vec *sum, int channels, int first, int last, int tc,
                      int step, int apart) {
    UNROLL for (int n = 0; n < tc * POINTS; n++) sum[n] = (vec){0};
    for (int ky = first; ky < last; ky++) {
        const vec *row = rows[ky];
        const float *points = weight + ky * POINTS;
        for (int c = 0; c < channels; c++) {
            UNROLL for (int p = 0; p < POINTS; p++) {
                vec factor = row[c * POINTS + p];
                IN_REGISTER(factor);
                UNROLL for (int i = 0; i < tc; i++)
                    sum[i * POINTS + p] += points[((long)c * step + (long)i * apart) * TAPS * POINTS + p] * factor;
            }
        }
    }
}

/* tc output channels of one row and four columns; rows[ky] are the transformed pixels (ci, 6) under a kernel row. */
INLINE void winograd_tile(const vec *const *rows, const float *weight, const float *bias, vec *y, int ci, int first,
                          int last, int y_plane, int tc, int columns) {
    vec sum[4 * POINTS];
    tile_sums(rows, weight, sum, ci, first, last, tc, 1, ci);
    UNROLL for (int i = 0; i < tc; i++)
        store_pixels(sum + i * POINTS, bias ? bias[i] : 0.0f, y + (long)i * y_plane, columns);
}

/* Columns of the map, up to four, from its top to its bottom. */
INLINE void winograd_columns(const vec *x, const float *weight, const float *bias, vec *y, int ci, int co, int hi, int wi,
                             int edge, int rows, int h, int w, int tc, int columns) {
    vec kept[TAPS][ci * POINTS];
    for (int row = 0; row < h + TAPS - 1; row++) {
        if (row >= edge && row < edge + rows)
            for (int c = 0; c < ci; c++) {
                transform_pixels(x + ((long)c * hi + row) * wi, kept[row % TAPS] + c * POINTS, 1, columns + TAPS - 1);
            }
        int out = row - (TAPS - 1);
        if (out < 0) continue;
        int first = edge > out ? edge - out : 0, last = edge + rows - out < TAPS ? edge + rows - out : TAPS;
        const vec *under[TAPS] = {kept[out % TAPS], kept[(out + 1) % TAPS], kept[(out + 2) % TAPS]};
        vec *to = y + out * w;
        for (int c = 0; c < co; c++) FETCH(to + ((long)c * h + AHEAD) * w, columns);
        for (int c = 0; c + tc <= co; c += tc)
            winograd_tile(under, weight + (long)c * ci * TAPS * POINTS, bias ? bias + c : 0, to + (long)c * h * w, ci, first,
                          last, h * w, tc, columns);
        if (co % tc) {
            int c = co - co % tc;
            winograd_tile(under, weight + (long)c * ci * TAPS * POINTS, bias ? bias + c : 0, to + (long)c * h * w, ci, first,
                          last, h * w, co % tc, columns);
        }
    }
}

/* As conv_forward with k = 3 and s = 1, from transformed weights (co, ci, 3, 6). */
INLINE void winograd_forward(const vec *x, const float *weight, const float *bias, vec *y, int ci, int co, int hi, int wi,
                             int edge, int rows, int h, int w, int tc) {
    for (int col = 0; col + COLUMNS <= w; col += COLUMNS)
        winograd_columns(x + col, weight, bias, y + col, ci, co, hi, wi, edge, rows, h, w, tc, COLUMNS);
    if (w % COLUMNS) {
        int col = w - w % COLUMNS;
        winograd_columns(x + col, weight, bias, y + col, ci, co, hi, wi, edge, rows, h, w, tc, w % COLUMNS);
    }
}

/* G w for every row of `rows` kernel rows. */
INLINE void transform_weights(const float *weight, float *to, int rows) {
    for (int i = 0; i < rows; i++, weight += TAPS, to += POINTS) {
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

/* B m, the six pixels that four of the output gradient reach; those from `from` to `to` exist and are stored.
 * The first two are added to when they are `shared` with the four before. */
INLINE void store_reached(const vec *m, vec *x, int from, int to, int shared, int accumulate) {
    vec sum = m[1] + m[2], difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    vec out[POINTS] = {4.0f * m[0],
                       4.0f * (m[5] - difference) - 2.0f * far_difference,
                       -5.0f * m[0] - 4.0f * sum - far_sum,
                       difference + 2.0f * far_difference - 5.0f * m[5],
                       m[0] + sum + far_sum,
                       m[5]};
    UNROLL for (int j = 0; j < POINTS; j++)
        if (j >= from && j < to) x[j] = accumulate || (shared && j < POINTS - COLUMNS) ? x[j] + out[j] : out[j];
}

/* tc input channels of one row that transformed rows of the output gradient (co, 6) reach: rows[ky] with kernel row ky. */
INLINE void reached_tile(const vec *const *rows, const float *weight, vec *x, int ci, int co, int first, int last, int plane,
                         int tc, int from, int to, int shared, int accumulate) {
    vec sum[4 * POINTS];
    tile_sums(rows, weight, sum, co, first, last, tc, ci, 1);
    UNROLL for (int i = 0; i < tc; i++)
        store_reached(sum + i * POINTS, x + (long)i * plane, from, to, shared, accumulate);
}

/* What up to four columns of the output gradient reach, from the map's top to its bottom. */
INLINE void reached_columns(const vec *d, const float *weight, vec *x, int ci, int co, int h, int w,
                            int padding, int rows, int wide, int tc, int columns, int col, int accumulate) {
    vec kept[TAPS][co * POINTS];
    int place = col - padding, from = place < 0 ? -place : 0;
    int to = wide - place < columns + TAPS - 1 ? wide - place : columns + TAPS - 1;
    for (int row = 0; row < h + TAPS - 1; row++) {
        if (row < h)
            for (int o = 0; o < co; o++) {
                transform_gradient(d + ((long)o * h + row) * w + col, kept[row % TAPS] + o * POINTS, 1, columns);
            }
        int out = row - padding;
        if (out < 0 || out >= rows) continue;
        int first = row < h ? 0 : row - h + 1, last = row < TAPS ? row + 1 : TAPS;
        const vec *above[TAPS] = {kept[row % TAPS], kept[(row + 2) % TAPS], kept[(row + 1) % TAPS]};
        vec *target = x + (long)out * wide + place;
        for (int c = 0; c < ci; c++) FETCH(target + ((long)c * rows + AHEAD) * wide, columns + TAPS - 1);
        for (int c = 0; c + tc <= ci; c += tc)
            reached_tile(above, weight + c * TAPS * POINTS, target + (long)c * rows * wide, ci, co, first, last, rows * wide,
                         tc, from, to, col > 0, accumulate);
        if (ci % tc) {
            int c = ci - ci % tc;
            reached_tile(above, weight + c * TAPS * POINTS, target + (long)c * rows * wide, ci, co, first, last, rows * wide,
                         ci % tc, from, to, col > 0, accumulate);
        }
    }
}

/* The input gradient x (ci, rows, wide) is set or added to, from the output gradient d (co, h, w) and the transformed weights (co, ci, 3, 6): the forward pass transposed, x = B [(G w) * (A d)]. */
INLINE void winograd_input_gradient(const vec *d, const float *weight, vec *x, int ci, int co, int h, int w,
                                    int padding, int rows, int wide, int tc, int accumulate) {
    for (int col = 0; col + COLUMNS <= w; col += COLUMNS)
        reached_columns(d, weight, x, ci, co, h, w, padding, rows, wide, tc, COLUMNS, col, accumulate);
    if (w % COLUMNS)
        reached_columns(d, weight, x, ci, co, h, w, padding, rows, wide, tc, w % COLUMNS, w - w % COLUMNS, accumulate);
}

/* Transform up to four columns of x into (6, ci, strip, h + 2) and of d into (6, co, strip, h), as number `place` of a
 * strip. */
INLINE void transform_columns(const vec *x, const vec *d, vec *pixels, vec *gradients, int ci, int co, int hi, int wi,
                              int dh, int dw, int h, int strip, int place, int columns) {
    int rows = h + TAPS - 1;
    for (int c = 0; c < ci; c++)
        for (int row = 0; row < rows; row++) {
            transform_pixels(x + ((long)c * hi + row) * wi, pixels + ((long)c * strip + place) * rows + row,
                             ci * strip * rows, columns + TAPS - 1);
        }
    for (int c = 0; c < co; c++)
        for (int row = 0; row < h; row++) {
            transform_gradient(d + ((long)c * dh + row) * dw, gradients + ((long)c * strip + place) * h + row,
                               co * strip * h, columns);
        }
}

/* The sums of one point and tc output channels with all input channels, set or added to; they follow tile by tile.
 * Transformed columns lie as rows, so they are those of a kernel of one column. */
INLINE void point_sums(const vec *pixels, const vec *gradients, vec *sums, int ci, int h, int strip, int now, int tc, int ti,
                       int tile_vectors, int add) {
    int rows = h + TAPS - 1;
    for (int c = 0; c < ci; c += ti, sums += tile_vectors) {
        vec more[64 / LANES] = {{0}};
        const vec *from = pixels + (long)c * strip * rows;
        if (c + ti <= ci)
            weight_sums(from, gradients, more, TAPS, 1, strip, rows, strip, h, now, h, tc, ti, 0);
        else
            weight_sums(from, gradients, more, TAPS, 1, strip, rows, strip, h, now, h, tc, ci % ti, 0);
        UNROLL for (int n = 0; n < tile_vectors; n++) sums[n] = add ? sums[n] + more[n] : more[n];
    }
}

/* G^T of a tile's sums, six points `apart` vectors apart, into gradient (tc, ci, 3, 3). */
INLINE void store_weights(const vec *sums, float *gradient, int apart, int ci, int tc, int ti, int tile_vectors) {
    vec weights[TAPS][64 / LANES];
    UNROLL for (int n = 0; n < tile_vectors; n++) {
        vec m1 = sums[apart + n], m2 = sums[2 * apart + n], m3 = sums[3 * apart + n], m4 = sums[4 * apart + n];
        vec near = (m1 + m2) * (1.0f / 6), far = m3 + m4;
        weights[0][n] = sums[n] * 0.25f - near + far * (1.0f / 24);
        weights[1][n] = (m3 - m4) * (1.0f / 12) - (m1 - m2) * (1.0f / 6);
        weights[2][n] = far * (1.0f / 6) - near + sums[5 * apart + n];
    }
    for (int i = 0; i < tc; i++)
        for (int c = 0; c < ti; c++)
            for (int ky = 0; ky < TAPS; ky++)
                for (int kx = 0; kx < TAPS; kx++)
                    gradient[(((long)i * ci + c) * TAPS + ky) * TAPS + kx] =
                        ((const float *)weights[kx])[(i * ti + c) * TAPS + ky];
}

/* As conv_weight_gradient with 3x3 kernels and s = 1: dw = G^T sum (A d) * (B^T x). `strip` times four columns are
 * transformed at once; `room` holds them and the sums. */
INLINE void winograd_weight_gradient(const vec *x, const vec *d, float *gradient, vec *room, int ci, int co, int hi, int wi,
                                     int dh, int dw, int h, int w, int tc, int ti, int strip) {
    int rows = h + TAPS - 1, fours = (w + COLUMNS - 1) / COLUMNS;
    int tile_vectors = (tc * ti * TAPS + LANES - 1) / LANES, tiles = (ci + ti - 1) / ti;
    int apart = (co + tc - 1) / tc * tiles * tile_vectors;
    vec *pixels = room, *gradients = pixels + (long)POINTS * ci * strip * rows;
    vec *sums = gradients + (long)POINTS * co * strip * h;
    for (int four = 0; four < fours; four += strip) {
        int now = fours - four < strip ? fours - four : strip;
        for (int place = 0; place < now; place++) {
            int col = (four + place) * COLUMNS;
            if (col + COLUMNS <= w)
                transform_columns(x + col, d + col, pixels, gradients, ci, co, hi, wi, dh, dw, h, strip, place, COLUMNS);
            else
                transform_columns(x + col, d + col, pixels, gradients, ci, co, hi, wi, dh, dw, h, strip, place, w % COLUMNS);
        }
        for (int p = 0; p < POINTS; p++) {
            for (int c = 0; c < co; c += tc) {
                const vec *v = pixels + (long)p * ci * strip * rows, *e = gradients + ((long)p * co + c) * strip * h;
                vec *to = sums + p * apart + c / tc * tiles * tile_vectors;
                if (c + tc <= co)
                    point_sums(v, e, to, ci, h, strip, now, tc, ti, tile_vectors, four > 0);
                else
                    point_sums(v, e, to, ci, h, strip, now, co % tc, ti, tile_vectors, four > 0);
            }
        }
    }
    for (int i = 0; i < co; i += tc)
        for (int c = 0; c < ci; c += ti, sums += tile_vectors)
            store_weights(sums, gradient + ((long)i * ci + c) * TAPS * TAPS, apart, ci, co - i < tc ? co - i : tc,
                          ci - c < ti ? ci - c : ti, tile_vectors);
}
