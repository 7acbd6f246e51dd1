#include "tests/devices/support/hostile.h"

#include <string.h>
#include <xxhash.h>

#include "tests/devices/support/driver.h"
#include "tests/devices/support/state_bytes.h"
#include "vmm/devices/virtio_blk.h"

struct session {
    struct rig rig;
    struct disk *disk;
    struct driver driver;
    const uint8_t *bytes;
    size_t size;
    size_t position;
    bool moves;
    struct hostile_outcome *outcome;
};

static uint64_t draw(struct session *session, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t byte = session->position < session->size ? session->bytes[session->position] : 0;
        session->position++;
        value = value << 8 | byte;
    }
    return value;
}

/* An address: inside the buffers mostly, else at an edge or anywhere. */
static uint64_t draw_address(struct session *session)
{
    switch (draw(session, 1) % 8) {
    case 0: return draw(session, 8);
    case 1: return GUEST_RAM_START + RIG_RAM_SIZE - draw(session, 1);
    case 2: return GUEST_RAM_START - draw(session, 1);
    case 3: return GUEST_RAM_START + draw(session, 3) % RIG_RAM_SIZE; /* rings too */
    default: return DRIVER_BUFFERS + (draw(session, 2) << 2);
    }
}

static uint32_t draw_size(struct session *session)
{
    switch (draw(session, 1) % 8) {
    case 0: return (uint32_t)draw(session, 4);
    case 1: return (uint32_t)draw(session, 3);
    case 2: return 16u * (uint32_t)draw(session, 1);
    case 3: return 512u * (uint32_t)draw(session, 1) % 9;
    case 4: return 1;
    default: return (uint32_t)draw(session, 2) % 2048;
    }
}

static void write_register(struct session *session)
{
    static const uint16_t known[] = {0x014, 0x020, 0x024, 0x030, 0x038, 0x044, 0x050, 0x064,
                                     0x070, 0x080, 0x084, 0x090, 0x094, 0x0a0, 0x0a4, 0x100};
    uint64_t choice = draw(session, 1);
    uint64_t offset = choice < 128 ? known[choice % 16] : draw(session, 3);
    unsigned size = choice % 16 == 15 ? 1u << draw(session, 1) % 4 : 4;
    uint64_t value = choice % 2 == 0 ? draw(session, 1) : draw_address(session);
    if (!session->driver.ops->virtio) {
        offset = choice < 200 ? choice % 32 : offset;
        size = choice % 2 == 0 ? 1 : 4;
    }
    session->driver.ops->write(session->driver.device, offset % session->driver.ops->window, size,
                               value);
}

static void read_register(struct session *session)
{
    uint64_t value;
    uint64_t offset = draw(session, 3) % session->driver.ops->window;
    unsigned size = 1u << draw(session, 1) % 4;
    session->driver.ops->read(session->driver.device, offset, size, &value);
}

static void start_well(struct session *session)
{
    if (session->driver.ops->virtio) {
        uint64_t features = draw(session, 1) % 4 << 28; /* indirect, event index */
        uint16_t size = (uint16_t)(1u << draw(session, 1) % 7);
        driver_negotiate(&session->driver, features);
        driver_setup_queue(&session->driver, 0, size);
        driver_setup_queue(&session->driver, 1, size);
        driver_write(&session->driver, REG_STATUS, 0x0f);
    }
}

static void write_descriptor(struct session *session)
{
    uint64_t choice = draw(session, 1);
    uint64_t table = choice < 200 ? GUEST_RAM_START + 0x10000 * (choice % 2) : DRIVER_BUFFERS;
    uint16_t index = (uint16_t)(draw(session, 1) % 32);
    uint64_t address = draw_address(session);
    uint32_t size = draw_size(session);
    uint16_t flags = (uint16_t)(draw(session, 1) % 8);
    if (flags >= FLAG_INDIRECT && choice % 4 != 0) {
        flags &= ~FLAG_INDIRECT;
    }
    driver_set_descriptor(&session->driver, table, index, address, size, flags,
                          (uint16_t)(draw(session, 1) % 33));
}

/* Queue set-ups that the test driver does not know of have no size: nothing to offer there. */
static void offer(struct session *session)
{
    unsigned queue = (unsigned)draw(session, 1) % 2;
    uint16_t head = (uint16_t)(draw(session, 1) % 33);
    if (session->driver.queues[queue].size > 0) {
        driver_offer_head(&session->driver, queue, head);
    }
}

