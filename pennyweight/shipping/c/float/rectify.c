/* The rectified linear unit. y may be x. */
static void rectify(int size, const float *x, float *y) {
    for (int i = 0; i < size; i++) {
        y[i] = x[i] > 0.0f ? x[i] : 0.0f;
    }
}
