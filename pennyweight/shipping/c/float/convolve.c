/* Cross-correlation with zeros around the map. An output channel reads `group` input channels: all, or its own. */
static void convolve(const window *w, int group, const float *x, const float *weight, const float *bias, float *y) {
    for (int o = 0; o < w->out_channels; o++) {
        const float *map = group == w->in_channels ? x : x + o * w->in_rows * w->in_columns;
        const float *kernel = weight + o * group * w->size * w->size;
        for (int i = 0; i < w->out_rows; i++) {
            for (int j = 0; j < w->out_columns; j++) {
                const int top = i * w->stride - w->padding, left = j * w->stride - w->padding;
                float sum = bias ? bias[o] : 0.0f;
                for (int c = 0; c < group; c++) {
                    for (int a = 0; a < w->size; a++) {
                        const int row = top + a;
                        if (row < 0 || row >= w->in_rows) {
                            continue;
                        }
                        const float *pixels = map + (c * w->in_rows + row) * w->in_columns;
                        const float *taps = kernel + (c * w->size + a) * w->size;
                        for (int b = 0; b < w->size; b++) {
                            const int column = left + b;
                            if (column >= 0 && column < w->in_columns) {
                                sum += taps[b] * pixels[column];
                            }
                        }
                    }
                }
                *y++ = sum;
            }
        }
    }
}
