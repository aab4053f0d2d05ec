/* BatchNorm's sums: over one group here, over the whole batch by one thread in a fixed order.
 *
 * Each group gives its own mean and sum of squared distances from it, which are joined as in Chan, Golub and LeVeque
 * (1979), in double: little cancellation, and the same bytes for any number of threads.
 */

typedef struct {
    float mean, squares;
} Moments;

/* Moments of every channel of a stored map (c, h, w with border p) over the images of one group.
 *
 * One pass, over distances from the mean of the first row. That row is part of the map, so its mean is at most sqrt(h)
 * deviations from that of all, and what cancels is at most h times what stays.
 */
INLINE void moments(const vec *map, Moments *out, int images, int c, int h, int w, int p, int pre_relu) {
    vec mask = lane_mask(images);
    float count = (float)images * h * w;
    for (int i = 0; i < c; i++) {
        const vec *first = map + ((long)i * (h + 2 * p) + p) * (w + 2 * p) + p;
        vec sum = {0}, squares = {0};
        for (int col = 0; col < w; col++) sum += pre_relu ? relu(first[col]) : first[col];
        float near = lane_sum(sum * mask) / ((float)images * w);
        sum = (vec){0};
        for (int row = 0; row < h; row++) {
            vec row_sum = {0}, row_squares = {0}; /* a sum a row, then a sum of rows: less rounding */
            for (int col = 0; col < w; col++) {
                vec v = first[row * (w + 2 * p) + col];
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

/* What a normalised channel needs: z = scale * v + shift, and mean and 1 / deviation for the way back. */
typedef struct {
    float scale, shift, mean, inverse;
    float back_mean, back_product; /* batch means of dz and of dz * normalised value */
    double rest;                   /* what `mean` lost when it was rounded */
} Normal;

/* Join the groups' moments (groups, c), set the channels' normalisation, and move the running statistics. */
static void batchnorm_join(const Moments *of_groups, Normal *normal, const float *gamma, const float *beta,
                           float *running_mean, float *running_variance, int groups, int images, int c, int pixels) {
    for (int i = 0; i < c; i++) {
        double count = 0, mean = 0, squares = 0;
        for (int g = 0; g < groups; g++) {
            int in_group = images - g * LANES < LANES ? images - g * LANES : LANES;
            double more = (double)in_group * pixels;
            double apart = of_groups[g * c + i].mean - mean;
            double joined = count + more;
            mean += apart * more / joined;
            squares += of_groups[g * c + i].squares + apart * apart * count * more / joined;
            count = joined;
        }
        double inverse = 1.0 / sqrt(squares / count + BATCHNORM_EPSILON);
        double unbiased = squares / (count > 1 ? count - 1 : 1);
        running_mean[i] = (float)((1 - BATCHNORM_MOMENTUM) * running_mean[i] + BATCHNORM_MOMENTUM * mean);
        running_variance[i] = (float)((1 - BATCHNORM_MOMENTUM) * running_variance[i] + BATCHNORM_MOMENTUM * unbiased);
        normal[i].mean = (float)mean;
        normal[i].rest = mean - (float)mean;
        normal[i].inverse = (float)inverse;
        normal[i].scale = (float)(gamma[i] * inverse);
        normal[i].shift = (float)(beta[i] - mean * gamma[i] * inverse);
    }
}

/* The normalisation of evaluation: running statistics. */
static void batchnorm_running(Normal *normal, const float *gamma, const float *beta, const float *running_mean,
                              const float *running_variance, int c) {
    for (int i = 0; i < c; i++) {
        double inverse = 1.0 / sqrt((double)running_variance[i] + BATCHNORM_EPSILON);
        normal[i].scale = (float)(gamma[i] * inverse);
        normal[i].shift = (float)(beta[i] - running_mean[i] * gamma[i] * inverse);
    }
}

/* Sums of dz and of dz * normalised value, of one group. */
typedef struct {
    float gradient, product;
} BackSums;

/* Join the groups' sums (groups, c): gradients of gamma and beta, and the means the input gradient needs. */
static void batchnorm_join_back(const BackSums *of_groups, Normal *normal, float *gamma_gradient, float *beta_gradient,
                                int groups, int images, int c, int pixels) {
    for (int i = 0; i < c; i++) {
        double gradient = 0, product = 0;
        for (int g = 0; g < groups; g++) {
            gradient += of_groups[g * c + i].gradient;
            product += of_groups[g * c + i].product;
        }
        /* the groups used the rounded mean; every value was too far from it by the same rest */
        product -= normal[i].rest * normal[i].inverse * gradient;
        gamma_gradient[i] = (float)product;
        beta_gradient[i] = (float)gradient;
        normal[i].back_mean = (float)(gradient / ((double)images * pixels));
        normal[i].back_product = (float)(product / ((double)images * pixels));
    }
}
