/* Computes what a complete window gives, from its first value at `start`. */
static void compute(const layer *l, int start) {
    switch (l->kind) {
#if PRODUCTS
    case PRODUCT: multiply(l, start); break;
#endif
#if DEPTHWISES
    case DEPTHWISE: multiply_channels(l, start); break;
#endif
#if MEANS
    case MEAN: average(l, start); break;
#endif
#if COPIES
    case COPY:
    case ADD: copy(l, start); break;
#endif
    default: break;
    }
}

/* The place of the window's first value, once its last pixel has been counted. */
static int first_of_window(const layer *l, const cursor *c) {
    const int start = c->place + l->behind;
    return start >= l->ring_size ? start - l->ring_size : start;
}

#if BRANCHES
/* Computes all that layer i and those before it can, the deepest first. */
static void settle(int i) {
    for (;;) {
        const layer *l = &layers[i];
        cursor *c = &cursors[i];
#if PADS
        if (!c->has_come && c->row < l->rows && is_outside(l, c)) {
#if PAD_TABLE
            for (int o = 0; o < l->channels; o++) {
                memory.ring[l->ring + c->place + o] = l->reads_image ? pads[o] : l->pad;
            }
#else
            for (int o = 0; o < l->channels; o++) memory.ring[l->ring + c->place + o] = l->pad;
#endif
            c->has_come = 1;
        }
#endif
        if (c->has_come) {
            c->has_come = 0;
            if (arrive(l, c)) {
                compute(l, first_of_window(l, c));
                for (int n = 0; n < l->targets; n++) {
                    i = targets[l->target + n];
                    cursors[i].has_come = 1;
                }
            }
        } else if (i == 0) {
            return;
        } else {
            i--;
        }
    }
}
#else
/* Counts the pixel of layer i that has come, and computes all that it completes. */
static void settle(int i) {
    while (arrive(&layers[i], &cursors[i])) {
        compute(&layers[i], first_of_window(&layers[i], &cursors[i]));
        if (!layers[i].targets) return;
        i = targets[layers[i].target];
    }
}
#endif
