/* Images into lanes: normalised pixels, read through a homography where there is one. */

typedef struct {
    float mean, spread; /* fractions of 255 */
    float fill;         /* grey value outside of the image, 0 to 255 */
} Pixels;

/* Where a group's images and their homographies (3, 3) lie; a lane without an image holds 0. Either every image of a
 * group has a homography or none has. */
typedef struct {
    const uint8_t *images[LANES];
    const float *places[LANES];
} Sources;

enum { FRAMED = IMAGE_SIZE + 3, CORNERS = IMAGE_SIZE + 2 };

/* Four grey values in one word for every pixel of an image in a frame of `fill`: its own, the one to its right, and those
 * below the two. The frame has one row above the image and two below. */
INLINE void pack_corners(const uint8_t *image, uint32_t *corners, uint8_t fill) {
    uint8_t framed[FRAMED * FRAMED];
    memset(framed, fill, sizeof framed);
    for (int row = 0; row < IMAGE_SIZE; row++)
        memcpy(framed + (row + 1) * FRAMED + 1, image + row * IMAGE_SIZE, IMAGE_SIZE);
    for (int row = 0; row < CORNERS; row++) {
        const uint8_t *upper = framed + row * FRAMED, *lower = upper + FRAMED;
        for (int col = 0; col < CORNERS; col++)
            corners[row * CORNERS + col] =
                upper[col] | upper[col + 1] << 8 | lower[col] << 16 | (uint32_t)lower[col + 1] << 24;
    }
}

/* A coordinate held to where the frame is; what is not a number goes to the frame too. */
INLINE vec held(vec x) {
    vec least = (vec){0} - 1.0f, most = (vec){0} + (float)IMAGE_SIZE;
    vec low = either(x > least, x, least);
    return either(low < most, low, most);
}

INLINE vec grey_value(uvec word, int place) {
    return __builtin_convertvector((ivec)((word >> (8 * place)) & 255u), vec);
}

/* Rows of pixels (size) with border p, read bilinearly where the homography of each lane maps them. */
static void sample_images(const Sources *from, vec *x, uint8_t fill, vec slope, vec start, int p) {
    uint32_t corners[LANES * CORNERS * CORNERS] = {0};
    vec place[9] = {{0}};
    ivec grid;
    for (int lane = 0; lane < LANES; lane++) {
        grid[lane] = lane * CORNERS * CORNERS;
        if (!from->images[lane]) continue;
        pack_corners(from->images[lane], corners + grid[lane], fill);
        for (int i = 0; i < 9; i++) place[i][lane] = from->places[lane][i];
    }
    for (int row = 0; row < IMAGE_SIZE; row++) {
        /* three loops: arithmetic alone, looking up words one by one, arithmetic alone */
        vec right[IMAGE_SIZE], down[IMAGE_SIZE], *to = x + (row + p) * (IMAGE_SIZE + 2 * p) + p;
        ivec corner[IMAGE_SIZE];
        uvec words[IMAGE_SIZE];
        for (int col = 0; col < IMAGE_SIZE; col++) {
            float c = col, r = row;
            vec below = place[6] * c + place[7] * r + place[8];
            vec u = held((place[0] * c + place[1] * r + place[2]) / below);
            vec v = held((place[3] * c + place[4] * r + place[5]) / below);
            ivec left = __builtin_convertvector(u + 1.0f, ivec), top = __builtin_convertvector(v + 1.0f, ivec);
            right[col] = u + 1.0f - __builtin_convertvector(left, vec);
            down[col] = v + 1.0f - __builtin_convertvector(top, vec);
            corner[col] = grid + top * CORNERS + left;
        }
        for (int i = 0; i < IMAGE_SIZE * LANES; i++) ((uint32_t *)words)[i] = corners[((int32_t *)corner)[i]];
        for (int col = 0; col < IMAGE_SIZE; col++) {
            uvec word = words[col];
            vec upper = grey_value(word, 0), lower = grey_value(word, 2);
            upper += right[col] * (grey_value(word, 1) - upper);
            lower += right[col] * (grey_value(word, 3) - lower);
            to[col] = (upper + down[col] * (lower - upper)) * slope + start;
        }
    }
}

/* x (size, size with border p) from the images of a group; a lane without an image becomes zeros. */
static void load_images(const Sources *from, vec *x, Pixels pixels, int p) {
    vec slope = {0}, start = {0};
    for (int lane = 0; lane < LANES; lane++) {
        if (!from->images[lane]) continue;
        slope[lane] = 1.0f / (255.0f * pixels.spread);
        start[lane] = -pixels.mean / pixels.spread;
    }
    if (from->places[0]) {
        sample_images(from, x, (uint8_t)pixels.fill, slope, start, p);
        return;
    }
    for (int row = 0; row < IMAGE_SIZE; row++) {
        vec *to = x + (row + p) * (IMAGE_SIZE + 2 * p) + p;
        float grey[IMAGE_SIZE * LANES] __attribute__((aligned(4 * LANES))) = {0};
        for (int lane = 0; lane < LANES; lane++)
            for (int col = 0; from->images[lane] && col < IMAGE_SIZE; col++)
                grey[col * LANES + lane] = from->images[lane][row * IMAGE_SIZE + col];
        for (int col = 0; col < IMAGE_SIZE; col++) to[col] = ((vec *)grey)[col] * slope + start;
    }
}
