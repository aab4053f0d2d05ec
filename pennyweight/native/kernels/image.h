/* Images into lanes: normalised pixels, read through a homography where there is one.
 *
 * An image is IMAGE_CHANNELS planes of IMAGE_ROWS x IMAGE_COLUMNS grey values of one byte.
 */
#pragma once
#include "common.h"

/* How a grey value becomes a number; mean and std (IMAGE_CHANNELS) are fractions of 255. */
typedef struct {
    const float *mean, *std;
    float fill; /* grey value outside of the image, 0 to 255 */
} Pixels;

enum { PLANE = IMAGE_ROWS * IMAGE_COLUMNS, IMAGE_BYTES = IMAGE_CHANNELS * PLANE };
enum { CORNER_ROWS = IMAGE_ROWS + 2, CORNER_COLUMNS = IMAGE_COLUMNS + 2, CORNERS = CORNER_ROWS * CORNER_COLUMNS };
enum { FRAME_ROWS = IMAGE_ROWS + 3, FRAME_COLUMNS = IMAGE_COLUMNS + 3 };

/* Where a group's images and their homographies (3, 3) lie; a lane without an image holds 0. Either every image of a
 * group has a homography or none has. */
typedef struct {
    const uint8_t *images[LANES];
    const float *homographies[LANES];
} Sources;

/* What sampling works in; too large for a thread's stack where images are large. */
typedef struct {
    uint32_t corners[IMAGE_CHANNELS * LANES * CORNERS] RED_ZONE(corners);
    uint8_t frame[FRAME_ROWS * FRAME_COLUMNS] RED_ZONE(frame);
    vec right[IMAGE_COLUMNS] RED_ZONE(right), down[IMAGE_COLUMNS] RED_ZONE(down);
    ivec corner[IMAGE_COLUMNS] RED_ZONE(corner);
    uvec words[IMAGE_COLUMNS] RED_ZONE(words);
    float grey[IMAGE_COLUMNS * LANES] __attribute__((aligned(4 * LANES))) RED_ZONE(grey);
} ImageWorkspace;

#ifdef RED_ZONES
static void poison_image(ImageWorkspace *w) {
    POISON(w->red_corners);
    POISON(w->red_frame);
    POISON(w->red_right);
    POISON(w->red_down);
    POISON(w->red_corner);
    POISON(w->red_words);
    POISON(w->red_grey);
}
#endif

/* Four grey values in one word for every pixel of a plane in a frame of `fill`: its own, the one to its right, and
 * those below the two. The frame has one row above the plane and two below. */
INLINE void pack_corners(const uint8_t *plane, uint8_t *restrict frame, uint32_t *restrict corners, uint8_t fill) {
    memset(frame, fill, FRAME_ROWS * FRAME_COLUMNS);
    for (int row = 0; row < IMAGE_ROWS; row++)
        memcpy(frame + (row + 1) * FRAME_COLUMNS + 1, plane + row * IMAGE_COLUMNS, IMAGE_COLUMNS);
    for (int row = 0; row < CORNER_ROWS; row++) {
        const uint8_t *upper = frame + row * FRAME_COLUMNS, *lower = upper + FRAME_COLUMNS;
        for (int col = 0; col < CORNER_COLUMNS; col++)
            corners[row * CORNER_COLUMNS + col] =
                upper[col] | upper[col + 1] << 8 | lower[col] << 16 | (uint32_t)lower[col + 1] << 24;
    }
}

/* A coordinate clamped to -1 .. size, where the frame is; what is not a number goes to the frame too. */
INLINE vec clamp(vec x, int size) {
    vec least = (vec){0} - 1.0f, most = (vec){0} + (float)size;
    vec low = select_lanes(x > least, x, least);
    return select_lanes(low < most, low, most);
}

INLINE vec grey_value(uvec word, int place) {
    return __builtin_convertvector((ivec)((word >> (8 * place)) & 255u), vec);
}

/* The first pixel of a row of one channel of x, whose pad on each side is p. */
INLINE vec *image_row(vec *x, int channel, int row, int p) {
    return x + ((long)(channel * (IMAGE_ROWS + 2 * p) + row + p)) * (IMAGE_COLUMNS + 2 * p) + p;
}

