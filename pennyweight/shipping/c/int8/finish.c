#if RESCALES
/* (total * multiplier + half) >> (16 + shift), from `low` to `high`. The product has up to 46 bits, so it is made of
 * two, one for each half of the total; of the lower one the last 16 bits are shifted out. */
static int rescale(int32_t total, int32_t multiplier, int shift, int low, int high) {
    const uint32_t lower = ((uint32_t)total & 0xFFFF) * (uint32_t)multiplier;
    const int32_t half = (int32_t)1 << (shift - 1);
    const int32_t scaled = ((total >> 16) * multiplier + (int32_t)(lower >> 16) + half) >> shift;
    return scaled < low ? low : scaled > high ? high : (int)scaled;
}

#endif
/* Makes a value of the total of channel `o` and gives it to the layer behind; the head's is a logit, or adds to one. */
static void finish(const layer *l, int o, int32_t total, door *d) {
#if RESCALES
    if (l->targets) {
        const int at = l->channel + o;
#if BOUNDS
        give(d, rescale(total, multipliers[at], l->shift, lows[at], highs[at]));
#else
        give(d, rescale(total, multipliers[at], l->shift, l->low, 255));
#endif
        return;
    }
#else
    (void)l, (void)d; /* there is no layer but the head */
#endif
#if SUMMED
    memory.logits[o] += total;
#else
    memory.logits[o] = total;
#endif
}
