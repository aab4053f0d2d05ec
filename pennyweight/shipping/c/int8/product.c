/* Adds up the products of `lanes` output channels with the window that begins at `start`; returns the next weights. */
static const int8_t *window(const layer *l, int start, const int8_t *w, int lanes, int32_t *totals) {
    const uint8_t *ring = memory.ring + l->ring, *ring_end = ring + l->ring_size;
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (int row = 0; row < l->kernel_rows; row++) {
        const uint8_t *x = ring + start;
        for (int left = l->run; left > 0; x = ring) {
            const uint8_t *end = ring_end - x < left ? ring_end : x + left;
            left -= (int)(end - x);
            if (lanes == 4) {
                for (; x != end; w += 4) {
                    const int32_t value = *x++;
                    a += value * w[0];
                    b += value * w[1];
                    c += value * w[2];
                    d += value * w[3];
                }
            } else {
                for (; x != end; w += 2) {
                    const int32_t value = *x++;
                    a += value * w[0];
                    b += value * w[1];
                }
            }
        }
        start += l->pitch;
        if (start >= l->ring_size) start -= l->ring_size;
    }
    totals[0] = a;
    totals[1] = b;
    totals[2] = c;
    totals[3] = d;
    return w;
}

/* Gives all output channels of the window that begins at `start`: four at a time, and what is left in pairs. */
static void multiply(const layer *l, int start) {
    const int8_t *w = weights + l->weights;
    for (int o = 0; o < l->outputs;) {
        int32_t totals[4];
        const int lanes = l->outputs - o >= 4 ? 4 : 2;
        w = window(l, start, w, lanes, totals);
        for (int lane = 0; lane < lanes && o < l->outputs; lane++, o++) finish(l, o, totals[lane]);
    }
}
