/*
 * Something of everything, for runs that are recorded and repeated: computing in memory, floating
 * point, self-modified code, page tables, clock reads, timer interrupts at awkward places, idling,
 * and a console that answers what it is told. Powers off after a number of ticks.
 */
#include "guest.h"

#define TICKS       400u
#define TICK_LENGTH 700u /* of the time CSR: 70 microseconds */
#define WORDS       32768u

static uint64_t memory[WORDS];
static uint64_t root[512] __attribute__((aligned(4096)));
static uint32_t patch[4] __attribute__((aligned(16)));
static volatile uint64_t ticks;
static volatile uint64_t mixed = 1;
static volatile double sum = 1.0;

static void mix(uint64_t value)
{
    mixed = (mixed ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 29;
}

static void set_timer(uint64_t at)
{
    __asm__ volatile("csrw 0x14d, %0" : : "r"(at)); /* stimecmp */
}

static void answer(void)
{
    uint32_t line = plic_claim();
    while ((read8(UART_BASE + 5) & 1) != 0) {
        uint8_t byte = read8(UART_BASE);
        mix(byte);
        write8(UART_BASE, byte);
    }
    plic_complete(line);
}

uint64_t trap(uint64_t cause, uint64_t pc, uint64_t value)
{
    mix(pc); /* where interrupts land is part of what must be repeated */
    if (cause == (CAUSE_INTERRUPT | INTERRUPT_TIMER)) {
        ticks++;
        mix(read_time());
        set_timer(read_time() + TICK_LENGTH);
    } else if (cause == (CAUSE_INTERRUPT | INTERRUPT_EXTERNAL)) {
        answer();
    } else {
        check(false, "no exception");
        print_hex(cause);
        print_hex(value);
        sbi(0x53525354, 0, 0, 1, 0);
    }
    return pc;
}

/* Identity mapping by 1 GiB pages, and the memory a second time at 0x2000000000. */
static void map_memory(void)
{
    for (uint64_t i = 0; i < 4; i++) {
        root[i] = i << 28 | 0xcf; /* V R W X, A D; ppn = i GiB >> 12, at bit 10 */
    }
    root[128] = UINT64_C(2) << 28 | 0xc7; /* V R W, A D */
    csr_write(satp, UINT64_C(8) << 60 | (uint64_t)root >> 12);
    __asm__ volatile("sfence.vma" : : : "memory");
}

static uint64_t run_patched(uint64_t argument)
{
    patch[0] = 0x00050513 | (uint32_t)(mixed & 0x7ff) << 20; /* addi a0, a0, something */
    patch[1] = 0x00008067;                                   /* ret */
    __asm__ volatile("fence.i" : : : "memory");
    return ((uint64_t(*)(uint64_t))(uintptr_t)patch)(argument);
}

static void compute(uint64_t step)
{
    uint64_t index = mixed % WORDS;
    for (unsigned i = 0; i < 500; i++) {
        index = (index * 5 + 1) % WORDS;
        volatile uint64_t *again =
            (volatile uint64_t *)((uint64_t)&memory[index] - 0x80000000ul + 0x2000000000ul);
        *again += mixed + i;
        mix(memory[index]);
        sum = sum * 1.0000001 + (double)i / (double)(index + 1);
    }
    mix(run_patched(step));
    __atomic_fetch_add(&memory[index], step, __ATOMIC_SEQ_CST);
}

int main(uint64_t hart, uint64_t device_tree)
{
    uint64_t step = 0;
    mix(hart ^ device_tree);
    map_memory();
    enable_uart_line();
    write8(UART_BASE + 1, 1); /* interrupt when something is received */
    csr_set(sie, 1u << INTERRUPT_TIMER | 1u << INTERRUPT_EXTERNAL);
    set_timer(read_time() + TICK_LENGTH);
    csr_set(sstatus, 2);
    print("work: ready\n");
    while (ticks < TICKS) {
        compute(step++);
        mix(read_time());
        if (step % 7 == 0) {
            wait_for_interrupt();
        }
        if (step % 64 == 0) {
            print_hex(mixed);
            print("\n");
        }
    }
    csr_clear(sstatus, 2);
    mix((uint64_t)sum);
    print("work: done ");
    print_hex(mixed);
    print("\n");
    return 0;
}
