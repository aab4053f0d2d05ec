/* Files and text of the machine behind an emulator or a debugger ("semihosting"), on Arm and on RISC-V.
 *
 * Arm, "Semihosting for AArch32 and AArch64", and the RISC-V specification of the same calls. On a board of your own
 * replace this by its serial port: without a debugger a semihosting call stops the processor. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H
#include <stdint.h>

enum { HOST_OPEN = 1, HOST_CLOSE = 2, HOST_PRINT = 4, HOST_WRITE = 5, HOST_READ = 6, HOST_EXIT = 0x18 };
enum { HOST_READ_BINARY = 1, HOST_WRITE_BINARY = 5 };

static inline uintptr_t host_call(uintptr_t operation, const void *arguments) {
#ifdef __riscv
    register uintptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = arguments;
    /* the three instructions together are the call; they must not be compressed nor lie on two pages */
    __asm__ volatile(".option push\n .option norvc\n .balign 16\n slli zero, zero, 0x1f\n ebreak\n"
                     " srai zero, zero, 7\n .option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
#else
    register uintptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

static inline uintptr_t host_open(const char *name, uintptr_t length, uintptr_t mode) {
    const uintptr_t arguments[3] = {(uintptr_t)name, mode, length};
    return host_call(HOST_OPEN, arguments);
}

/* Return how many bytes are missing at the end: 0 where all were read or written. */
static inline uintptr_t host_move(uintptr_t operation, uintptr_t file, void *bytes, uintptr_t count) {
    const uintptr_t arguments[3] = {file, (uintptr_t)bytes, count};
    return host_call(operation, arguments);
}

static inline void host_print(const char *text) { host_call(HOST_PRINT, text); }

/* End the emulator: with exit code 0 if all is well, else 1. */
static inline void host_exit(int is_well) {
    const uintptr_t application_exit = 0x20026, run_time_error = 0x20023;
    host_call(HOST_EXIT, (const void *)(is_well ? application_exit : run_time_error));
    for (;;) __asm__ volatile("" ::: "memory");
}
#endif
