/* For self-checking programs on the bare hart in S mode. A program is a main() that returns 0; a
 * CHECK() that fails ends it with its line number. */
#ifndef TESTS_RISCV_GUEST_H
#define TESTS_RISCV_GUEST_H

#include <stdint.h>

/* What the latest trap left. From S mode it goes on at `resume`, or after an interrupt where it
 * was; from U mode run_user() returns. */
struct trap {
    uint64_t cause;
    uint64_t value;
    uint64_t pc;
    uint64_t status;
    uint64_t count;
    uint64_t resume;
    uint64_t user_a0;
};
extern volatile struct trap trap;

#define INTERRUPT (UINT64_C(1) << 63)

int main(void);
/* Ends the program: SBI extension 0, for the tests' own host. */
void finish(uint64_t line) __attribute__((noreturn));
/* Calls `function(argument)` in U mode, until it traps. */
void run_user(uint64_t function, uint64_t argument);
/* Used by U mode programs to come back, value in a0. */
#define USER_EXIT "ecall"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            finish(__LINE__);                                                                      \
        }                                                                                          \
    } while (0)

#define READ_CSR(name)                                                                             \
    ({                                                                                             \
        uint64_t value_;                                                                           \
        __asm__ volatile("csrr %0, " name : "=r"(value_) : : "memory");                            \
        value_;                                                                                    \
    })
#define WRITE_CSR(name, value)                                                                     \
    __asm__ volatile("csrw " name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define SET_CSR(name, value)                                                                       \
    __asm__ volatile("csrs " name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define CLEAR_CSR(name, value)                                                                     \
    __asm__ volatile("csrc " name ", %0" : : "r"((uint64_t)(value)) : "memory")

/* Runs one instruction that may trap; true if it did. `place` is where it was. %0, %1: operands. */
#define TRY(instruction, a, b)                                                                     \
    ({                                                                                             \
        uint64_t count_ = trap.count;                                                              \
        uint64_t scratch_, first_ = (uint64_t)(a), second_ = (uint64_t)(b);                        \
        __asm__ volatile(                                                                          \
            "la %2, 2f\n\tsd %2, %3\n\tla %2, 1f\n\tsd %2, %4\n1:\t" instruction "\n2:"            \
            : "+r"(first_), "+r"(second_), "=&r"(scratch_), "=m"(trap.resume), "=m"(try_place)     \
            :                                                                                      \
            : "memory", "ra", "a0");                                                               \
        try_result = first_;                                                                       \
        trap.resume = 0;                                                                           \
        trap.count != count_;                                                                      \
    })
extern volatile uint64_t try_place;
extern volatile uint64_t try_result;

#define TRAPPED(instruction, a, b, expected_cause, expected_value)                                 \
    CHECK(TRY(instruction, a, b) && trap.cause == (expected_cause) &&                              \
          trap.value == (uint64_t)(expected_value) && trap.pc == try_place)
#define RUNS(instruction, a, b) CHECK(!TRY(instruction, a, b))

enum {
    FETCH_ACCESS = 1,
    ILLEGAL = 2,
    BREAKPOINT = 3,
    LOAD_MISALIGNED = 4,
    LOAD_ACCESS = 5,
    STORE_MISALIGNED = 6,
    STORE_ACCESS = 7,
    USER_ECALL = 8,
    FETCH_PAGE = 12,
    LOAD_PAGE = 13,
    STORE_PAGE = 15
};

#define SSTATUS_SIE  0x2
#define SSTATUS_SPIE 0x20
#define SSTATUS_SPP  0x100
#define SSTATUS_FS   0x6000
#define SSTATUS_SUM  0x40000
#define SSTATUS_MXR  0x80000

#endif
