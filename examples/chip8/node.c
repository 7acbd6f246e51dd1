#include "node.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define STATE_VERSION 2u
#define STATE_SIZE    (CHIP8_STATE_SIZE + 21u)
#define PAGE          256u

bool chip8_node_init(struct chip8_node *machine, const void *program, size_t size, uint32_t speed,
                     const struct chip8_front *front)
{
    memset(machine, 0, sizeof *machine);
    machine->front = front;
    return size == 0 || chip8_reset(&machine->chip8, program, size, speed);
}

static void put_number(uint8_t *to, uint64_t value, unsigned size)
{
    for (unsigned k = 0; k < size; k++) {
        to[k] = (uint8_t)(value >> 8 * k);
    }
}

static uint64_t get_number(const uint8_t *from, unsigned size)
{
    uint64_t value = 0;
    for (unsigned k = 0; k < size; k++) {
        value |= (uint64_t)from[k] << 8 * k;
    }
    return value;
}

/* ---- The pace -------------------------------------------------------------------------------- */

/* Frames whose time has come since this one was over. */
static uint64_t frames_due(const struct chip8_node *machine, uint64_t clock_ns)
{
    return clock_ns < machine->due_ns ? 0 : (clock_ns - machine->due_ns) / CHIP8_FRAME_NS + 1;
}

/* To where the epoch begins. Follows from the state and the epoch alone, as a replica that loaded
 * its state begins here, too. */
static void pass_frames(struct chip8_node *machine)
{
    uint64_t clock_ns = machine->epoch.clock_ns;
    if (machine->due_ns == 0) {
        machine->due_ns = clock_ns + CHIP8_FRAME_NS;
    }
    uint64_t due = frames_due(machine, clock_ns);
    uint32_t most = chip8_idle_frames(&machine->chip8);
    uint32_t passed = due < most ? (uint32_t)due : most;
    if (passed == 0 || !chip8_is_frame_over(&machine->chip8)) {
        return;
    }
    machine->due_ns += passed * (uint64_t)CHIP8_FRAME_NS;
    if (due - passed > CHIP8_CATCH_UP) {
        machine->due_ns = clock_ns + CHIP8_FRAME_NS;
    }
    chip8_pass(&machine->chip8, passed);
}

/* ---- The callbacks --------------------------------------------------------------------------- */

/* The epoch that begins with the key is in machine->epoch already. First the frames pass that are
 * over by then, so that the key is struck in the one in which it came. */
static int deliver(void *context, uint32_t device, const void *data, size_t size)
{
    struct chip8_node *machine = context;
    const uint8_t *key = data;
    if (device != CHIP8_INPUT_KEY || size != 1 || *key >= CHIP8_KEYS) {
        return FTVM_E_INVALID;
    }
    pass_frames(machine);
    chip8_strike(&machine->chip8, *key);
    return 0;
}

static void emit(void *context, uint32_t device, const void *data, size_t size)
{
    const struct chip8_front *front = ((struct chip8_node *)context)->front;
    const uint8_t *bytes = data;
    switch (device) {
    case CHIP8_OUTPUT_SCREEN: front->screen(front->context, get_number(bytes, 8), bytes + 8); break;
    case CHIP8_OUTPUT_SOUND:
        front->sound(front->context, get_number(bytes, 8), bytes[8] != 0);
        break;
    case CHIP8_OUTPUT_MESSAGE: front->message(front->context, data, size); break;
    }
}

static int save(void *context, struct ftvm_writer *writer)
{
    const struct chip8_node *machine = context;
    uint8_t state[STATE_SIZE];
    put_number(state, STATE_VERSION, 4);
    put_number(state + 4, machine->due_ns, 8);
    state[12] = machine->is_again;
    put_number(state + 13, machine->shown, 8);
    chip8_save(&machine->chip8, state + 21);
    return ftvm_write(writer, state, sizeof state);
}

static int load(void *context, struct ftvm_reader *reader)
{
    struct chip8_node *machine = context;
    uint8_t state[STATE_SIZE];
    int result = ftvm_read(reader, state, sizeof state);
    if (result < 0) {
        return result;
    }
    if (get_number(state, 4) != STATE_VERSION || state[12] > 1 ||
        !chip8_load(&machine->chip8, state + 21)) {
        return FTVM_E_CORRUPT;
    }
    machine->due_ns = get_number(state + 4, 8);
    machine->is_again = state[12];
    machine->shown = get_number(state + 13, 8);
    return 0;
}

static uint64_t state_size(void *context)
{
    (void)context;
    return STATE_SIZE;
}

#define ADD(digest, part, index, field)                                                            \
    ftvm_digest_add(digest, part, index, &(field), sizeof(field))

/* All of it, as it is small and boundaries are few. Parts of eight bytes and less are shown with
 * their values where replicas disagree. */
