/* Gives the mean of every channel of a window whose sums begin at `start`. */
static void average(const layer *l, int start) {
    door d = door_of(targets[l->target]);
    for (int o = 0; o < l->outputs; o++) {
        const int32_t total = (int32_t)sums[l->ring + start + o] + biases[l->channel];
        give(&d, rescale(total, multipliers[l->channel], l->shift, l->low, 255));
    }
}
