/* Convolution with 3x3 kernels by Winograd's F(4, 3) along rows: four pixels of a row for six multiplications, not twelve.
 *
 * y = A^T [(G w) * (B^T x)] with the interpolation points 0, 1, -1, 2, -2 and infinity (Lavin and Gray, "Fast Algorithms
 * for Convolutional Neural Networks", 2016). The kernel's rows and the channels are summed before A^T is applied.
 * Columns are walked four at a time from the top of the map to its bottom, so that the transformed pixels of three rows
 * stay in the first cache until every output channel has used them.
 */

enum { POINTS = 6, TAPS = 3, COLUMNS = 4 };

/* Pixels are loaded once and weights are read where they are multiplied; gcc left alone does the reverse. */
#ifdef __AVX512F__
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#else
#define IN_REGISTER(v) (void)0
#endif

/* B^T x of six neighbours in a row, of which those from `columns` on do not exist. */
INLINE void transform_pixels(const vec *x, vec *to, int columns) {
    vec x0 = x[0], x1 = x[1], x2 = x[2], zero = {0};
    vec x3 = columns > 3 ? x[3] : zero, x4 = columns > 4 ? x[4] : zero, x5 = columns > 5 ? x[5] : zero;
    vec even = x4 - 4.0f * x2, odd = x3 - 4.0f * x1, far = x4 - x2, near = x3 - x1;
    to[0] = 4.0f * x0 + (x4 - 5.0f * x2);
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = far + 2.0f * near;
    to[4] = far - 2.0f * near;
    to[5] = 4.0f * x1 + (x5 - 5.0f * x3);
}

/* Four neighbours in a row, A^T m; the first `columns` are stored. */
INLINE void store_pixels(const vec *m, float bias, vec *y, int columns, int accumulate) {
    vec sum = m[1] + m[2], difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    vec out[COLUMNS] = {m[0] + sum + far_sum, difference + 2.0f * far_difference, sum + 4.0f * far_sum,
                        difference + 8.0f * far_difference + m[5]};
    UNROLL for (int j = 0; j < columns; j++) y[j] = accumulate ? y[j] + (out[j] + bias) : out[j] + bias;
}

/* tc output channels of one row and four columns; rows[ky] are the transformed pixels (ci, 6) under a kernel row. */
INLINE void winograd_tile(const vec *const *rows, const float *weight, const float *bias, vec *y, int ci, int first,
                          int last, int y_plane, int tc, int columns, int accumulate) {
    vec sum[4 * POINTS];
    UNROLL for (int n = 0; n < tc * POINTS; n++) sum[n] = (vec){0};
    for (int ky = first; ky < last; ky++) {
        const vec *pixels = rows[ky];
        const float *points = weight + ky * POINTS;
        for (int c = 0; c < ci; c++) {
            UNROLL for (int p = 0; p < POINTS; p++) {
                vec pixel = pixels[c * POINTS + p];
                IN_REGISTER(pixel);
                UNROLL for (int i = 0; i < tc; i++)
                    sum[i * POINTS + p] += points[((long)i * ci + c) * TAPS * POINTS + p] * pixel;
            }
        }
    }
    UNROLL for (int i = 0; i < tc; i++)
        store_pixels(sum + i * POINTS, bias ? bias[i] : 0.0f, y + (long)i * y_plane, columns, accumulate);
}

/* Columns of the map, up to four, from its top to its bottom. */
INLINE void winograd_columns(const vec *x, const float *weight, const float *bias, vec *y, int ci, int co, int hi, int wi,
                             int edge, int rows, int h, int w, int tc, int columns, int accumulate) {
    vec kept[TAPS][ci * POINTS];
    for (int row = 0; row < h + TAPS - 1; row++) {
        if (row >= edge && row < edge + rows)
            for (int c = 0; c < ci; c++)
                transform_pixels(x + ((long)c * hi + row) * wi, kept[row % TAPS] + c * POINTS, columns + TAPS - 1);
        int out = row - (TAPS - 1);
        if (out < 0) continue;
        int first = edge > out ? edge - out : 0, last = edge + rows - out < TAPS ? edge + rows - out : TAPS;
        const vec *under[TAPS] = {kept[out % TAPS], kept[(out + 1) % TAPS], kept[(out + 2) % TAPS]};
        vec *to = y + out * w;
        for (int c = 0; c + tc <= co; c += tc)
            winograd_tile(under, weight + (long)c * ci * TAPS * POINTS, bias ? bias + c : 0, to + (long)c * h * w, ci, first,
                          last, h * w, tc, columns, accumulate);
        if (co % tc) {
            int c = co - co % tc;
            winograd_tile(under, weight + (long)c * ci * TAPS * POINTS, bias ? bias + c : 0, to + (long)c * h * w, ci, first,
                          last, h * w, co % tc, columns, accumulate);
        }
    }
}

/* As conv_forward with k = 3 and s = 1, from transformed weights (co, ci, 3, 6). */
INLINE void winograd_forward(const vec *x, const float *weight, const float *bias, vec *y, int ci, int co, int hi, int wi,
                             int edge, int rows, int h, int w, int tc, int accumulate) {
    for (int col = 0; col + COLUMNS <= w; col += COLUMNS)
        winograd_columns(x + col, weight, bias, y + col, ci, co, hi, wi, edge, rows, h, w, tc, COLUMNS, accumulate);
    if (w % COLUMNS) {
        int col = w - w % COLUMNS;
        winograd_columns(x + col, weight, bias, y + col, ci, co, hi, wi, edge, rows, h, w, tc, w % COLUMNS, accumulate);
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
