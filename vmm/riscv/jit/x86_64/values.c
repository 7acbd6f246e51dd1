/* Guest registers as operands of host instructions. */
#include "vmm/riscv/jit/x86_64/emitter.h"

unsigned host_of(const struct back_end *e, unsigned guest)
{
    unsigned place = e->place_of[guest];
    return place == ASSIGN_MEMORY ? NOT_IN_HOST : emit_host_registers[place];
}

void widen(struct back_end *e, uint32_t registers)
{
    for (unsigned guest = 1; registers != 0 && guest < 32; guest++) {
        if ((registers & guest_bit(guest)) != 0) {
            unsigned host = host_of(e, guest);
            sign_extend_word(&e->a, host, host);
            registers &= ~guest_bit(guest);
            e->known.extended |= guest_bit(guest);
        }
    }
}

unsigned use(struct back_end *e, unsigned guest, unsigned scratch)
{
    unsigned host = host_of(e, guest);

    if (guest == 0) {
        mov_ri(&e->a, scratch, 0);
        return scratch;
    }
    if (host == NOT_IN_HOST) {
        load(&e->a, true, scratch, x_at(guest));
        return scratch;
    }
    widen(e, e->known.narrow & guest_bit(guest));
    e->known.narrow &= ~guest_bit(guest);
    return host;
}

unsigned use_word(struct back_end *e, unsigned guest, unsigned scratch)
{
    unsigned host = host_of(e, guest);

    if (guest == 0) {
        mov_ri(&e->a, scratch, 0);
        return scratch;
    }
    if (host == NOT_IN_HOST) {
        load(&e->a, false, scratch, x_at(guest));
        return scratch;
    }
    return host;
}

unsigned result_in(const struct back_end *e, unsigned guest, unsigned scratch)
{
    unsigned host = host_of(e, guest);
    return host == NOT_IN_HOST ? scratch : host;
}

void set_result(struct back_end *e, unsigned guest, unsigned from, bool word)
{
    unsigned host = host_of(e, guest);

    e->known.extended =
        word ? e->known.extended | guest_bit(guest) : e->known.extended & ~guest_bit(guest);
    if (host == NOT_IN_HOST) {
        if (word) {
            sign_extend_word(&e->a, from, from);
        }
        store(&e->a, true, from, x_at(guest));
        return;
    }
    e->known.dirty |= guest_bit(guest);
    e->known.narrow &= ~guest_bit(guest);
    if (host != from) {
        if (word) {
            sign_extend_word(&e->a, host, from);
        } else {
            mov_rr(&e->a, true, host, from);
        }
    } else if (word) {
        e->known.narrow |= guest_bit(guest);
    }
}

bool is_word_value(const struct back_end *e, unsigned guest)
{
    return guest == 0 || ((e->known.narrow | e->known.extended) & guest_bit(guest)) != 0;
}

void note_extended(struct back_end *e, unsigned guest)
{
    if (guest != 0) {
        e->known.extended |= guest_bit(guest);
    }
}

void copy(struct back_end *e, bool wide, unsigned to, unsigned guest)
{
    unsigned from = wide ? use(e, guest, to) : use_word(e, guest, to);
    if (from != to) {
        mov_rr(&e->a, wide, to, from);
    }
}

unsigned host_of_float(const struct back_end *e, unsigned guest)
{
    unsigned place = e->assignment.float_place_of[guest];
    return place == ASSIGN_MEMORY ? NOT_IN_HOST : place + FIRST_FLOAT_REGISTER;
}

void write_back_floats(struct back_end *e)
{
    for (unsigned i = 0; i < e->assignment.float_count; i++) {
        unsigned guest = e->assignment.float_in[i];
        if ((e->assignment.float_written >> guest & 1) != 0) {
            op_rm(&e->a, MOVSD_STORE, false, host_of_float(e, guest), f_at(guest));
        }
    }
}

void read_back_floats(struct back_end *e)
{
    for (unsigned i = 0; i < e->assignment.float_count; i++) {
        unsigned guest = e->assignment.float_in[i];
        op_rm(&e->a, MOVSD_LOAD, false, host_of_float(e, guest), f_at(guest));
    }
}

void write_back(struct back_end *e, unsigned guest)
{
    if (guest != 0 && host_of(e, guest) != NOT_IN_HOST) {
        store(&e->a, true, use(e, guest, RAX), x_at(guest));
        e->known.dirty &= ~guest_bit(guest);
    }
}

void read_back(struct back_end *e, unsigned guest)
{
    if (guest != 0 && host_of(e, guest) != NOT_IN_HOST) {
        load(&e->a, true, host_of(e, guest), x_at(guest));
        e->known.narrow &= ~guest_bit(guest);
        e->known.dirty &= ~guest_bit(guest);
    }
    e->known.extended &= ~guest_bit(guest);
}

void apply(struct back_end *e, enum alu alu, bool wide, unsigned to, unsigned guest)
{
    if (guest != 0 && host_of(e, guest) == NOT_IN_HOST) {
        alu_rm(&e->a, alu, wide, to, x_at(guest));
    } else {
        alu_rr(&e->a, alu, wide, to, wide ? use(e, guest, RCX) : use_word(e, guest, RCX));
    }
}
