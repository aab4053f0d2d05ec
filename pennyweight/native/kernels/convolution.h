/* Convolution of one image group: forward, and both gradients, with register tiles.
 *
 * Each of the three may run by winograd.h instead; convolution.py decides.
 *
 * Forward: a tile of output channels x output columns stays in registers over input channels and kernel.
 * Input gradient: the forward kernel over the padded output gradient with flipped weights.
 * Weight gradient: a tile of output x input channels x one row of the kernel stays in registers over all pixels.
 *
 * Legend: ci, co input and output channels; k kernel; ky, kx its row and column.
 */
#pragma once
#include "common.h"

/* A convolution as the forward kernel runs it: output (co, rows, columns) from input (ci, stored_rows, stored_columns).
 */
typedef struct {
    int channels_in, channels_out, kernel, stride;
    int stored_rows, stored_columns; /* of the input, with its padding */
    int zero_rows, nonzero_rows; /* the input starts with rows of zeros, then come some that may not be, then zeros */
    int rows, columns;           /* of the output */
    int tile_channels, tile_columns; /* of the output, in registers */
    int accumulate;                  /* add to the output instead of setting it */
} ConvShape;

/* A weight gradient (co, ci, k, k) from input (ci, stored_rows, stored_columns) and output gradient
 * (co, gradient_rows, gradient_columns), which has stride - 1 zeros between its pixels. */
typedef struct {
    int channels_in, channels_out, kernel, stride;
    int stored_rows, stored_columns;     /* of the input, with its padding */
    int gradient_rows, gradient_columns; /* of the stored output gradient, with its zeros */
    int rows, columns;                   /* of the output */
    int tile_outputs, tile_inputs;       /* channels of a tile in registers */
    int strip_tiles;                     /* winograd.h: times four columns transformed at once */
} WeightShape;

/* One tile of output (tile_channels planes of rows * columns, tile_columns) from the input under its first pixel, over
 * the kernel's rows first_ky to last_ky; weight (co, ci, k, k) and bias (co) from the tile's first channel. */
INLINE void conv_tile(const vec *input, const float *weight, const float *bias, vec *output, int first_ky, int last_ky,
                      ConvShape s) {
    int k = s.kernel, plane = s.rows * s.columns;
    vec sum[MOST_SUMS];
    UNROLL for (int i = 0; i < s.tile_channels; i++) {
        UNROLL for (int j = 0; j < s.tile_columns; j++) {
            sum[i * s.tile_columns + j] = (vec){0} + (bias ? bias[i] : 0.0f);
            if (s.accumulate) sum[i * s.tile_columns + j] += output[i * plane + j];
        }
    }
    for (int c = 0; c < s.channels_in; c++) {
        const vec *map = input + (long)c * s.stored_rows * s.stored_columns;
        const float *kernel = weight + (long)c * k * k;
        for (int ky = first_ky; ky < last_ky; ky++) {
            UNROLL for (int kx = 0; kx < k; kx++) {
                UNROLL for (int j = 0; j < s.tile_columns; j++) {
                    vec pixel = map[ky * s.stored_columns + j * s.stride + kx];
                    UNROLL for (int i = 0; i < s.tile_channels; i++)
                        sum[i * s.tile_columns + j] += kernel[(long)i * s.channels_in * k * k + ky * k + kx] * pixel;
                }
            }
        }
    }
    UNROLL for (int i = 0; i < s.tile_channels; i++) {
        UNROLL for (int j = 0; j < s.tile_columns; j++)
            output[i * plane + j] = sum[i * s.tile_columns + j];
    }
}

