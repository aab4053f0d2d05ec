/* The number of the largest logit, the first of equals. */
static int largest(const float *logits) {
    int best = 0;
    for (int i = 1; i < CLASSES; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}
