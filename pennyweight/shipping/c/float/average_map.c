/* The mean of every channel over its whole map. */
static void average_map(int channels, int pixels, const float *x, float *y) {
    for (int c = 0; c < channels; c++) {
        float sum = 0.0f;
        for (int i = 0; i < pixels; i++) {
            sum += x[c * pixels + i];
        }
        y[c] = sum / (float)pixels;
    }
}