/* tile_channels channels of output (rows, columns); weight and bias from the first of them. */
INLINE void conv_channels(const vec *input, const float *weight, const float *bias, vec *output, ConvShape s) {
    for (int row = 0; row < s.rows; row++) {
        int above = s.zero_rows - row * s.stride, below = s.zero_rows + s.nonzero_rows - row * s.stride;
        int first_ky = above > 0 ? above : 0, last_ky = s.zero_rows && below < s.kernel ? below : s.kernel;
        const vec *from = input + row * s.stride * s.stored_columns;
        vec *to = output + row * s.columns;
        for (int col = 0; col + s.tile_columns <= s.columns; col += s.tile_columns)
            conv_tile(from + col * s.stride, weight, bias, to + col, first_ky, last_ky, s);
        if (s.columns % s.tile_columns) {
            int left = s.columns % s.tile_columns, col = s.columns - left;
            ConvShape last = s;
            last.tile_columns = left;
            conv_tile(from + col * s.stride, weight, bias, to + col, first_ky, last_ky, last);
        }
    }
}

/* output (co, rows, columns) = or += conv(input (ci, stored_rows, stored_columns), weight (co, ci, k, k)) + bias (co);
 * `input` points at the corner of its padding, and kernel rows that lie wholly above or below the image are skipped;
 * `bias` may be 0. */
INLINE void conv_forward(const vec *input, const float *weight, const float *bias, vec *output, ConvShape s) {
    long kernels = (long)s.channels_in * s.kernel * s.kernel, plane = (long)s.rows * s.columns;
    for (int c = 0; c + s.tile_channels <= s.channels_out; c += s.tile_channels)
        conv_channels(input, weight + c * kernels, bias ? bias + c : 0, output + c * plane, s);
    if (s.channels_out % s.tile_channels) {
        int left = s.channels_out % s.tile_channels, c = s.channels_out - left;
        ConvShape last = s;
        last.tile_channels = left;
        conv_channels(input, weight + c * kernels, bias ? bias + c : 0, output + c * plane, last);
    }
}

/* sums (tile_outputs, tile_inputs, k), packed into vectors, over the pixels of a map, for row ky of the kernel. */
INLINE void weight_sums(const vec *input, const vec *gradient, vec *sums, int ky, WeightShape s) {
    int k = s.kernel;
    vec sum[MOST_SUMS];
    UNROLL for (int n = 0; n < s.tile_outputs * s.tile_inputs * k; n++)
        sum[n] = (vec){0};
    for (int row = 0; row < s.rows; row++) {
        for (int col = 0; col < s.columns; col++) {
            vec outputs[MOST_OUTPUTS];
            UNROLL for (int i = 0; i < s.tile_outputs; i++) {
                outputs[i] =
                    gradient[((long)i * s.gradient_rows + row * s.stride) * s.gradient_columns + col * s.stride];
                IN_REGISTER(outputs[i]);
            }
            UNROLL for (int c = 0; c < s.tile_inputs; c++) {
                UNROLL for (int kx = 0; kx < k; kx++) {
                    long place = ((long)c * s.stored_rows + row * s.stride + ky) * s.stored_columns;
                    vec pixel = input[place + col * s.stride + kx];
                    IN_REGISTER(pixel);
                    UNROLL for (int i = 0; i < s.tile_outputs; i++)
                        sum[(i * s.tile_inputs + c) * k + kx] += outputs[i] * pixel;
                }
            }
        }
    }
    lane_sums(sum, sums, s.tile_outputs * s.tile_inputs * k);
}

/* Row ky of the kernels of one tile, into weight_gradient (co, ci, k, k) from the tile's first kernel. */
INLINE void weight_tile(const vec *input, const vec *gradient, float *weight_gradient, int ky, WeightShape s) {
    int k = s.kernel;
    vec sums[MOST_SUMS / LANES];
    weight_sums(input, gradient, sums, ky, s);
    UNROLL for (int i = 0; i < s.tile_outputs; i++) {
        UNROLL for (int c = 0; c < s.tile_inputs; c++) {
            UNROLL for (int kx = 0; kx < k; kx++)
                weight_gradient[((long)i * s.channels_in + c) * k * k + ky * k + kx] =
                    ((const float *)sums)[(i * s.tile_inputs + c) * k + kx];
        }
    }
}

