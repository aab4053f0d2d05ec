/* The rows to come, and one: 1 once the image is complete, 0 without a begin and when a row too many has come. */
#if TALL
static int awaited;
#else
static uint8_t awaited;
#endif

static void push(const uint8_t *row, int plane) {
    for (int x = 0; x < COLUMNS; x++) {
        door d = door_of(0);
        for (int o = 0; o < CHANNELS; o++) give(&d, row[o * plane + x]);
#if BRANCHES
        cursors[0].has_come = 1;
#endif
        settle(0);
    }
}

void PREFIX_begin(void) {
    for (int i = 0; i < LAYERS; i++) { /* field by field, or compilers call memset for it */
        cursor *c = &cursors[i];
        c->place = 0;
        c->row = c->column = 0;
        c->pool_row = c->pool_column = 0;
#if BRANCHES
        c->has_come = 0;
#endif
    }
#if SUMMED
    for (int o = 0; o < LOGITS; o++) memory.logits[o] = 0;
#endif
#if PADS
    settle(LAYERS - 1);
#endif
    awaited = ROWS + 1;
}

void PREFIX_push_row(const uint8_t *row) {
    if (awaited > 1) {
        push(row, COLUMNS);
        awaited--;
    } else {
        awaited = 0;
    }
}

int PREFIX_finish(int32_t *logits) {
    int label = 0;
    if (awaited != 1) return -1;
    for (int o = 0; o < LOGITS; o++) {
        if (memory.logits[o] > memory.logits[label]) label = o;
        if (logits) logits[o] = memory.logits[o];
    }
    return label;
}

int PREFIX_predict(const uint8_t *image, int32_t *logits) {
    PREFIX_begin();
    for (int y = 0; y < ROWS; y++) push(image + y * COLUMNS, ROWS * COLUMNS);
    awaited = 1;
    return PREFIX_finish(logits);
}