/* x (channels, rows, columns, each side padded by p), read bilinearly where the homography of each lane maps its
 * pixels; a number is grey * slope + start, of each channel. */
static void sample_images(const Sources *from, vec *x, uint8_t fill, const vec *slope, const vec *start, int p,
                          ImageWorkspace *restrict w) {
    vec h[9] = {{0}};
    ivec grid;
    for (int lane = 0; lane < LANES; lane++) {
        grid[lane] = lane * CORNERS;
        if (!from->images[lane]) continue;
        for (int c = 0; c < IMAGE_CHANNELS; c++)
            pack_corners(from->images[lane] + c * PLANE, w->frame, w->corners + (c * LANES + lane) * CORNERS, fill);
        for (int i = 0; i < 9; i++) h[i][lane] = from->homographies[lane][i];
    }
    for (int row = 0; row < IMAGE_ROWS; row++) {
        /* three loops: arithmetic alone, looking up words one by one, arithmetic alone */
        for (int col = 0; col < IMAGE_COLUMNS; col++) {
            float c = col, r = row;
            vec below = h[6] * c + h[7] * r + h[8];
            vec u = clamp((h[0] * c + h[1] * r + h[2]) / below, IMAGE_COLUMNS);
            vec v = clamp((h[3] * c + h[4] * r + h[5]) / below, IMAGE_ROWS);
            ivec left = __builtin_convertvector(u + 1.0f, ivec), top = __builtin_convertvector(v + 1.0f, ivec);
            w->right[col] = u + 1.0f - __builtin_convertvector(left, vec);
            w->down[col] = v + 1.0f - __builtin_convertvector(top, vec);
            w->corner[col] = grid + top * CORNER_COLUMNS + left;
        }
        for (int c = 0; c < IMAGE_CHANNELS; c++) {
            const uint32_t *corners = w->corners + c * LANES * CORNERS;
            vec *to = image_row(x, c, row, p);
            for (int i = 0; i < IMAGE_COLUMNS * LANES; i++)
                ((uint32_t *)w->words)[i] = corners[((int32_t *)w->corner)[i]];
            for (int col = 0; col < IMAGE_COLUMNS; col++) {
                uvec word = w->words[col];
                vec upper = grey_value(word, 0), lower = grey_value(word, 2);
                upper += w->right[col] * (grey_value(word, 1) - upper);
                lower += w->right[col] * (grey_value(word, 3) - lower);
                to[col] = (upper + w->down[col] * (lower - upper)) * slope[c] + start[c];
            }
        }
    }
}

/* x (channels, rows, columns, each side padded by p) from the images of a group; a lane without an image becomes zeros.
 */
static void load_images(const Sources *from, vec *x, Pixels pixels, int p, ImageWorkspace *restrict w) {
    vec slope[IMAGE_CHANNELS] = {{0}}, start[IMAGE_CHANNELS] = {{0}};
    for (int lane = 0; lane < LANES; lane++) {
        for (int c = 0; from->images[lane] && c < IMAGE_CHANNELS; c++) {
            slope[c][lane] = 1.0f / (255.0f * pixels.std[c]);
            start[c][lane] = -pixels.mean[c] / pixels.std[c];
        }
    }
    if (from->homographies[0]) {
        sample_images(from, x, (uint8_t)pixels.fill, slope, start, p, w);
        return;
    }
    memset(w->grey, 0, sizeof w->grey);
    for (int c = 0; c < IMAGE_CHANNELS; c++)
        for (int row = 0; row < IMAGE_ROWS; row++) {
            vec *to = image_row(x, c, row, p);
            for (int lane = 0; lane < LANES; lane++)
                for (int col = 0; from->images[lane] && col < IMAGE_COLUMNS; col++)
                    w->grey[col * LANES + lane] = from->images[lane][c * PLANE + row * IMAGE_COLUMNS + col];
            for (int col = 0; col < IMAGE_COLUMNS; col++) to[col] = ((vec *)w->grey)[col] * slope[c] + start[c];
        }
}
