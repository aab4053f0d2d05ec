/* Images into lanes: normalised pixels, read through a homography where there is one. */

typedef struct {
    float mean, spread; /* fractions of 255 */
    float fill;         /* grey value outside of the image, 0 to 255 */
} Pixels;

/* Copy an image (size, size) into the middle of grid (size + 3, size + 3): one row above, two below, of `fill`. */
INLINE void framed(const uint8_t *image, float *grid, float fill, int size) {
    int wide = size + 3;
    for (int i = 0; i < wide * wide; i++) grid[i] = fill;
    for (int row = 0; row < size; row++)
        for (int col = 0; col < size; col++) grid[(row + 1) * wide + col + 1] = image[row * size + col];
}

/* A coordinate held to where the frame is; what is not a number goes to the frame too. */
INLINE float held(float x, int size) {
    float low = x > -1.0f ? x : -1.0f;
    return low < (float)size ? low : (float)size;
}

/* Grey values (size) of an output row, read bilinearly from the grid where the homography (3, 3) maps each pixel.
 *
 * Two loops: the first is arithmetic alone and fills whole vectors, the second looks up pixels.
 */
INLINE void sample_row(const float *grid, const float *places, float *grey, int row, int size) {
    int wide = size + 3, corners[IMAGE_SIZE];
    float dx[IMAGE_SIZE], dy[IMAGE_SIZE];
    for (int col = 0; col < size; col++) {
        float below = places[6] * col + places[7] * row + places[8];
        float x = held((places[0] * col + places[1] * row + places[2]) / below, size);
        float y = held((places[3] * col + places[4] * row + places[5]) / below, size);
        float left = floorf(x), top = floorf(y);
        dx[col] = x - left, dy[col] = y - top;
        corners[col] = ((int)top + 1) * wide + (int)left + 1;
    }
    for (int col = 0; col < size; col++) {
        const float *corner = grid + corners[col];
        float upper = corner[0] + dx[col] * (corner[1] - corner[0]);
        float lower = corner[wide] + dx[col] * (corner[wide + 1] - corner[wide]);
        grey[col] = upper + dy[col] * (lower - upper);
    }
}

/* Where a group's images and their homographies (3, 3) lie; a lane without an image, or without a homography, holds 0. */
typedef struct {
    const uint8_t *images[LANES];
    const float *places[LANES];
} Sources;

/* x (size, size with border p) from the images of a group, row by row; a lane without an image becomes zeros. */
static void load_images(const Sources *from, float *x, Pixels pixels, int size, int p) {
    float grids[LANES][(IMAGE_SIZE + 3) * (IMAGE_SIZE + 3)], grey[LANES][IMAGE_SIZE], slope[LANES], start[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        int there = from->images[lane] != 0;
        slope[lane] = there ? 1.0f / (255.0f * pixels.spread) : 0.0f;
        start[lane] = there ? -pixels.mean / pixels.spread : 0.0f;
        if (from->places[lane]) framed(from->images[lane], grids[lane], pixels.fill, size);
        if (!there) memset(grey[lane], 0, sizeof grey[lane]);
    }
    for (int row = 0; row < size; row++) {
        float *to = x + ((long)(row + p) * (size + 2 * p) + p) * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            const uint8_t *image = from->images[lane];
            if (from->places[lane])
                sample_row(grids[lane], from->places[lane], grey[lane], row, size);
            else if (image)
                for (int col = 0; col < size; col++) grey[lane][col] = image[row * size + col];
        }
        for (int col = 0; col < size; col++)
            for (int lane = 0; lane < LANES; lane++)
                to[col * LANES + lane] = grey[lane][col] * slope[lane] + start[lane];
    }
}
