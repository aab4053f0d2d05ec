/* Convolution of one image group: forward, and both gradients.
 *
 * Forward: a tile of tc output channels x tw output columns stays in registers over (ci, ky, kx).
 * Input gradient: the forward kernel over the zero-bordered output gradient with flipped weights (or winograd.h).
 * Weight gradient: a tile of tc output x ti input channels x k columns of the kernel stays in registers over all pixels.
 */

INLINE void conv_tile(const vec *x, const float *weight, const float *bias, vec *y, int ci, int k, int s, int hi, int wi,
                      int first, int last, int y_plane, int tc, int tw, int accumulate) {
    vec sum[64];
    UNROLL for (int i = 0; i < tc; i++) {
        UNROLL for (int j = 0; j < tw; j++) {
            sum[i * tw + j] = (vec){0} + (bias ? bias[i] : 0.0f);
            if (accumulate) sum[i * tw + j] += y[i * y_plane + j];
        }
    }
    for (int c = 0; c < ci; c++) {
        const vec *map = x + (long)c * hi * wi;
        const float *column = weight + (long)c * k * k;
        for (int ky = first; ky < last; ky++) {
            UNROLL for (int kx = 0; kx < k; kx++) {
                UNROLL for (int j = 0; j < tw; j++) {
                    vec pixel = map[ky * wi + j * s + kx];
                    UNROLL for (int i = 0; i < tc; i++)
                        sum[i * tw + j] += column[(long)i * ci * k * k + ky * k + kx] * pixel;
                }
            }
        }
    }
    UNROLL for (int i = 0; i < tc; i++) {
        UNROLL for (int j = 0; j < tw; j++) y[i * y_plane + j] = sum[i * tw + j];
    }
}

INLINE void conv_channels(const vec *x, const float *weight, const float *bias, vec *y, int ci, int k, int s, int hi,
                          int wi, int edge, int rows, int h, int w, int tc, int tw, int accumulate) {
    for (int row = 0; row < h; row++) {
        int above = edge - row * s, below = edge + rows - row * s;
        int first = above > 0 ? above : 0, last = edge && below < k ? below : k;
        const vec *from = x + row * s * wi;
        vec *to = y + row * w;
        for (int col = 0; col + tw <= w; col += tw)
            conv_tile(from + col * s, weight, bias, to + col, ci, k, s, hi, wi, first, last, h * w, tc, tw,
                      accumulate);
        if (w % tw)
            conv_tile(from + (w - w % tw) * s, weight, bias, to + w - w % tw, ci, k, s, hi, wi, first, last,
                      h * w, tc, w % tw, accumulate);
    }
}

/* y (co, h, w) = or += conv(x (ci, hi, wi)); x points at the corner of its border.
 *
 * Its first `edge` rows are zeros, `rows` follow that may not be, then zeros again: nothing is multiplied by them.
 */
INLINE void conv_forward(const vec *x, const float *weight, const float *bias, vec *y, int ci, int co, int k, int s,
                         int hi, int wi, int edge, int rows, int h, int w, int tc, int tw, int accumulate) {
    for (int c = 0; c + tc <= co; c += tc)
        conv_channels(x, weight + (long)c * ci * k * k, bias ? bias + c : 0, y + (long)c * h * w, ci, k, s, hi, wi, edge,
                      rows, h, w, tc, tw, accumulate);
    if (co % tc) {
        int c = co - co % tc;
        conv_channels(x, weight + (long)c * ci * k * k, bias ? bias + c : 0, y + (long)c * h * w, ci, k, s, hi, wi, edge,
                      rows, h, w, co % tc, tw, accumulate);
    }
}

enum { MOST_OUTPUTS = 8 };

/* Sums (tc, ti, k) over the pixels of a map, packed into vectors. */
INLINE void weight_sums(const vec *x, const vec *d, vec *sums, int k, int s, int hi, int wi, int dh, int dw, int h, int w,
                        int tc, int ti, int ky) {
    vec sum[64];
    UNROLL for (int n = 0; n < tc * ti * k; n++) sum[n] = (vec){0};
    for (int row = 0; row < h; row++) {
        for (int col = 0; col < w; col++) {
            vec gradient[MOST_OUTPUTS];
            UNROLL for (int i = 0; i < tc; i++) {
                gradient[i] = d[((long)i * dh + row * s) * dw + col * s];
                IN_REGISTER(gradient[i]);
            }
            UNROLL for (int c = 0; c < ti; c++) {
                UNROLL for (int kx = 0; kx < k; kx++) {
                    vec pixel = x[((long)c * hi + row * s + ky) * wi + col * s + kx];
                    IN_REGISTER(pixel);
                    UNROLL for (int i = 0; i < tc; i++) sum[(i * ti + c) * k + kx] += gradient[i] * pixel;
                }
            }
        }
    }
    lane_sums(sum, sums, tc * ti * k);
}

