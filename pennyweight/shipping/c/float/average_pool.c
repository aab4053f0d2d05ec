/* The mean of every window; windows lie side by side. */
static void average_pool(const window *w, const float *x, float *y) {
    for (int c = 0; c < w->out_channels; c++) {
        for (int i = 0; i < w->out_rows; i++) {
            for (int j = 0; j < w->out_columns; j++) {
                const float *corner = x + (c * w->in_rows + i * w->size) * w->in_columns + j * w->size;
                float sum = 0.0f;
                for (int a = 0; a < w->size; a++) {
                    for (int b = 0; b < w->size; b++) {
                        sum += corner[a * w->in_columns + b];
                    }
                }
                *y++ = sum / (float)(w->size * w->size);
            }
        }
    }
}
