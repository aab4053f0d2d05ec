/* Softmax cross-entropy over one group, and its gradient.
 *
 * The target of class c is 1 - smoothing + smoothing / classes where it is the label, else smoothing / classes; or the
 * soft label of that class.
 */
#pragma once
#include "common.h"

typedef struct {
    double loss; /* sum over the group's images */
    int64_t correct;
} Score;

/* gradient (classes) of the mean loss of a batch, from logits (classes) and labels (images). */
static Score cross_entropy(const vec *logits, vec *gradient, const int32_t *labels, int images, int batch, int classes,
                           float smoothing) {
    Score score = {0, 0};
    for (int lane = 0; lane < LANES; lane++) {
        if (lane >= images) {
            for (int c = 0; c < classes; c++) gradient[c][lane] = 0.0f;
            continue;
        }
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (logits[c][lane] > logits[best][lane]) best = c;
        float top = logits[best][lane], sum = 0.0f, linear = 0.0f;
        for (int c = 0; c < classes; c++) {
            float distance = logits[c][lane] - top;
            sum += expf(distance);
            linear += distance;
        }
        float norm = logf(sum);
        for (int c = 0; c < classes; c++) {
            float target = smoothing / classes + (c == labels[lane] ? 1.0f - smoothing : 0.0f);
            gradient[c][lane] = (expf(logits[c][lane] - top - norm) - target) / batch;
        }
        score.loss += norm - (1.0f - smoothing) * (logits[labels[lane]][lane] - top) - smoothing / classes * linear;
        score.correct += best == labels[lane];
    }
    return score;
}

/* The same with soft labels: soft[lane] (classes) is the target of an image, and adds up to 1. */
static Score soft_cross_entropy(const vec *logits, vec *gradient, const int32_t *labels, const float *const *soft,
                                int images, int batch, int classes) {
    Score score = cross_entropy(logits, gradient, labels, images, batch, classes, 0.0f);
    for (int lane = 0; lane < images; lane++) {
        float distance = 0.0f; /* of the hard label's loss from the soft one's */
        for (int c = 0; c < classes; c++) {
            float more = soft[lane][c] - (c == labels[lane] ? 1.0f : 0.0f);
            gradient[c][lane] -= more / batch;
            distance += more * logits[c][lane];
        }
        score.loss -= distance;
    }
    return score;
}
