/* A window that slides over a map, (channels, rows, columns) without gaps, and what comes out. */
typedef struct {
    int in_channels, in_rows, in_columns;
    int out_channels, out_rows, out_columns;
    int size, stride, padding;
} window;
