/* The number of the largest logit, the first of equals; all are copied to where they are wanted, if anywhere. */
static int largest(const float *y, float *logits) {
    int best = 0;
    for (int i = 0; i < CLASSES; i++) {
        best = y[i] > y[best] ? i : best;
        if (logits) {
            logits[i] = y[i];
        }
    }
    return best;
}