static void digest(void *context, struct ftvm_digest *digest)
{
    struct chip8_node *machine = context;
    struct chip8 *chip8 = &machine->chip8;
    ADD(digest, "pc", 0, chip8->pc);
    ADD(digest, "I", 0, chip8->i);
    for (unsigned k = 0; k < 16; k++) {
        ADD(digest, "V", k, chip8->v[k]);
    }
    ADD(digest, "depth", 0, chip8->depth);
    ADD(digest, "stack", 0, chip8->stack);
    ADD(digest, "delay timer", 0, chip8->delay);
    ADD(digest, "sound timer", 0, chip8->sound);
    ADD(digest, "frame", 0, chip8->frame);
    ADD(digest, "left of frame", 0, chip8->left);
    ADD(digest, "fault", 0, chip8->fault);
    ADD(digest, "keys down", 0, chip8->key_frames);
    ADD(digest, "key waited for", 0, chip8->struck);
    ADD(digest, "key is struck", 0, chip8->is_struck);
    ADD(digest, "screen is drawn", 0, chip8->is_drawn);
    ADD(digest, "tone is heard", 0, chip8->is_heard);
    ADD(digest, "due", 0, machine->due_ns);
    ADD(digest, "shown", 0, machine->shown);
    for (unsigned row = 0; row < CHIP8_HEIGHT; row++) {
        ftvm_digest_add(digest, "screen row", row, chip8->screen + row * 8, 8);
    }
    for (unsigned page = 0; page < CHIP8_MEMORY / PAGE; page++) {
        ftvm_digest_add(digest, "memory page", page, chip8->memory + page * PAGE, PAGE);
    }
}

/* What the lost replica's player saw last, this one's has not seen: it leaves again, as the picture
 * of the frame that it is. Not here, as the frame may be half drawn. */
static void promoted(void *context, enum ftvm_settle settle)
{
    struct chip8_node *machine = context;
    (void)settle;
    machine->is_again = 1;
}

/* ---- The loop -------------------------------------------------------------------------------- */

/* Nothing to do until the guest's clock says so, or a key comes. */
static int wait_for_frame(struct chip8_node *machine)
{
    uint32_t frames = chip8_idle_frames(&machine->chip8);
    uint64_t wake_ns = frames == CHIP8_FOREVER
                           ? UINT64_MAX
                           : machine->due_ns + (frames - 1) * (uint64_t)CHIP8_FRAME_NS;
    return ftvm_idle(machine->node, machine->chip8.executed, wake_ns, &machine->epoch);
}

/* CXNN: the one instruction whose result the machine cannot compute. */
static int draw_random(struct chip8_node *machine)
{
    uint8_t byte = 0;
    int result;
    if (getrandom(&byte, 1, 0) != 1) {
        return FTVM_E_SYSTEM;
    }
    result = ftvm_value(machine->node, machine->chip8.executed, &byte, 1);
    if (result >= 0) {
        chip8_randomize(&machine->chip8, byte);
    }
    return result;
}

/* At the end of a frame. */
static int show(struct chip8_node *machine)
{
    struct chip8 *chip8 = &machine->chip8;
    uint8_t output[8 + CHIP8_SCREEN];
    bool on;
    int result = 0;
    bool is_new = chip8_take_screen(chip8);
    machine->shown = is_new ? chip8->frame : machine->shown;
    if (is_new || machine->is_again) {
        machine->is_again = 0;
        put_number(output, machine->shown, 8);
        memcpy(output + 8, chip8->screen, CHIP8_SCREEN);
        result = ftvm_output(machine->node, CHIP8_OUTPUT_SCREEN, output, sizeof output);
    }
    if (result >= 0 && chip8_take_sound(chip8, &on)) {
        put_number(output, chip8->frame, 8);
        output[8] = on;
        result = ftvm_output(machine->node, CHIP8_OUTPUT_SOUND, output, 9);
    }
    return result;
}

static int halt(struct chip8_node *machine)
{
    const struct chip8 *chip8 = &machine->chip8;
    const char *text = chip8_fault_text(chip8->fault);
    char line[128];
    int size = snprintf(line, sizeof line, "halted at 0x%03x: %s", chip8->pc, text);
    int result = show(machine);
    if (result >= 0) {
        result = ftvm_output(machine->node, CHIP8_OUTPUT_MESSAGE, line, (size_t)size);
    }
    return result < 0 ? result : ftvm_halt(machine->node, chip8->executed);
}

/* To the next boundary, and over it. */
static int run_epoch(struct chip8_node *machine)
{
    struct chip8 *chip8 = &machine->chip8;
    int result = 0;
    while (result >= 0) {
        ftvm_position from = chip8->executed;
        ftvm_position to = ftvm_stop_at(machine->node, from);
        switch (chip8_run(chip8, to - from)) {
        case CHIP8_STOP_FAULT: return halt(machine);
        case CHIP8_STOP_RANDOM: result = draw_random(machine); break;
        case CHIP8_STOP_FRAME:
            result = show(machine);
            return result < 0 ? result : wait_for_frame(machine);
        case CHIP8_STOP_LIMIT:
            if (to == from) {
                return ftvm_boundary(machine->node, from, &machine->epoch);
            }
            break;
        }
    }
    return result;
}

int chip8_node_run(struct chip8_node *machine, struct ftvm_node *node)
{
    static const struct ftvm_machine_ops ops = {
        .size = sizeof ops,
        .deliver = deliver,
        .emit = emit,
        .save = save,
        .load = load,
        .digest = digest,
        .promoted = promoted,
        .state_size = state_size,
    };
    machine->node = node;
    int result = ftvm_begin(node, &ops, machine, machine->chip8.executed, &machine->epoch);
    if (result >= 0 && machine->chip8.executed != machine->epoch.position) {
        ftvm_node_fail(node, "the state that came is of another position");
        return FTVM_E_CORRUPT;
    }
    while (result >= 0) {
        pass_frames(machine);
        result = run_epoch(machine);
    }
    return result;
}

int chip8_node_strike(struct ftvm_node *node, uint8_t key)
{
    return ftvm_input(node, CHIP8_INPUT_KEY, &key, 1);
}
