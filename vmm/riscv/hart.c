#include "vmm/riscv/hart.h"

#include <assert.h>
#include <stdlib.h>

#include "vmm/riscv/csr.h"
#include "vmm/riscv/fpu.h"
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/jit/jit.h"
#include "vmm/riscv/pte.h"

/* Spreads the jumps of contexts over the jump cache. */
#define JUMP_MIX_FACTOR UINT32_C(0x9e3779a0)

#define DEFAULT_HOT_AFTER       24u
#define DEFAULT_CODE_CACHE_SIZE (UINT64_C(24) << 20)

void hart_config_init(struct hart_config *config)
{
    *config = (struct hart_config){
        .engine = hart_has_jit() ? HART_JIT : HART_INTERPRETER,
        .hot_after = DEFAULT_HOT_AFTER,
        .code_cache_size = DEFAULT_CODE_CACHE_SIZE,
    };
}

bool hart_has_jit(void)
{
    return jit_is_available();
}

struct hart *hart_create(const struct guest_memory *memory, const struct hart_callbacks *callbacks,
                         const struct hart_config *config)
{
    struct hart *hart = calloc(1, sizeof *hart);

    if (hart == NULL) {
        return NULL;
    }
    if (config != NULL) {
        hart->config = *config;
    } else {
        hart_config_init(&hart->config);
    }
    /* Virtual page numbers stand for physical ones while paging is off. */
    assert((memory->start | memory->size) % PAGE_SIZE == 0);
    assert((memory->start + memory->size) >> PAGE_SHIFT <= VPN_MASK / 2);
    hart->memory = *memory;
    hart->callbacks = *callbacks;
    hart->pages = calloc(memory->size >> PAGE_SHIFT, sizeof *hart->pages);
    if (hart->pages == NULL || !tlb_create(hart) || !blocks_create(hart) ||
        (hart->config.engine == HART_JIT && !jit_create(hart))) {
        hart_destroy(hart);
        return NULL;
    }
    hart_reset(hart, memory->start, 0);
    return hart;
}

void hart_destroy(struct hart *hart)
{
    if (hart != NULL) {
        jit_destroy(hart);
        blocks_destroy(hart);
        tlb_destroy(hart);
        free(hart->pages);
        free(hart);
    }
}

void hart_reset(struct hart *hart, uint64_t pc, uint64_t device_tree_address)
{
    struct hart_state *s = &hart->state;
    struct hart_state old = *s;

    *s = (struct hart_state){
        .pc = pc & ~UINT64_C(1),
        .privilege = HART_SUPERVISOR,
        .stimecmp = UINT64_MAX,
        .scounteren = SCOUNTEREN_MASK, /* as SBI firmware leaves it */
        /* Time and the level of the external interrupt line are not the hart's. */
        .position = old.position,
        .sip = old.sip & INTERRUPT_EXTERNAL,
        .clock_ns = old.clock_ns,
        .clock_position = old.clock_position,
        .clock_rate_q32 = old.clock_rate_q32,
        .environment_ns = old.environment_ns,
    };
    s->x[11] = device_tree_address;
    hart_select_translations(hart);
    hart_update_deadline(hart);
    hart->leave = true;
}

void hart_select_translations(struct hart *hart)
{
    struct context *context;

    tlb_select_context(hart);
    context = hart->translations.current;
    hart->tlb = context->data[hart_data_mode(hart)];
    hart->shared.supervisor_tlb[0] = context->data[TLB_SUPERVISOR];
    hart->shared.supervisor_tlb[1] = context->data[TLB_SUPERVISOR_SUM];
    hart_set_jump_salt(hart, context->salt[hart->state.privilege]);
}

void hart_set_jump_salt(struct hart *hart, uint64_t salt)
{
    hart->jump_salt = salt;
    hart->shared.jump_mix = (uint32_t)(salt >> TLB_SALT_SHIFT) * JUMP_MIX_FACTOR;
}

