/* BatchNorm's statistics: over one group here, over the whole batch by one thread in a fixed order.
 *
 * Each group gives its own mean and sum of squared distances from it, which are combined as in Chan, Golub and LeVeque
 * (1979), in double: little cancellation, and the same bytes for any number of threads.
 *
 * Legend: z = gamma * (v - mean) / deviation + beta is the normalised value, dz its gradient.
 */
#pragma once
#include "common.h"

typedef struct {
    float mean, squares;
} Moments;

/* Sums of dz and of dz * normalised value, of one group. */
typedef struct {
    float gradient, product;
} GradientSums;

/* A channel's BatchNorm as an affine map: z = scale * v + shift; the rest is for the backward pass. */
typedef struct {
    float scale, shift, mean, inverse; /* inverse: 1 / deviation */
    float gradient_mean, product_mean; /* batch means of dz and of dz * normalised value */
    double mean_residual;              /* what `mean` lost when it was rounded */
} ChannelNorm;

/* A batch as one thread reduces it: the groups' images are `images` in all, each of `pixels` per channel. */
typedef struct {
    int groups, images, channels, pixels;
} BatchShape;

/* out (channels) of map (channels, rows, columns, each side padded by pad) over the images of one group.
 *
 * One pass, over distances from the mean of the first row. That row is part of the map, so its mean is at most
 * sqrt(rows) deviations from that of all, and what cancels is at most `rows` times what stays.
 */
INLINE void moments(const vec *map, Moments *out, int images, int channels, int rows, int columns, int pad,
                    int pre_relu) {
    int stored = columns + 2 * pad;
    vec mask = lane_mask(images);
    float count = (float)images * rows * columns;
    for (int i = 0; i < channels; i++) {
        const vec *first = map + ((long)i * (rows + 2 * pad) + pad) * stored + pad;
        vec sum = {0}, squares = {0};
        for (int col = 0; col < columns; col++) sum += pre_relu ? relu(first[col]) : first[col];
        float near = lane_sum(sum * mask) / ((float)images * columns);
        sum = (vec){0};
        for (int row = 0; row < rows; row++) {
            vec row_sum = {0}, row_squares = {0}; /* one sum per row, then a sum of rows: less rounding */
            for (int col = 0; col < columns; col++) {
                vec v = first[row * stored + col];
                vec distance = (pre_relu ? relu(v) : v) - near;
                row_sum += distance;
                row_squares += distance * distance;
            }
            sum += row_sum;
            squares += row_squares;
        }
        float apart = lane_sum(sum * mask) / count;
        out[i] = (Moments){near + apart, lane_sum(squares * mask) - apart * apart * count};
    }
}

/* Combine the moments of_groups (groups, channels) into norm (channels), and move the running statistics (channels). */
static void reduce_moments(const Moments *of_groups, ChannelNorm *norm, const float *gamma, const float *beta,
                           float *running_mean, float *running_variance, BatchShape s) {
    for (int i = 0; i < s.channels; i++) {
        double count = 0, mean = 0, squares = 0;
        for (int g = 0; g < s.groups; g++) {
            int in_group = s.images - g * LANES < LANES ? s.images - g * LANES : LANES;
            double more = (double)in_group * s.pixels;
            double apart = of_groups[g * s.channels + i].mean - mean;
            double total = count + more;
            mean += apart * more / total;
            squares += of_groups[g * s.channels + i].squares + apart * apart * count * more / total;
            count = total;
        }
        double inverse = 1.0 / sqrt(squares / count + BATCHNORM_EPSILON);
        double unbiased = squares / (count > 1 ? count - 1 : 1);
        running_mean[i] = (float)((1 - BATCHNORM_MOMENTUM) * running_mean[i] + BATCHNORM_MOMENTUM * mean);
        running_variance[i] = (float)((1 - BATCHNORM_MOMENTUM) * running_variance[i] + BATCHNORM_MOMENTUM * unbiased);
        norm[i].mean = (float)mean;
        norm[i].mean_residual = mean - (float)mean;
        norm[i].inverse = (float)inverse;
        norm[i].scale = (float)(gamma[i] * inverse);
        norm[i].shift = (float)(beta[i] - mean * gamma[i] * inverse);
    }
}

/* norm (channels) for evaluation, from the running statistics (channels). */
static void use_running_moments(ChannelNorm *norm, const float *gamma, const float *beta, const float *running_mean,
                                const float *running_variance, int channels) {
    for (int i = 0; i < channels; i++) {
        double inverse = 1.0 / sqrt((double)running_variance[i] + BATCHNORM_EPSILON);
        norm[i].scale = (float)(gamma[i] * inverse);
        norm[i].shift = (float)(beta[i] - running_mean[i] * gamma[i] * inverse);
    }
}

/* Combine the sums of_groups (groups, channels): gradients of gamma and beta (channels), and what `norm` needs of them.
 */
static void reduce_gradients(const GradientSums *of_groups, ChannelNorm *norm, float *gamma_gradient,
                             float *beta_gradient, BatchShape s) {
    for (int i = 0; i < s.channels; i++) {
        double gradient = 0, product = 0;
        for (int g = 0; g < s.groups; g++) {
            gradient += of_groups[g * s.channels + i].gradient;
            product += of_groups[g * s.channels + i].product;
        }
        /* the groups used the rounded mean; every value was too far from it by the same residual */
        product -= norm[i].mean_residual * norm[i].inverse * gradient;
        gamma_gradient[i] = (float)product;
        beta_gradient[i] = (float)gradient;
        norm[i].gradient_mean = (float)(gradient / ((double)s.images * s.pixels));
        norm[i].product_mean = (float)(product / ((double)s.images * s.pixels));
    }
}
