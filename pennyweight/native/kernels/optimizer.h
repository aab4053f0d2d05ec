/* Optimizer steps over a range of parameters, with the formulas and defaults of torch.optim. */
#pragma once
#include "common.h"

typedef struct {
    double learning_rate, momentum; /* momentum is beta1 for Adam and AdamW */
    double beta2, epsilon, weight_decay;
    int nesterov;
    int64_t step; /* counted from 1 */
} OptimizerSettings;

enum { SGD, ADAM, ADAMW, ADAGRAD };

#define BLOCK 256

/* gradients (groups, stride) are added in the order of the groups, then parameters[first..last) move; the slots are as
 * long as the parameters. */
INLINE void optimizer_step(int kind, float *parameters, float *slot0, float *slot1, const float *gradients, int groups,
                           long stride, long first, long last, OptimizerSettings s) {
    float rate = (float)s.learning_rate, beta1 = (float)s.momentum, beta2 = (float)s.beta2;
    float decay = (float)s.weight_decay, epsilon = (float)s.epsilon;
    float step_size = (float)(s.learning_rate / (1.0 - pow(s.momentum, (double)s.step)));
    float root = (float)(1.0 / sqrt(1.0 - pow(s.beta2, (double)s.step)));
    float rest1 = (float)(1.0 - s.momentum), rest2 = (float)(1.0 - s.beta2);
    float shrink = (float)(1.0 - s.learning_rate * s.weight_decay);
    for (long start = first; start < last; start += BLOCK) {
        int count = last - start < BLOCK ? (int)(last - start) : BLOCK;
        float gradient[BLOCK];
        memcpy(gradient, gradients + start, count * sizeof(float));
        for (int g = 1; g < groups; g++)
            for (int i = 0; i < count; i++) gradient[i] += gradients[g * stride + start + i];
        float *p = parameters + start, *m = slot0 + start, *v = slot1 + start;
        for (int i = 0; i < count; i++) {
            float d = gradient[i];
            if (kind == ADAMW) p[i] *= shrink;
            else d += decay * p[i];
            if (kind == SGD) {
                m[i] = beta1 * m[i] + d;
                p[i] -= rate * (s.nesterov ? d + beta1 * m[i] : m[i]);
            } else if (kind == ADAGRAD) {
                m[i] += d * d;
                p[i] -= rate * d / (sqrtf(m[i]) + epsilon);
            } else {
                m[i] += rest1 * (d - m[i]);
                v[i] = beta2 * v[i] + rest2 * d * d;
                p[i] -= step_size * m[i] / (sqrtf(v[i]) * root + epsilon);
            }
        }
    }
}