enum hart_stop hart_run(struct hart *hart, uint64_t end)
{
    enum hart_stop stop = HART_STOP_POSITION;

    fpu_acquire(hart);
    for (;;) {
        uint64_t position = hart->state.position;
        if (hart->idle) {
            stop = HART_STOP_IDLE;
            break;
        }
        if (hart->stop_requested) {
            stop = HART_STOP_REQUESTED;
            break;
        }
        if (position >= end) {
            break;
        }
        if (hart_deliverable(hart) != 0) {
            hart_take_interrupt(hart);
            hart->state.position++;
            continue;
        }
        hart->leave = false;
        uint64_t limit = hart->deadline > position && hart->deadline < end ? hart->deadline : end;
        if (hart->jit != NULL) {
            jit_run(hart, limit);
        } else {
            hart_interpret(hart, limit, INTERPRET_ALL);
        }
    }
    hart->idle = false;
    hart->stop_requested = false;
    fpu_release(hart);
    return stop;
}

void hart_request_stop(struct hart *hart)
{
    hart->stop_requested = true;
    hart->leave = true;
}

uint64_t hart_position(const struct hart *hart)
{
    return hart->state.position;
}

bool hart_has_interrupt(const struct hart *hart)
{
    return (hart_pending(hart) & hart->state.sie) != 0;
}

static void set_pending(struct hart *hart, uint64_t interrupt, bool level)
{
    hart->state.sip = (hart->state.sip & ~interrupt) | (level ? interrupt : 0);
    hart->leave = true;
}

void hart_set_external_interrupt(struct hart *hart, bool level)
{
    set_pending(hart, INTERRUPT_EXTERNAL, level);
}

void hart_set_software_interrupt(struct hart *hart, bool level)
{
    set_pending(hart, INTERRUPT_SOFTWARE, level);
}

uint64_t hart_get_x(const struct hart *hart, unsigned index)
{
    assert(index < 32);
    return hart->state.x[index];
}

void hart_set_x(struct hart *hart, unsigned index, uint64_t value)
{
    assert(index < 32);
    if (index != 0) {
        hart->state.x[index] = value;
    }
}

uint64_t hart_get_f(const struct hart *hart, unsigned index)
{
    assert(index < 32);
    return hart->state.f[index];
}

void hart_set_f(struct hart *hart, unsigned index, uint64_t value)
{
    assert(index < 32);
    hart->state.f[index] = value;
}

uint64_t hart_get_pc(const struct hart *hart)
{
    return hart->state.pc;
}

void hart_set_pc(struct hart *hart, uint64_t pc)
{
    hart->state.pc = pc & ~UINT64_C(1);
}

uint64_t hart_get_csr(const struct hart *hart, unsigned number)
{
    uint64_t value = 0;
    csr_read(hart, number, &value);
    return value;
}

void hart_set_csr(struct hart *hart, unsigned number, uint64_t value)
{
    csr_write(hart, number, value);
    hart->leave = true;
}

void hart_memory_written(struct hart *hart, uint64_t address, uint64_t size)
{
    while (size > 0) {
        uint64_t part = PAGE_SIZE - (address & PAGE_MASK);
        struct page *page = page_at(hart, address);
        part = part < size ? part : size;
        if (page != NULL && page->table != 0) {
            /* What was derived from the old bytes is known from the old bytes only. */
            tlb_drop_all(hart);
        }
        if (page != NULL && page->first_block != 0) {
            blocks_written(hart, page, address, part);
        }
        address += part;
        size -= part;
    }
}

void hart_get_counters(const struct hart *hart, struct hart_counters *counters)
{
    *counters = (struct hart_counters){
        .engine = hart->config.engine,
        .decoded_blocks = hart->blocks.decoded,
        .decoded_flushes = hart->blocks.flushes,
    };
    jit_get_counters(hart, counters);
}

void hart_fence_i(struct hart *hart)
{
    blocks_drop_all(hart);
}

void hart_sfence_vma(struct hart *hart)
{
    tlb_drop_all(hart);
}
