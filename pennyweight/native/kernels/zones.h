/* Red zones: what lies behind every array of a network where it is built with the address sanitizer, and nowhere else.
 *
 * A network is one block of memory, of which the sanitizer knows only the two ends. The zones are poisoned, so that it
 * stops a kernel that leaves its array. A zone is of its array's type, so what lies behind it is aligned as without it.
 */
#pragma once

#ifdef __SANITIZE_ADDRESS__
#define RED_ZONES
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RED_ZONES
#endif
#endif

#ifdef RED_ZONES
#include <stddef.h>
/* of the sanitizer's runtime, whose headers are not there with every compiler */
void __asan_poison_memory_region(const volatile void *, size_t);
void __asan_unpoison_memory_region(const volatile void *, size_t);
size_t __sanitizer_get_allocated_size(const volatile void *);
enum { ZONE = 1024 }; /* of vectors, more than a channel of MNIST with its padding */
#define RED_ZONE(array) , red_##array[ZONE]
#define POISON(zone) __asan_poison_memory_region(zone, sizeof(zone))
#else
#define RED_ZONE(array)
#endif