INLINE void weight_tile(const vec *x, const vec *d, float *gradient, int ci, int k, int s, int hi, int wi, int dh, int dw,
                        int h, int w, int tc, int ti, int ky) {
    vec sums[64 / LANES];
    weight_sums(x, d, sums, k, s, hi, wi, dh, dw, h, w, tc, ti, ky);
    UNROLL for (int i = 0; i < tc; i++) {
        UNROLL for (int c = 0; c < ti; c++) {
            UNROLL for (int kx = 0; kx < k; kx++)
                gradient[((long)i * ci + c) * k * k + ky * k + kx] = ((const float *)sums)[(i * ti + c) * k + kx];
        }
    }
}

INLINE void weight_tiles(const vec *x, const vec *d, float *gradient, int ci, int k, int s, int hi, int wi, int dh, int dw,
                         int h, int w, int tc, int ti) {
    for (int ky = 0; ky < k; ky++) {
        for (int c = 0; c + ti <= ci; c += ti)
            weight_tile(x + (long)c * hi * wi, d, gradient + (long)c * k * k, ci, k, s, hi, wi, dh, dw, h, w, tc, ti, ky);
        if (ci % ti) {
            int c = ci - ci % ti;
            weight_tile(x + (long)c * hi * wi, d, gradient + (long)c * k * k, ci, k, s, hi, wi, dh, dw, h, w, tc, ci % ti,
                        ky);
        }
    }
}

/* gradient (co, ci, k, k) of the weights; d (co, dh, dw) is the output gradient with s - 1 zeros between its pixels,
 * and points at its first pixel. */
INLINE void conv_weight_gradient(const vec *x, const vec *d, float *gradient, int ci, int co, int k, int s, int hi, int wi,
                                 int dh, int dw, int h, int w, int tc, int ti) {
    for (int c = 0; c + tc <= co; c += tc)
        weight_tiles(x, d + (long)c * dh * dw, gradient + (long)c * ci * k * k, ci, k, s, hi, wi, dh, dw, h, w, tc, ti);
    if (co % tc) {
        int c = co - co % tc;
        weight_tiles(x, d + (long)c * dh * dw, gradient + (long)c * ci * k * k, ci, k, s, hi, wi, dh, dw, h, w, co % tc,
                     ti);
    }
}

/* gradient (co) of the biases: the sum of the output gradient. */
INLINE void bias_gradient(const vec *d, float *gradient, int co, int s, int dh, int dw, int h, int w) {
    for (int c = 0; c < co; c++) {
        vec sum = {0};
        for (int row = 0; row < h; row++)
            for (int col = 0; col < w; col++) sum += d[((long)c * dh + row * s) * dw + col * s];
        gradient[c] = lane_sum(sum);
    }
}

/* Weights for the input gradient: (co, ci, k, k) to (ci, co, k, k), each kernel turned by 180 degrees. */
INLINE void flip_weights(const float *weight, float *flipped, int ci, int co, int k) {
    for (int i = 0; i < co; i++)
        for (int c = 0; c < ci; c++)
            for (int n = 0; n < k * k; n++)
                flipped[((long)c * co + i) * k * k + k * k - 1 - n] = weight[((long)i * ci + c) * k * k + n];
}

/* Depthwise: the same three, one channel at a time with a kernel of its own. */
INLINE void depthwise_forward(const vec *x, const float *weight, const float *bias, vec *y, int c, int k, int s, int hi,
                              int wi, int edge, int rows, int h, int w, int tw, int accumulate) {
    for (int i = 0; i < c; i++)
        conv_channels(x + (long)i * hi * wi, weight + i * k * k, bias ? bias + i : 0, y + (long)i * h * w, 1, k, s, hi, wi,
                      edge, rows, h, w, 1, tw, accumulate);
}

INLINE void depthwise_weight_gradient(const vec *x, const vec *d, float *gradient, int c, int k, int s, int hi, int wi,
                                      int dh, int dw, int h, int w) {
    for (int i = 0; i < c; i++)
        weight_tiles(x + (long)i * hi * wi, d + (long)i * dh * dw, gradient + i * k * k, 1, k, s, hi, wi, dh, dw, h, w, 1,
                     1);
}

INLINE void depthwise_flip(const float *weight, float *flipped, int c, int k) {
    for (int i = 0; i < c; i++)
        for (int n = 0; n < k * k; n++) flipped[i * k * k + k * k - 1 - n] = weight[i * k * k + n];
}
