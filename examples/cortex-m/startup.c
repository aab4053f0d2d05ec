/* Start-up of a Cortex-M without a library: vectors, .data copied, .bss cleared, then main.
 *
 * What the linker script provides: where .data lies in flash and in RAM, .bss, and the top of the stack. */
#include <stdint.h>

extern uint32_t data_in_flash[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern int main(void);
void reset(void);
void stop(void);

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))stack_top, reset, stop, stop, stop, stop, stop, 0, 0, 0, 0, stop, stop, 0, stop, stop};

void reset(void) {
    const uint32_t *from = data_in_flash;
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: the float unit may be used */
    __asm__ volatile("dsb\n isb");
#endif
    for (uint32_t *to = data_start; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    main();
    stop();
}

/* Every fault ends here. An emulator is told so by the exit code; a debugger stops here. */
void stop(void) {
    for (;;) __asm__ volatile("" ::: "memory");
}