/* weight_gradient (tile_outputs, ci, k, k) from the input and tile_outputs channels of the output gradient. */
INLINE void weight_tiles(const vec *input, const vec *gradient, float *weight_gradient, WeightShape s) {
    long plane = (long)s.stored_rows * s.stored_columns, kernel = (long)s.kernel * s.kernel;
    for (int ky = 0; ky < s.kernel; ky++) {
        for (int c = 0; c + s.tile_inputs <= s.channels_in; c += s.tile_inputs)
            weight_tile(input + c * plane, gradient, weight_gradient + c * kernel, ky, s);
        if (s.channels_in % s.tile_inputs) {
            int left = s.channels_in % s.tile_inputs, c = s.channels_in - left;
            WeightShape last = s;
            last.tile_inputs = left;
            weight_tile(input + c * plane, gradient, weight_gradient + c * kernel, ky, last);
        }
    }
}

/* weight_gradient (co, ci, k, k) from input (ci, stored_rows, stored_columns), which points at the corner of its
 * padding, and gradient (co, gradient_rows, gradient_columns), which points at its first pixel. */
INLINE void conv_weight_gradient(const vec *input, const vec *gradient, float *weight_gradient, WeightShape s) {
    long plane = (long)s.gradient_rows * s.gradient_columns, kernels = (long)s.channels_in * s.kernel * s.kernel;
    for (int c = 0; c + s.tile_outputs <= s.channels_out; c += s.tile_outputs)
        weight_tiles(input, gradient + c * plane, weight_gradient + c * kernels, s);
    if (s.channels_out % s.tile_outputs) {
        int left = s.channels_out % s.tile_outputs, c = s.channels_out - left;
        WeightShape last = s;
        last.tile_outputs = left;
        weight_tiles(input, gradient + c * plane, weight_gradient + c * kernels, last);
    }
}

/* bias_gradient (co): the sum of gradient (co, gradient_rows, gradient_columns) over its pixels. */
INLINE void conv_bias_gradient(const vec *gradient, float *bias_gradient, WeightShape s) {
    for (int c = 0; c < s.channels_out; c++) {
        vec sum = {0};
        for (int row = 0; row < s.rows; row++)
            for (int col = 0; col < s.columns; col++)
                sum += gradient[((long)c * s.gradient_rows + row * s.stride) * s.gradient_columns + col * s.stride];
        bias_gradient[c] = lane_sum(sum);
    }
}

/* Weights for the input gradient: (co, ci, k, k) to (ci, co, k, k), each kernel rotated by 180 degrees. */
INLINE void flip_weights(const float *weight, float *flipped, int ci, int co, int k) {
    for (int i = 0; i < co; i++)
        for (int c = 0; c < ci; c++)
            for (int n = 0; n < k * k; n++)
                flipped[((long)c * co + i) * k * k + k * k - 1 - n] = weight[((long)i * ci + c) * k * k + n];
}

/* The same three for depthwise convolutions: channel by channel, each with its own kernel; weight (c, 1, k, k). */
INLINE void depthwise_forward(const vec *input, const float *weight, const float *bias, vec *output, ConvShape s) {
    int k = s.kernel;
    ConvShape channel = s;
    channel.channels_in = channel.tile_channels = 1;
    for (int c = 0; c < s.channels_in; c++)
        conv_channels(input + (long)c * s.stored_rows * s.stored_columns, weight + c * k * k, bias ? bias + c : 0,
                      output + (long)c * s.rows * s.columns, channel);
}

INLINE void depthwise_weight_gradient(const vec *input, const vec *gradient, float *weight_gradient, WeightShape s) {
    WeightShape channel = s;
    channel.channels_in = channel.tile_outputs = channel.tile_inputs = 1;
    for (int c = 0; c < s.channels_in; c++)
        weight_tiles(input + (long)c * s.stored_rows * s.stored_columns,
                     gradient + (long)c * s.gradient_rows * s.gradient_columns,
                     weight_gradient + c * s.kernel * s.kernel, channel);
}

INLINE void depthwise_flip(const float *weight, float *flipped, int c, int k) {
    for (int i = 0; i < c; i++)
        for (int n = 0; n < k * k; n++) flipped[i * k * k + k * k - 1 - n] = weight[i * k * k + n];
}
