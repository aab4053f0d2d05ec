/* Threads that walk through the phases of a step together and take image groups from a common counter.
 *
 * A thread that waits soon sleeps, so that a busy machine does not bring the team to a halt. What is summed is summed
 * by group, in the order of the groups, so the bytes do not depend on the number of threads.
 */
#pragma once
#include "common.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SPINS = 20000 }; /* polls before a waiting thread sleeps: some microseconds */

typedef struct {
    _Alignas(64) atomic_int next;
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_int phase;
    int threads;
    pthread_mutex_t gate;
    pthread_cond_t moved;
} Team;

/* The next item of this phase; the caller stops at the number of items. */
INLINE int team_next(Team *team) { return atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed); }

/* Wait for all; the last to arrive gets 1 at once, while the others wait until it calls team_release. */
static int team_arrive(Team *team) {
    int phase = atomic_load(&team->phase);
    if (atomic_fetch_add(&team->arrived, 1) == team->threads - 1) return 1;
    for (int spins = 0; spins < SPINS; spins++)
        if (atomic_load_explicit(&team->phase, memory_order_acquire) != phase) return 0;
    pthread_mutex_lock(&team->gate);
    while (atomic_load(&team->phase) == phase) pthread_cond_wait(&team->moved, &team->gate);
    pthread_mutex_unlock(&team->gate);
    return 0;
}

static void team_release(Team *team) {
    atomic_store(&team->arrived, 0);
    atomic_store(&team->next, 0);
    pthread_mutex_lock(&team->gate);
    atomic_fetch_add(&team->phase, 1);
    pthread_cond_broadcast(&team->moved);
    pthread_mutex_unlock(&team->gate);
}
