#if PADS
/* Whether the pixel to come is one of the padding. */
static int is_outside(const layer *l, const cursor *c) {
    return c->row < l->padding || c->row >= l->rows - l->padding || c->column < l->padding ||
           c->column >= l->columns - l->padding;
}

#endif
#if STRIDES
static int is_multiple(int distance, int stride) {
    while (distance > 0) distance -= stride;
    return distance == 0;
}

#endif
#if POOLS
/* Counts a pixel among those of its pool, which are combined in one place, and returns whether it is the last. */
static int completes_pool(const layer *l, cursor *c) {
#if PADS
    if (is_outside(l, c)) return 1;
#endif
    if (++c->pool_column < l->pool_columns) return 0;
    c->pool_column = 0;
    if (c->pool_row + 1 >= l->pool_rows) return 1;
    c->place = (size)(c->place + l->channels);
    if (++c->column == l->columns - l->padding) { /* the next row of the same windows */
        c->place = (size)(c->place - (c->column - l->padding) * l->channels);
        c->column = l->padding;
        c->pool_row++;
    }
    return 0;
}

#endif
/* Counts a pixel that lies in its place, and returns whether it completes a window of the kernel. */
static int arrive(const layer *l, cursor *c) {
    const int is_complete =
        c->row >= l->first_row && c->row <= l->last_row && c->column >= l->first_column && c->column <= l->last_column;
#if STRIDES
    const int is_on_grid =
        is_multiple(c->row - l->first_row, l->stride) && is_multiple(c->column - l->first_column, l->stride);
#endif
#if POOLS
    if (!completes_pool(l, c)) return 0;
#endif
    c->place = (size)(c->place + l->channels);
    if (c->place == l->ring_size) c->place = 0;
    if (++c->column == l->columns) {
        c->column = 0;
        c->row++;
#if POOLS
        c->pool_row = 0;
#endif
    }
#if STRIDES
    return is_complete && is_on_grid;
#else
    return is_complete;
#endif
}
