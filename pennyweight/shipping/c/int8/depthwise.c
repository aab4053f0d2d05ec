/* Gives all channels of the window that begins at `start`, each the product with a kernel of its own. */
static void multiply_channels(const layer *l, int start) {
    const int8_t *w = weights + l->weights;
    door d = l->targets ? door_of(targets[l->target]) : door_of(0);
    for (int o = 0; o < l->outputs; o++) {
        int32_t total = biases[l->channel + o];
        int top = start;
        for (int row = 0; row < l->kernel_rows; row++) {
            int at = top;
            for (int column = 0; column < l->kernel_columns; column++) {
                total += (int32_t)memory.ring[l->ring + at + o] * *w++;
                at += l->channels;
                if (at >= l->ring_size) at -= l->ring_size;
            }
            top += l->pitch;
            if (top >= l->ring_size) top -= l->ring_size;
        }
        finish(l, o, total, &d);
    }
}
