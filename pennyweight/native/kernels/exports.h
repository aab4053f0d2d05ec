/* What Python calls, and how a step runs on a team of threads.
 *
 * A step is a sequence of phases, each run for every group of images: the phases of train_step, then the optimizer
 * chunk by chunk, then the packing of the changed weights. The last thread to arrive at the end of a phase does what is
 * one thread's work, and lets the others go on.
 */
#pragma once
#include "net.h"
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20 };
_Static_assert(LARGE_PAGE % _Alignof(Net) == 0, "what net_create returns is aligned for its vectors and counters");

/* Move the parameters of one chunk. */
static void optimizer_chunk(Net *n, int chunk) {
    OptimizerSettings s = n->slice.settings;
    s.learning_rate = n->slice.learning_rates[n->step];
    s.momentum = n->slice.momenta[n->step];
    s.step = n->slice.first_step + n->step + 1;
    long first = (long)chunk * CHUNK, last = first + CHUNK < PARAMETERS ? first + CHUNK : PARAMETERS;
    float *p = n->parameters, *m = n->slot0, *v = n->slot1;
    const float *d = n->gradients[0];
    switch (n->slice.kind) {
    case SGD: optimizer_step(SGD, p, m, v, d, n->groups, PARAMETERS, first, last, s); break;
    case ADAM: optimizer_step(ADAM, p, m, v, d, n->groups, PARAMETERS, first, last, s); break;
    case ADAMW: optimizer_step(ADAMW, p, m, v, d, n->groups, PARAMETERS, first, last, s); break;
    case ADAGRAD: optimizer_step(ADAGRAD, p, m, v, d, n->groups, PARAMETERS, first, last, s); break;
    }
}

static void train_steps(Net *n, Scratch *t) {
    enum { CHUNKS = (PARAMETERS + CHUNK - 1) / CHUNK };
    for (int64_t step = 0; step < n->slice.steps; step++) {
        train_step(n, t);
        if (team_arrive(&n->team)) team_release(&n->team);
        for (int i; (i = team_next(&n->team)) < CHUNKS;) optimizer_chunk(n, i);
        if (team_arrive(&n->team)) team_release(&n->team);
        for (int i; (i = team_next(&n->team)) < PACKED;) pack_weights(n, i);
        if (team_arrive(&n->team)) {
            end_step(n);
            team_release(&n->team);
        }
    }
}

typedef struct {
    Net *net;
    int number;
    const uint8_t *images;
    float *logits;
    int64_t count;
} Worker;

/* Started threads wait here until the size of the team is settled. */
static void wait_for_start(Net *n) {
    pthread_mutex_lock(&n->gate);
    pthread_mutex_unlock(&n->gate);
}

static void *train_worker(void *argument) {
    Worker *worker = argument;
    if (worker->number) wait_for_start(worker->net);
    train_steps(worker->net, &worker->net->scratch[worker->number]);
    return 0;
}

/* Takes groups of images; in prediction a thread's slot stands where training has the group, so g is the slot. */
static void *forward_worker(void *argument) {
    Worker *worker = argument;
    Net *n = worker->net;
    int slot = worker->number;
    if (slot) wait_for_start(n);
    int64_t groups = (worker->count + LANES - 1) / LANES;
    for (int64_t i; (i = team_next(&n->team)) < groups;) {
        int images = worker->count - i * LANES < LANES ? (int)(worker->count - i * LANES) : LANES;
        Sources from = {0};
        for (int lane = 0; lane < images; lane++) from.images[lane] = worker->images + (i * LANES + lane) * IMAGE_BYTES;
        load_images(&from, n->v.value0[slot], n->slice.pixels, IMAGE_PAD, &n->scratch[slot].image);
        forward_group(n, &n->scratch[slot], slot, images);
        for (int c = 0; c < CLASSES; c++)
            for (int lane = 0; lane < images; lane++)
                worker->logits[(i * LANES + lane) * CLASSES + c] = LOGITS(n, slot)[c][lane];
    }
    return 0;
}

/* Run `work` on `threads` threads, this one among them; fewer when the system refuses to start some. */
static void run_on_team(Net *n, void *(*work)(void *), Worker task, int threads) {
    pthread_t others[MOST_THREADS];
    Worker workers[MOST_THREADS];
    int started = 0;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    for (; n->cleared < threads; n->cleared++) memset(&n->scratch[n->cleared], 0, sizeof(Scratch));
#ifdef RED_ZONES
    for (int i = 0; i < threads; i++) poison_scratch(&n->scratch[i]);
#endif
    memset(&n->team, 0, sizeof n->team);
    pthread_mutex_init(&n->team.gate, 0);
    pthread_cond_init(&n->team.moved, 0);
    n->team.threads = threads;
    for (int i = 0; i < threads; i++) {
        workers[i] = task;
        workers[i].number = i;
    }
    pthread_mutex_lock(&n->gate);
    for (int i = 1; i < threads; i++) {
        if (pthread_create(&others[started], 0, work, &workers[i])) break;
        started++;
    }
    n->team.threads = started + 1;
    pthread_mutex_unlock(&n->gate);
    work(&workers[0]);
    for (int i = 0; i < started; i++) pthread_join(others[i], 0);
    pthread_cond_destroy(&n->team.moved);
    pthread_mutex_destroy(&n->team.gate);
}

#define EXPORT __attribute__((visibility("default")))

EXPORT Net *net_create(void) {
    /* whole large pages, which is more than vectors and the team's counters ask for: maps lie on few of them */
    size_t bytes = (sizeof(Net) + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    Net *n = aligned_alloc(LARGE_PAGE, bytes);
    if (n) {
#ifdef MADV_HUGEPAGE
        madvise(n, bytes, MADV_HUGEPAGE); /* a wish: without it, it is only slower */
#endif
        memset(n, 0, sizeof *n - sizeof n->scratch); /* a thread's scratch is cleared when it is first used */
        pthread_mutex_init(&n->gate, 0);
#ifdef RED_ZONES
        poison_net(n);
        __asan_poison_memory_region(n + 1, bytes - sizeof *n);
#endif
    }
    return n;
}

EXPORT void net_destroy(Net *n) {
    pthread_mutex_destroy(&n->gate);
#ifdef RED_ZONES
    __asan_unpoison_memory_region(n, __sanitizer_get_allocated_size(n));
#endif
    free(n);
}

EXPORT float *net_parameters(Net *n) { return n->parameters; }
EXPORT float *net_slot0(Net *n) { return n->slot0; }
EXPORT float *net_slot1(Net *n) { return n->slot1; }
EXPORT float *net_buffers(Net *n) { return n->buffers; }

/* Train `slice->steps` steps. */
EXPORT void net_train_steps(Net *n, const Slice *slice, int threads) {
    n->slice = *slice;
    n->step = 0;
    if (threads > GROUPS) threads = GROUPS;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    for (int i = 0; i < PACKED; i++) pack_weights(n, i);
    begin_step(n);
    run_on_team(n, train_worker, (Worker){.net = n}, threads);
}

/* logits (count, classes) of images (count, channels, rows, columns) with the running statistics, dropout off. */
EXPORT void net_logits(Net *n, const uint8_t *images, int64_t count, Pixels pixels, float *logits, int threads) {
    n->slice.pixels = pixels;
    use_running_moments_of_all(n);
    for (int i = 0; i < PACKED; i++) pack_weights(n, i);
    if (threads > GROUPS) threads = GROUPS;
    run_on_team(n, forward_worker, (Worker){.net = n, .images = images, .count = count, .logits = logits}, threads);
}
