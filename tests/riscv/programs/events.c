/* What happens to a random program from outside. */
#include "tests/riscv/programs/operations.h"
#include "tests/riscv/programs/program.h"
#include "tests/riscv/programs/values.h"

static uint64_t some_address(struct choices *choices, unsigned first, unsigned count)
{
    return FRAME_ADDRESS(first + choose(choices, count)) + 8 * choose(choices, GUEST_PAGE_SIZE / 8);
}

/* A device's write into data, code or page tables. */
static void make_write(struct program_event *event, struct choices *choices)
{
    uint8_t code[64] = {0};
    struct emitter emitter = {.choices = choices, .code = code, .size = sizeof code};

    event->kind = EVENT_WRITE;
    event->size = 8;
    switch (choose(choices, 4)) {
    case 0:
        event->address = some_address(choices, FRAME_DATA, PROGRAM_DATA_PAGES);
        event->value = value_integer(choices);
        break;
    case 1:
        event->address = FRAME_ADDRESS(FRAME_LOW_LEAVES + choose(choices, PROGRAM_SPACES)) +
                         8 * (FRAME_CODE + choose(choices, PROGRAM_PAGES - FRAME_CODE));
        event->value =
            FRAME_ADDRESS(FRAME_CODE + choose(choices, PROGRAM_PAGES - FRAME_CODE)) >> 2 |
            choose(choices, 256);
        break;
    default:
        operation_register(&emitter);
        event->address =
            some_address(choices, FRAME_CODE, PROGRAM_CODE_PAGES) + 2 * choose(choices, 4);
        event->value =
            code[0] | (uint64_t)code[1] << 8 | (uint64_t)code[2] << 16 | (uint64_t)code[3] << 24;
        event->size = 4;
        break;
    }
    if (event->address + event->size > GUEST_RAM_START + PROGRAM_RAM) {
        event->address -= 8;
    }
}

/* Code over code, mostly whole pages. */
static void make_copy(struct program_event *event, struct choices *choices)
{
    event->kind = EVENT_COPY;
    event->address = FRAME_ADDRESS(FRAME_CODE + choose(choices, PROGRAM_CODE_PAGES));
    event->value = FRAME_ADDRESS(FRAME_CODE + choose(choices, PROGRAM_CODE_PAGES));
    event->size = GUEST_PAGE_SIZE;
    if (choose_one_in(choices, 3)) {
        event->size = 64 * (1 + choose(choices, 32));
        event->address += 64 * choose(choices, 32);
    }
}

static void make_event(struct program_event *event, struct choices *choices)
{
    switch (choose(choices, 12)) {
    case 0:
    case 1:
        event->kind = EVENT_CLOCK;
        event->value = (uint64_t)choose(choices, 1 << 16) << 22;
        event->size = choose(choices, 20000);
        break;
    case 2:
    case 3:
        event->kind = EVENT_EXTERNAL;
        event->value = choose(choices, 4) != 0;
        break;
    case 4:
        event->kind = EVENT_SOFTWARE;
        event->value = choose(choices, 4) != 0;
        break;
    case 5:
    case 6: make_write(event, choices); break;
    case 7: make_copy(event, choices); break;
    case 8: event->kind = EVENT_RESTORE; break;
    case 9:
    case 10: event->kind = EVENT_TASK; break;
    default: event->kind = EVENT_CHECK; break;
    }
}

void program_make_events(struct program *program, struct choices *choices)
{
    uint64_t position = 0;
    uint64_t mean = program->length / PROGRAM_EVENTS + 1;

    while (program->event_count < PROGRAM_EVENTS) {
        struct program_event *event = &program->events[program->event_count];
        position +=
            choose_one_in(choices, 8) ? choose(choices, 4) : choose(choices, (uint32_t)(2 * mean));
        if (position >= program->length) {
            return;
        }
        event->position = position;
        make_event(event, choices);
        program->event_count++;
    }
}
