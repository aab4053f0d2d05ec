/* Gives the pixel at `start` as it is, to everyone who reads it. */
static void copy(const layer *l, int start) {
    for (int n = 0; n < l->targets; n++) {
        door d = door_of(targets[l->target + n]);
        for (int o = 0; o < l->outputs; o++) give(&d, memory.ring[l->ring + start + o]);
    }
}
