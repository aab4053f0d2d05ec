/* (total * multiplier + half) >> (16 + shift), from `low` to `high`. The product has up to 46 bits, so it is made of two,
 * one for each half of the total; of the lower one the last 16 bits are shifted out. */
static uint8_t rescale(int32_t total, int32_t multiplier, int shift, int32_t low, int32_t high) {
    const uint32_t lower = ((uint32_t)total & 0xFFFF) * (uint32_t)multiplier;
    const int32_t half = (int32_t)1 << (shift - 1);
    const int32_t scaled = ((total >> 16) * multiplier + (int32_t)(lower >> 16) + half) >> shift;
    return (uint8_t)(scaled < low ? low : scaled > high ? high : scaled);
}

/* Makes a value of a channel's total and gives it to the layer behind; the head's is a logit, or adds to one. */
static void finish(const layer *l, int o, int32_t total) {
    const int at = l->channel + o;
    int target;
    total += biases[at];
    if (!l->targets) {
#if SUMMED
        memory.logits[o] += total;
#else
        memory.logits[o] = total;
#endif
        return;
    }
    target = targets[l->target];
#if BOUNDS
    give(&layers[target], &cursors[target], o, rescale(total, multipliers[at], l->shift, lows[at], highs[at]));
#else
    give(&layers[target], &cursors[target], o, rescale(total, multipliers[at], l->shift, l->low, 255));
#endif
}
