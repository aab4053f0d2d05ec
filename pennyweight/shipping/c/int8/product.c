/* The products of up to four output channels with a window, added up. */
static int32_t totals[4];

/* In line, its loops would lose their registers. */
#ifdef __GNUC__
#define APART __attribute__((noinline))
#else
#define APART
#endif

/* Adds the products of a run of values and the weights, which lie side by side, four or two of them to a value. Behind
 * ReLU half of all values are 0. */
APART static void add_run(const uint8_t *x, const uint8_t *end, const int8_t *w, int lanes) {
    int32_t a = 0, b = 0, c = 0, d = 0;
    if (lanes == 4) {
        do {
            const int32_t value = *x++;
            if (value) {
                a += value * w[0];
                b += value * w[1];
                c += value * w[2];
                d += value * w[3];
            }
            w += 4;
        } while (x != end);
        totals[2] += c;
        totals[3] += d;
    } else {
        do {
            const int32_t value = *x++;
            if (value) {
                a += value * w[0];
                b += value * w[1];
            }
            w += 2;
        } while (x != end);
    }
    totals[0] += a;
    totals[1] += b;
}

/* Gives all output channels of the window that begins at `start`: four at a time, and what is left in pairs. */
static void multiply(const layer *l, int start) {
    const int8_t *w = weights + l->weights;
    const uint8_t *ring = memory.ring + l->ring, *ring_end = ring + l->ring_size;
    door d = door_of(l->targets ? targets[l->target] : 0);
    for (int o = 0; o < l->outputs;) {
        const int lanes = l->outputs - o >= 4 ? 4 : 2, last = l->outputs - o < lanes ? l->outputs : o + lanes;
        const uint8_t *top = ring + start;
        totals[1] = 0; /* where a pair is but one */
        for (int n = 0; o + n < last; n++) totals[n] = biases[l->channel + o + n];
        for (int row = 0; row < l->kernel_rows; row++) {
            const uint8_t *x = top;
            for (int left = l->run; left > 0; x = ring) { /* two runs where the ring ends within the row */
                const int run = ring_end - x < left ? (int)(ring_end - x) : left;
                add_run(x, x + run, w, lanes);
                w += run * lanes;
                left -= run;
            }
            top += l->pitch;
            if (top >= ring_end) top -= l->ring_size;
        }
        for (int n = 0; o < last; n++, o++) finish(l, o, totals[n], &d);
    }
}
