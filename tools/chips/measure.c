/* Runs a generated network over the images of a file, on an emulated board, and writes down what it took.
 *
 * HEADER is the network's header, PREFIX its prefix, OUTPUT the type of a logit; STREAMED networks get their image row
 * by row. IMAGE_BYTES, ROWS and CLASSES are sizes. Only what lies between two readings of the clock is measured. */
#include "semihosting.h"
#include HEADER

#define JOIN(a, b) a##b
#define NAMED(prefix, name) JOIN(prefix, name)
enum { PAINT = 0xA5, PAINTED_WORDS = 1024, LOOP_ROUNDS = 100000 };

extern uint32_t bss_end[];
int main(void);

static uint8_t image[IMAGE_BYTES];
static OUTPUT logits[CLASSES];
static uint32_t deepest_stack_bytes, loop_ticks, images_done;
static uint64_t ticks_spent;

#if defined(BOARD_NRF51) /* TIMER0, 16 MHz: nRF51 Series Reference Manual 3.0, section 18 */
#define TIMER(offset) (*(volatile uint32_t *)(0x40008000u + (offset)))
static void start_clock(void) {
    TIMER(0x508) = 3; /* BITMODE: 32 bits */
    TIMER(0x510) = 0; /* PRESCALER: none */
    TIMER(0x000) = 1; /* START */
}
static inline uint32_t ticks(void) {
    TIMER(0x040) = 1; /* CAPTURE[0] */
    return TIMER(0x540);
}
#elif defined(BOARD_MPS2) /* CMSDK timer 0, 25 MHz, counts down: Arm Cortex-M System Design Kit, section 4.4 */
#define TIMER(offset) (*(volatile uint32_t *)(0x40000000u + (offset)))
static void start_clock(void) {
    TIMER(0x8) = 0xFFFFFFFFu; /* RELOAD */
    TIMER(0x4) = 0xFFFFFFFFu; /* VALUE */
    TIMER(0x0) = 1;           /* CTRL: enabled */
}
static inline uint32_t ticks(void) { return 0xFFFFFFFFu - TIMER(0x4); }
#else /* RISC-V: the counter of retired instructions */
static void start_clock(void) {}
static inline uint32_t ticks(void) {
    uint32_t count;
    __asm__ volatile("rdinstret %0" : "=r"(count)::"memory");
    return count;
}
#endif

/* Two instructions a round: what the clock is held against. */
static __attribute__((noinline)) void known_loop(uint32_t rounds) {
#ifdef __riscv
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(rounds));
#else
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b" : "+l"(rounds)::"cc");
#endif
}

static void predict(void) {
#ifdef STREAMED
    NAMED(PREFIX, _begin)();
    for (const uint8_t *row = image; row < image + IMAGE_BYTES; row += IMAGE_BYTES / ROWS)
        NAMED(PREFIX, _push_row)(row);
    NAMED(PREFIX, _finish)(logits);
#else
    NAMED(PREFIX, _predict)(image, logits);
#endif
}

/* Paint what lies below this frame, predict, and see how far down the paint is gone. */
static __attribute__((noinline)) void measure_image(void) {
    volatile uint32_t *top;
#ifdef __riscv
    __asm__ volatile("mv %0, sp" : "=r"(top));
#else
    __asm__ volatile("mov %0, sp" : "=r"(top));
#endif
    volatile uint32_t *low = top - PAINTED_WORDS;
    if (low < bss_end) low = bss_end;
    for (volatile uint32_t *word = low; word < top; word++) *word = PAINT * 0x01010101u;
    const uint32_t before = ticks();
    predict();
    ticks_spent += ticks() - before;
    while (low < top && *low == PAINT * 0x01010101u) low++;
    const uint32_t depth = (uint32_t)((top - low) * 4);
    if (depth > deepest_stack_bytes) deepest_stack_bytes = depth;
}

int main(void) {
    const uintptr_t images = host_open("images.bin", 10, HOST_READ_BINARY);
    const uintptr_t results = host_open("logits.bin", 10, HOST_WRITE_BINARY);
    const uintptr_t figures = host_open("figures.bin", 11, HOST_WRITE_BINARY);
    int is_well = images + 1 != 0 && results + 1 != 0 && figures + 1 != 0;
    start_clock();
    const uint32_t before = ticks();
    known_loop(LOOP_ROUNDS);
    loop_ticks = ticks() - before;
    while (is_well && host_move(HOST_READ, images, image, IMAGE_BYTES) == 0) {
        measure_image();
        is_well = host_move(HOST_WRITE, results, logits, sizeof logits) == 0;
        images_done++;
    }
    uint64_t found[] = {images_done, ticks_spent, deepest_stack_bytes, loop_ticks};
    host_exit(is_well && host_move(HOST_WRITE, figures, found, sizeof found) == 0);
}
