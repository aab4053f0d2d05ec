/* A network in memory: its arrays, its parameters, and the slice of an epoch that is being trained.
 *
 * The generated program declares Values (what is kept for every group of images, and the packed weights and statistics
 * of the network) and Scratch (what a thread works in).
 * Legend: g group of images, t a thread's scratch.
 */
#pragma once
#include "image.h"
#include "loss.h"
#include "optimizer.h"
#include "team.h"

/* What a slice of an epoch is trained on, and where its results go. */
typedef struct {
    const uint8_t *images;                  /* (all images, channels, rows, columns) */
    const int32_t *labels;                  /* (all images) */
    const float *soft_labels;               /* (all images, classes), or 0 */
    const int64_t *order;                   /* (count): indices of the images of these steps */
    const float *homographies;              /* (count, 3, 3), or 0 */
    const double *learning_rates, *momenta; /* (steps) */
    double *losses;                         /* (steps), out: the mean loss of every step */
    int64_t *correct;                       /* (steps), out: images classified correctly */
    int64_t first_step, steps, count;
    Pixels pixels;
    OptimizerSettings settings;
    int kind; /* of optimizer */
    float smoothing;
    uint64_t seed;
} Slice;

typedef struct {
    Values v;
    float parameters[PARAMETERS] RED_ZONE(parameters), slot0[PARAMETERS] RED_ZONE(slot0),
        slot1[PARAMETERS] RED_ZONE(slot1), gradients[GROUPS][PARAMETERS] RED_ZONE(gradients);
    float buffers[BUFFERS] RED_ZONE(buffers);
    Score scores[GROUPS] RED_ZONE(scores);
    Slice slice;
    int64_t step; /* of this slice, from 0 */
    int images, groups;
    uint32_t step_key;
    Team team;
    pthread_mutex_t gate;
    int cleared; /* threads whose scratch has been cleared */
    Scratch scratch[GROUPS < MOST_THREADS ? GROUPS : MOST_THREADS];
} Net;

#ifdef RED_ZONES
/* All but those of scratch. */
static void poison_net(Net *n) {
    poison_values(&n->v);
    POISON(n->red_parameters);
    POISON(n->red_slot0);
    POISON(n->red_slot1);
    POISON(n->red_gradients);
    POISON(n->red_buffers);
    POISON(n->red_scores);
}
#endif

/* The images of group g in a training step. */
INLINE int images_in_group(const Net *n, int g) {
    return n->images - g * LANES < LANES ? n->images - g * LANES : LANES;
}

/* A key for the dropout of one layer in one group of this step. */
static uint32_t dropout_key(const Net *n, uint32_t layer, uint32_t g) {
    return hash(n->step_key + hash(layer * 0x85ebca6bu + g * 0xc2b2ae35u + 1));
}

static void begin_step(Net *n) {
    const Slice *slice = &n->slice;
    int64_t left = slice->count - n->step * BATCH_IMAGES;
    n->images = left < BATCH_IMAGES ? (int)left : BATCH_IMAGES;
    n->groups = (n->images + LANES - 1) / LANES;
    uint64_t step = (uint64_t)(slice->first_step + n->step);
    uint32_t seed_key = hash((uint32_t)slice->seed ^ hash((uint32_t)(slice->seed >> 32) + 1));
    n->step_key = hash((uint32_t)step ^ hash((uint32_t)(step >> 32) ^ seed_key));
}

static void load_group(Net *n, Scratch *t, vec *target, int g, int images) {
    const Slice *slice = &n->slice;
    Sources from = {0};
    for (int lane = 0; lane < images; lane++) {
        int64_t place = n->step * BATCH_IMAGES + g * LANES + lane;
        from.images[lane] = slice->images + slice->order[place] * IMAGE_BYTES;
        from.homographies[lane] = slice->homographies ? slice->homographies + place * 9 : 0;
    }
    load_images(&from, target, slice->pixels, IMAGE_PAD, &t->image);
}

/* gradient (classes) and the group's score, from logits (classes). */
static void score_group(Net *n, const vec *logits, vec *gradient, int g, int images) {
    const Slice *slice = &n->slice;
    int32_t labels[LANES] = {0};
    const float *soft[LANES] = {0};
    for (int lane = 0; lane < images; lane++) {
        int64_t image = slice->order[n->step * BATCH_IMAGES + g * LANES + lane];
        labels[lane] = slice->labels[image];
        if (slice->soft_labels) soft[lane] = slice->soft_labels + image * CLASSES;
    }
    n->scores[g] = slice->soft_labels
                       ? soft_cross_entropy(logits, gradient, labels, soft, images, n->images, CLASSES)
                       : cross_entropy(logits, gradient, labels, images, n->images, CLASSES, slice->smoothing);
}

static void end_step(Net *n) {
    double loss = 0;
    int64_t correct = 0;
    for (int g = 0; g < n->groups; g++) loss += n->scores[g].loss, correct += n->scores[g].correct;
    n->slice.losses[n->step] = loss / n->images;
    n->slice.correct[n->step] = correct;
    n->step++;
    if (n->step < n->slice.steps) begin_step(n);
}
