/* The sum of two maps, in steps of its own. */
static int add(const layer *l, int32_t late, int32_t early) {
    const addition *a = &additions[l->weights];
    const int32_t total = (late * a->late + early * a->early + a->offset) >> l->shift;
    return total < l->low ? l->low : total > 255 ? 255 : (int)total;
}
