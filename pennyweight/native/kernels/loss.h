/* Softmax cross-entropy with label smoothing over one group, and its gradient.
 * Target of class c: 1 - smoothing + smoothing / classes where it is the label, else smoothing / classes.
 */

typedef struct {
    double loss; /* sum over the group's images */
    int64_t correct;
} Score;

static Score cross_entropy(const vec *logits, vec *gradient, const uint8_t *labels, int images, int batch, int classes,
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
