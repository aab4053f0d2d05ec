/* A fully connected layer: every output sums all inputs by its own weights. */
static void multiply(int inputs, int outputs, const float *x, const float *weight, const float *bias, float *y) {
    for (int o = 0; o < outputs; o++) {
        float sum = bias ? bias[o] : 0.0f;
        for (int i = 0; i < inputs; i++) {
            sum += weight[o * inputs + i] * x[i];
        }
        y[o] = sum;
    }
}
