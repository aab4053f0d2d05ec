/* Batch normalisation: every channel by a factor, and an offset. y may be x. */
static void scale(int channels, int pixels, const float *x, const float *factor, const float *offset, float *y) {
    for (int c = 0; c < channels; c++) {
        for (int i = 0; i < pixels; i++) {
            y[c * pixels + i] = x[c * pixels + i] * factor[c] + offset[c];
        }
    }
}
