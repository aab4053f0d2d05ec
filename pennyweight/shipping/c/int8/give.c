/* Where the next value of a pixel goes, and how: the place of the pixel to come, whether that is the first of its
 * window. */
typedef struct {
    const layer *to;
    int at, is_first;
} door;

static door door_of(int i) {
    const cursor *c = &cursors[i];
    const door d = {&layers[i], layers[i].ring + c->place, !(c->pool_row | c->pool_column)};
    return d;
}

/* Puts a value there, or combines it with what its window or the sum holds there. */
static void give(door *d, int value) {
    const int at = d->at++;
    uint8_t *place = memory.ring + at;
#if MEANS
    if (d->to->kind == MEAN) {
        sums[at] = (sum)((sum)value + (d->is_first ? 0 : sums[at]));
        return;
    }
#endif
#if ADDS
    if (d->to->kind == ADD) value = add(d->to, value, *place);
#endif
    if (d->is_first || *place < value) *place = (uint8_t)value;
}
