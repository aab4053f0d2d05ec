/* Gives the pixel at `start` as it is, to everyone who reads it. */
static void copy(const layer *l, int start) {
    for (int n = 0; n < l->targets; n++) {
        const int target = targets[l->target + n];
        for (int o = 0; o < l->outputs; o++) {
            give(&layers[target], &cursors[target], o, memory.ring[l->ring + start + o]);
        }
    }
}
