/* Which guest register each host register holds, as that changes. */
#include <string.h>

#include "vmm/riscv/jit/x86_64/emitter.h"

static bool is_guest(unsigned guest)
{
    return guest < 32;
}

void set_known(struct back_end *e, const struct known *known)
{
    e->known = *known;
    memset(e->place_of, ASSIGN_MEMORY, sizeof e->place_of);
    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        if (is_guest(known->guest_in[i])) {
            e->place_of[known->guest_in[i]] = (uint8_t)i;
        }
    }
}

static struct known home(void)
{
    struct assignment assignment;
    struct known known = {0};

    assign_home(&assignment);
    memcpy(known.guest_in, assignment.guest_in, sizeof known.guest_in);
    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        known.dirty |= guest_bit(known.guest_in[i]);
    }
    return known;
}

/* What is known at the start of any block: who is not at home was read from state.x when the region
 * was entered. */
static struct known start_of_block(const struct back_end *e)
{
    struct known at_home = home();
    struct known known = {0};

    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        unsigned guest = e->assignment.guest_in[i];
        known.guest_in[i] = (uint8_t)guest;
        if (is_guest(guest) &&
            (guest == at_home.guest_in[i] || (e->assignment.written & guest_bit(guest)) != 0)) {
            known.dirty |= guest_bit(guest);
        }
    }
    return known;
}

void begin_places(struct back_end *e)
{
    struct known known = start_of_block(e);
    set_known(e, &known);
}

void move_to(struct back_end *e, const uint8_t guest_in[ASSIGN_REGISTERS], uint32_t dirty)
{
    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        unsigned guest = e->known.guest_in[i];
        bool stays = guest == guest_in[i] && (dirty & guest_bit(guest % 32)) != 0;
        if (is_guest(guest) && (e->known.dirty & guest_bit(guest)) != 0 && !stays) {
            store(&e->a, true, emit_host_registers[i], x_at(guest));
        }
    }
    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        if (guest_in[i] != e->known.guest_in[i] && is_guest(guest_in[i])) {
            load(&e->a, true, emit_host_registers[i], x_at(guest_in[i]));
        }
    }
}

void enter_from_home(struct back_end *e)
{
    struct known at_home = home();
    struct known start = start_of_block(e);

    set_known(e, &at_home);
    move_to(e, start.guest_in, start.dirty);
    read_back_floats(e);
}

void leave_to_home(struct back_end *e)
{
    struct known at_home = home();

    move_to(e, at_home.guest_in, at_home.dirty);
    write_back_floats(e);
}

void settle_places(struct back_end *e)
{
    struct known start = start_of_block(e);
    struct known known = e->known;

    move_to(e, start.guest_in, start.dirty);
    memcpy(known.guest_in, start.guest_in, sizeof known.guest_in);
    known.dirty = start.dirty;
    set_known(e, &known);
}

/* The register comes to a place, and who was there goes. */
static void bring(struct back_end *e, unsigned guest, unsigned place, bool is_read)
{
    unsigned host = emit_host_registers[place];
    unsigned old = e->known.guest_in[place];

    if ((e->known.dirty & guest_bit(old)) != 0) {
        widen(e, e->known.narrow & guest_bit(old));
        store(&e->a, true, host, x_at(old));
    }
    e->known.narrow &= ~guest_bit(old);
    e->known.dirty &= ~(guest_bit(old) | guest_bit(guest));
    e->known.guest_in[place] = (uint8_t)guest;
    e->place_of[old] = ASSIGN_MEMORY;
    e->place_of[guest] = (uint8_t)place;
    if (is_read) {
        load(&e->a, true, host, x_at(guest));
    }
}

void choose_places(struct back_end *e, const struct ir_op *op)
{
    const struct ir_block *block = &e->region->blocks[e->block];
    unsigned position = (unsigned)(op - e->region->ops) - block->first;
    bool reads_b = op->b != IR_IMMEDIATE;
    uint32_t busy = guest_bit(op->a) | guest_bit(op->dst) | (reads_b ? guest_bit(op->b) : 0);
    uint8_t wanted[3] = {op->group == 0 ? op->a : 0, reads_b ? op->b : 0, op->dst};

    /* Where branches will join, both ways must hold the same. */
    if (!e->looks_ahead || e->join_count > 0) {
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        unsigned guest = wanted[i];
        bool is_read = i < 2 || guest == op->a || (reads_b && guest == op->b);
        if (guest == 0 || e->place_of[guest] != ASSIGN_MEMORY) {
            continue;
        }
        unsigned place = assign_choose(&e->horizon, e->known.guest_in, position, guest, busy);
        if (place != ASSIGN_MEMORY) {
            bring(e, guest, place, is_read);
        }
    }
}