/* What a driver would do: a chain that is right, for the device to work on. */
static void offer_well(struct session *session)
{
    unsigned queue = (unsigned)draw(session, 1) % 2;
    uint64_t base = DRIVER_BUFFERS + 0x1000 * (draw(session, 1) % 16);
    uint32_t size = 512u * (1 + (uint32_t)draw(session, 1) % 4);
    bool writable = draw(session, 1) % 2 == 0;
    struct driver_segment segments[3] = {
        {base, 16, false}, {base + 0x100, size, writable}, {base + 0x20, 1, true}};
    if (session->driver.queues[queue].size < 4) {
        return;
    }
    rig_store32(&session->rig, base, (uint32_t)draw(session, 1) % 14);
    rig_store64(&session->rig, base + 8, draw(session, 1));
    bool single = writable && draw(session, 1) % 2 == 0; /* a buffer to receive into */
    driver_offer(&session->driver, queue, single ? segments + 1 : segments, single ? 1 : 3);
}

static void notify(struct session *session)
{
    uint64_t queue = draw(session, 1) % 3;
    if (session->driver.ops->virtio) {
        driver_notify(&session->driver, (unsigned)queue);
    }
}

static void deliver(struct session *session)
{
    uint8_t data[3000];
    size_t size = draw(session, 2) % sizeof data;
    memset(data, (int)draw(session, 1), sizeof data);
    if (session->driver.ops == device_ops(DEVICE_BLK)) {
        uint64_t id = session->disk->submitted_count - draw(session, 1) % 8;
        virtio_blk_encode_completion(data, id, draw(session, 1) % 8 == 0 ? -5 : 0);
        size = VIRTIO_BLK_COMPLETION_SIZE;
    } else if (size < 64) {
        for (size_t i = 0; i < size; i++) {
            data[i] = (uint8_t)draw(session, 1);
        }
    }
    session->driver.ops->deliver(session->driver.device, data, size);
}

static void write_memory(struct session *session)
{
    uint64_t address = GUEST_RAM_START + (draw(session, 3) & 0x1bfff);
    rig_store16(&session->rig, address, (uint16_t)draw(session, 2));
}

/* Goes on with a device loaded from the state of this one. */
static void move_to_another(struct session *session)
{
    const struct device_ops *ops = session->driver.ops;
    struct state_bytes saved = {0};
    struct state_writer writer = state_bytes_writer(&saved);
    uint64_t digest = ops->digest(session->driver.device);
    ops->save(session->driver.device, &writer);
    ops->destroy(session->driver.device);
    session->driver.device = ops->create(&session->rig, session->disk);
    struct state_reader reader = state_bytes_reader(&saved);
    ops->load(session->driver.device, &reader);
    session->outcome->states_loaded &= writer.error == 0 && reader.error == 0 &&
                                       saved.position == saved.size &&
                                       ops->digest(session->driver.device) == digest;
    state_bytes_free(&saved);
}

static void step(struct session *session)
{
    uint64_t choice = draw(session, 1);
    switch (choice % 16) {
    case 0: write_register(session); break;
    case 1: read_register(session); break;
    case 2:
        if (choice < 64) {
            start_well(session);
        }
        break;
    case 3:
    case 4: write_descriptor(session); break;
    case 5: offer(session); break;
    case 6:
    case 7:
    case 8: offer_well(session); break;
    case 9:
    case 10:
    case 11: notify(session); break;
    case 12:
    case 13: deliver(session); break;
    case 14: write_memory(session); break;
    default:
        if (choice < 24) {
            session->driver.ops->reset(session->driver.device);
        } else if (choice < 96 && session->moves) {
            move_to_another(session);
        }
        break;
    }
}

static uint64_t digest_outputs(const struct rig *rig)
{
    uint64_t digest = rig->output_count;
    for (unsigned i = 0; i < rig->output_count; i++) {
        digest = XXH3_64bits_withSeed(rig->outputs[i].data, rig->outputs[i].size, digest);
    }
    return digest;
}

void hostile_session(const struct device_ops *ops, const uint8_t *bytes, size_t size, bool moves,
                     struct hostile_outcome *outcome)
{
    struct session session = {.bytes = bytes, .size = size, .moves = moves, .outcome = outcome};
    *outcome = (struct hostile_outcome){.states_loaded = true};
    rig_init(&session.rig);
    session.disk = fake_disk_create(TEST_DISK_SIZE);
    driver_init(&session.driver, &session.rig, ops, ops->create(&session.rig, session.disk));
    start_well(&session);
    while (session.position < size) {
        step(&session);
        if (ops->virtio && driver_needs_reset(&session.driver)) {
            outcome->needed_reset = true;
            if (draw(&session, 1) % 4 == 0) {
                start_well(&session);
            }
        }
    }
    outcome->device_digest = ops->digest(session.driver.device);
    outcome->memory_digest = XXH3_64bits(session.rig.memory.host, RIG_RAM_SIZE);
    outcome->output_digest = digest_outputs(&session.rig);
    outcome->writes_reported = rig_all_writes_reported(&session.rig);
    outcome->used = session.rig.line_rises;
    ops->destroy(session.driver.device);
    fake_disk_destroy(session.disk);
    rig_free(&session.rig);
}
