/* Images into lanes: normalised pixels, read through a homography where there is one. */

typedef struct {
    float mean, spread; /* fractions of 255 */
    float fill;         /* grey value outside of the image, 0 to 255 */
} Pixels;

/* Grey value at (x, y) of an image (size, size), bilinear; outside of it is `fill`. */
INLINE float bilinear(const uint8_t *image, float x, float y, float fill, int size) {
    if (!(x > -1.0f && y > -1.0f && x < (float)size && y < (float)size)) return fill;
    float left = floorf(x), top = floorf(y), dx = x - left, dy = y - top;
    int column = (int)left, row = (int)top;
    float corner[2][2];
    UNROLL for (int j = 0; j < 2; j++) {
        UNROLL for (int i = 0; i < 2; i++) {
            int inside = column + i >= 0 && column + i < size && row + j >= 0 && row + j < size;
            corner[j][i] = inside ? (float)image[(row + j) * size + column + i] : fill;
        }
    }
    float upper = corner[0][0] + dx * (corner[0][1] - corner[0][0]);
    float lower = corner[1][0] + dx * (corner[1][1] - corner[1][0]);
    return upper + dy * (lower - upper);
}

/* Lane `lane` of x (size, size with border p) from one image; `places` is its homography (3, 3), or 0. */
static void load_image(const uint8_t *image, const float *places, float *x, int lane, Pixels pixels, int size, int p) {
    float slope = 1.0f / (255.0f * pixels.spread), start = -pixels.mean / pixels.spread;
    for (int row = 0; row < size; row++) {
        float *to = x + ((long)(row + p) * (size + 2 * p) + p) * LANES + lane;
        for (int col = 0; col < size; col++) {
            float grey;
            if (places) {
                float below = places[6] * col + places[7] * row + places[8];
                grey = bilinear(image, (places[0] * col + places[1] * row + places[2]) / below,
                                (places[3] * col + places[4] * row + places[5]) / below, pixels.fill, size);
            } else {
                grey = image[row * size + col];
            }
            to[(long)col * LANES] = grey * slope + start;
        }
    }
}

/* A lane without an image holds zeros. */
static void clear_lane(float *x, int lane, int size, int p) {
    for (int row = 0; row < size; row++)
        for (int col = 0; col < size; col++) x[((long)(row + p) * (size + 2 * p) + col + p) * LANES + lane] = 0.0f;
}
