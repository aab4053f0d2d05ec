/* Puts a value where the pixel to come of a layer lies, or combines it with what its window or the sum holds there. */
static void give(const layer *to, const cursor *c, int channel, uint8_t value) {
    const int at = to->ring + c->place + channel, is_first = !(c->pool_row | c->pool_column);
#if MEANS
    if (to->kind == MEAN) {
        sums[at] = (sum)(is_first ? value : sums[at] + value);
        return;
    }
#endif
#if ADDS
    if (to->kind == ADD) {
        memory.ring[at] = add(to, value, memory.ring[at]);
        return;
    }
#endif
    if (is_first || memory.ring[at] < value) memory.ring[at] = value;
}
