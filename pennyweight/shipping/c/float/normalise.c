/* y = (pixel / 255 - mean) / deviation, each channel by its own figures. */
static void normalise(const uint8_t *image, const float *mean, const float *deviation, float *y) {
    for (int c = 0; c < CHANNELS; c++) {
        for (int i = 0; i < PIXELS; i++) {
            y[c * PIXELS + i] = ((float)image[c * PIXELS + i] / 255.0f - mean[c]) / deviation[c];
        }
    }
}
