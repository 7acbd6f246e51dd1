#include "tests/riscv/lockstep/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STEPS_SHOWN   24u
#define BYTES_SHOWN   8u
#define RECORDS_SHOWN 3u

static const struct {
    const char *name;
    unsigned number;
} csrs[] = {{"sstatus", 0x100}, {"sie", 0x104},      {"stvec", 0x105},    {"scounteren", 0x106},
            {"senvcfg", 0x10a}, {"sscratch", 0x140}, {"sepc", 0x141},     {"scause", 0x142},
            {"stval", 0x143},   {"sip", 0x144},      {"stimecmp", 0x14d}, {"satp", 0x180},
            {"time", 0xc01},    {"fcsr", 0x003}};

bool report_same_record(const struct record *a, const struct record *b)
{
    return a->kind == b->kind && a->size == b->size && a->position == b->position &&
           a->pc == b->pc && a->address == b->address && a->value == b->value &&
           a->digest == b->digest;
}

static void print_pair(const char *name, uint64_t a, uint64_t b)
{
    if (a != b) {
        fprintf(stderr, "  %-10s %016" PRIx64 "  %016" PRIx64 "\n", name, a, b);
    }
}

static void print_registers(const struct hart *a, const struct hart *b)
{
    char name[8];

    print_pair("position", hart_position(a), hart_position(b));
    print_pair("pc", hart_get_pc(a), hart_get_pc(b));
    for (unsigned i = 0; i < 32; i++) {
        snprintf(name, sizeof name, "x%u", i);
        print_pair(name, hart_get_x(a, i), hart_get_x(b, i));
    }
    for (unsigned i = 0; i < 32; i++) {
        snprintf(name, sizeof name, "f%u", i);
        print_pair(name, hart_get_f(a, i), hart_get_f(b, i));
    }
    for (unsigned i = 0; i < sizeof csrs / sizeof *csrs; i++) {
        print_pair(csrs[i].name, hart_get_csr(a, csrs[i].number), hart_get_csr(b, csrs[i].number));
    }
    print_pair("(digest)", hart_digest(a), hart_digest(b));
}

static void print_memory(const struct guest_memory *a, const struct guest_memory *b)
{
    unsigned shown = 0;

    for (uint64_t place = 0; place < PROGRAM_RAM && shown < BYTES_SHOWN; place++) {
        if (a->host[place] != b->host[place]) {
            fprintf(stderr, "  [%08" PRIx64 "] %02x  %02x\n", a->start + place, a->host[place],
                    b->host[place]);
            shown++;
        }
    }
}

static void print_record(const struct world *world, size_t index)
{
    static const char *const kinds[] = {"read", "write", "call", "time", "stop"};
    const struct record *record = &world->records[index];

    if (index < world->count) {
        fprintf(stderr,
                "  %zu: %s of %u at %" PRIx64 ", value %" PRIx64 ", position %" PRIu64
                ", pc %" PRIx64 ", digest %016" PRIx64 "\n",
                index, kinds[record->kind], record->size, record->address, record->value,
                record->position, record->pc, record->digest);
    } else {
        fprintf(stderr, "  %zu: none\n", index);
    }
}

static void print_records(const struct world *a, const struct world *b)
{
    size_t index = 0;

    while (index < a->count && index < b->count &&
           report_same_record(&a->records[index], &b->records[index])) {
        index++;
    }
    for (unsigned i = 0; i < RECORDS_SHOWN && (index < a->count || index < b->count);
         i++, index++) {
        print_record(a, index);
        print_record(b, index);
    }
}

void report_difference(struct run *const runs[2])
{
    fprintf(stderr, "%-12s %-16s  %-16s\n", "", runs[0]->manner.name, runs[1]->manner.name);
    print_registers(runs[0]->hart, runs[1]->hart);
    print_memory(&runs[0]->memory, &runs[1]->memory);
    print_records(&runs[0]->world, &runs[1]->world);
}

/* The instruction's bits, if the alias that the pc lies in is as it was in the beginning. */
static uint32_t bits_at(const struct run *run, uint64_t pc)
{
    uint64_t offset = pc & (PROGRAM_RAM - 1);
    uint32_t bits = 0;
    size_t size = PROGRAM_RAM - offset < sizeof bits ? PROGRAM_RAM - offset : sizeof bits;

    memcpy(&bits, run->memory.host + offset, size);
    return (bits & 3) == 3 ? bits : bits & 0xffff;
}

void report_path(const struct program *program, const struct manner *manner, uint64_t position)
{
    uint64_t start = position > STEPS_SHOWN ? position - STEPS_SHOWN : 0;
    struct manner stepwise = *manner;
    struct run *run;

    stepwise.config.engine = HART_INTERPRETER;
    stepwise.other_config.engine = HART_INTERPRETER;
    run = run_create(program, &stepwise);
    if (run == NULL) {
        return;
    }
    fprintf(stderr, "the way there, interpreted:\n");
    for (uint64_t at = start; at < position; at++) {
        uint64_t pc;
        uint32_t bits;
        run_to(run, at);
        pc = hart_get_pc(run->hart);
        bits = bits_at(run, pc);
        run_to(run, at + 1);
        fprintf(stderr, "  %" PRIu64 ": pc %" PRIx64 ": %0*x%s\n", at, pc, (bits & 3) == 3 ? 8 : 4,
                bits,
                hart_get_pc(run->hart) == (program->stvec & ~UINT64_C(3)) ? "  (trapped)" : "");
    }
    run_destroy(run);
}
