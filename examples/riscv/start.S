# Start-up of a RISC-V core without a library: stack, .data and .bss by the loader of the emulator, then main.
    .section .text.start, "ax"
    .globl start
start:
    .option push
    .option norelax
    la gp, global_pointer
    .option pop
    la sp, stack_top
    la a0, bss_start
    la a1, bss_end
1:  bgeu a0, a1, 2f
    sw zero, 0(a0)
    addi a0, a0, 4
    j 1b
2:  call main
3:  j 3b
