/* One layer. Rows and columns are of what it reads, behind its pool, with the padding around it; sizes of rings are in
 * values, of one byte each. */
typedef struct {
    size weights, channel;   /* its first weight, or its addition; its first output channel in the tables of channels */
    size ring, ring_size;    /* its ring: where it begins, and how long it is */
    size pitch, run, behind; /* a row; a row of the kernel; from the next pixel's place on to the window's first */
    size channels, outputs;
    count rows, columns, padding, stride, kernel_rows, kernel_columns, pool_rows, pool_columns;
    count first_row, first_column, last_row, last_column; /* of the pixels that complete a window */
    uint8_t kind, shift, low, pad;
#if PAD_TABLE
    uint8_t reads_image; /* whose channels have pads of their own */
#endif
    uint8_t target, targets; /* whom it gives its pixels: where in the list of targets, and to how many */
} layer;

/* Where a layer stands: the place in its ring, row and column of the pixel to come, and those within its pool. */
typedef struct {
    size place;
    count row, column, pool_row, pool_column;
#if BRANCHES
    uint8_t has_come; /* whether that pixel lies in its place, to be counted */
#endif
} cursor;
