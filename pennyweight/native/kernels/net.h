/* A network in memory: its arrays, its parameters, and the call that is being worked on. */

typedef struct {
    const uint8_t *images, *labels;
    const int64_t *order;          /* indices of the images of these steps */
    const float *places;           /* a homography (3, 3) for each of them, or 0 */
    const double *learning_rates, *momenta;
    double *losses;                /* out: the mean loss of every step */
    int64_t *correct;              /* out: images right in every step */
    int64_t first_step, steps, count;
    Pixels pixels;
    Settings settings;
    int kind;                      /* of optimizer */
    float smoothing;
    uint64_t seed;
} Call;

typedef struct {
    Values v;
    float parameters[PARAMETERS], slot0[PARAMETERS], slot1[PARAMETERS], gradients[GROUPS][PARAMETERS];
    float buffers[BUFFERS];
    Score scores[GROUPS];
    Call call;
    int64_t step; /* of this call, from 0 */
    int images, groups;
    uint32_t step_key;
    Team team;
    pthread_mutex_t gate;
    int cleared; /* threads whose scratch has been cleared */
    Scratch scratch[GROUPS < MOST_THREADS ? GROUPS : MOST_THREADS];
} Net;

#define GROUP_OF_TRAINING \
    int images = n->images - g * LANES < LANES ? n->images - g * LANES : LANES; \
    (void)images, (void)t;

static uint32_t hashed(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

/* A key for the dropout of one layer in one group of this step. */
static uint32_t dropout_key(const Net *n, uint32_t layer, uint32_t g) {
    return hashed(n->step_key + hashed(layer * 0x85ebca6bu + g * 0xc2b2ae35u + 1));
}

static void begin_step(Net *n) {
    const Call *call = &n->call;
    int64_t left = call->count - n->step * BATCH_IMAGES;
    n->images = left < BATCH_IMAGES ? (int)left : BATCH_IMAGES;
    n->groups = (n->images + LANES - 1) / LANES;
    uint64_t step = (uint64_t)(call->first_step + n->step);
    n->step_key = hashed((uint32_t)step ^ hashed((uint32_t)(step >> 32) ^ hashed((uint32_t)call->seed ^
                         hashed((uint32_t)(call->seed >> 32) + 1))));
}

static void load_group(Net *n, int g, int images) {
    const Call *call = &n->call;
    Sources from = {0};
    for (int lane = 0; lane < images; lane++) {
        int64_t place = n->step * BATCH_IMAGES + g * LANES + lane;
        from.images[lane] = call->images + call->order[place] * IMAGE_SIZE * IMAGE_SIZE;
        from.places[lane] = call->places ? call->places + place * 9 : 0;
    }
    load_images(&from, n->v.value0[g], call->pixels, IMAGE_BORDER);
}

static void score_group(Net *n, int g, int images, const vec *logits, vec *gradient) {
    uint8_t labels[LANES] = {0};
    for (int lane = 0; lane < images; lane++)
        labels[lane] = n->call.labels[n->call.order[n->step * BATCH_IMAGES + g * LANES + lane]];
    n->scores[g] = cross_entropy(logits, gradient, labels, images, n->images, CLASSES, n->call.smoothing);
}

static void end_step(Net *n) {
    double loss = 0;
    int64_t correct = 0;
    for (int g = 0; g < n->groups; g++) loss += n->scores[g].loss, correct += n->scores[g].correct;
    n->call.losses[n->step] = loss / n->images;
    n->call.correct[n->step] = correct;
    n->step++;
    if (n->step < n->call.steps) begin_step(n);
}
