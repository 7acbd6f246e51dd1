#include "state.h"

#include <string.h>

void state_fill(const struct machine *machine, struct state_head *head)
{
    memset(head, 0, sizeof *head);
    head->magic = STATE_MAGIC;
    head->version = STATE_VERSION;
    head->ram_size = BOARD_RAM_SIZE;
    cpu_read(&machine->cpu, &head->registers);
    head->timer_ns = machine->timer_ns;
    head->waits = machine->waits ? 1 : 0;
    head->input_count = machine->input_count;
    for (uint32_t i = 0; i < machine->input_count; i++) {
        head->input[i] = machine->input[(machine->input_head + i) % MACHINE_INPUT_SIZE];
    }
}

bool state_apply(struct machine *machine, const struct state_head *head)
{
    if (head->magic != STATE_MAGIC || head->version != STATE_VERSION ||
        head->ram_size != BOARD_RAM_SIZE || head->waits > 1 ||
        head->input_count > MACHINE_INPUT_SIZE || !cpu_write(&machine->cpu, &head->registers)) {
        return false;
    }
    machine->timer_ns = head->timer_ns;
    machine->waits = head->waits != 0;
    machine->input_head = 0;
    machine->input_count = head->input_count;
    memcpy(machine->input, head->input, sizeof machine->input);
    return true;
}

int state_save(void *context, struct ftvm_writer *writer)
{
    struct machine *machine = context;
    struct state_head head;
    state_fill(machine, &head);
    int result = ftvm_write(writer, &head, sizeof head);
    return result < 0 ? result : ftvm_write_memory(writer, machine->ram, BOARD_RAM_SIZE);
}

int state_load(void *context, struct ftvm_reader *reader)
{
    struct machine *machine = context;
    struct state_head head;
    int result = ftvm_read(reader, &head, sizeof head);
    if (result < 0) {
        return result;
    }
    if (!state_apply(machine, &head)) {
        return FTVM_E_CORRUPT;
    }
    return ftvm_read_memory(reader, machine->ram, BOARD_RAM_SIZE);
}

/* At most, as pages of zeros are not sent. */
uint64_t state_size(void *context)
{
    (void)context;
    return sizeof(struct state_head) + BOARD_RAM_SIZE;
}

void state_digest(void *context, struct ftvm_digest *digest)
{
    static const char *const csr_names[] = {
#define CSR_NAME(name, number) #name,
        CPU_CSRS(CSR_NAME)
#undef CSR_NAME
    };
    const struct machine *machine = context;
    struct cpu_registers registers;
    cpu_read(&machine->cpu, &registers);
    ftvm_digest_add(digest, "pc", 0, &registers.pc, sizeof registers.pc);
    for (uint32_t i = 0; i < 31; i++) {
        ftvm_digest_add(digest, "x", i + 1, &registers.x[i], sizeof registers.x[i]);
    }
    for (uint32_t i = 0; i < CPU_CSR_COUNT; i++) {
        ftvm_digest_add(digest, csr_names[i], 0, &registers.csr[i], sizeof registers.csr[i]);
    }
    ftvm_digest_add(digest, "timer", 0, &machine->timer_ns, sizeof machine->timer_ns);
    ftvm_digest_add(digest, "waits", 0, &machine->waits, sizeof machine->waits);
    for (uint32_t i = 0; i < machine->input_count; i++) {
        uint32_t at = (machine->input_head + i) % MACHINE_INPUT_SIZE;
        ftvm_digest_add(digest, "input", i, &machine->input[at], 1);
    }
    ftvm_digest_memory(digest, "page", machine->ram, BOARD_RAM_SIZE);
}
