#include "vmm/devices/goldfish_rtc.h"

#include <stdlib.h>

#include "vmm/devices/digest.h"

/* Register offsets of the Goldfish RTC; all registers are 32 bits wide. */
#define TIME_LOW     0x00u /* reading it latches the high half */
#define TIME_HIGH    0x04u
#define ALARM_LOW    0x08u
#define ALARM_HIGH   0x0cu
#define IRQ_ENABLED  0x10u
#define ALARM_STATUS 0x18u

struct goldfish_rtc {
    /* Guest-visible. */
    uint64_t base_ns; /* wall-clock time at guest time 0; moves when the guest sets the clock */
    uint32_t time_high;
    uint32_t alarm_high;
    uint32_t alarm_low;
    uint32_t irq_enabled;
    /* Wired. */
    goldfish_rtc_guest_time *guest_time;
    void *context;
};

struct goldfish_rtc *goldfish_rtc_create(uint64_t base_ns, goldfish_rtc_guest_time *guest_time,
                                         void *context)
{
    struct goldfish_rtc *rtc = calloc(1, sizeof *rtc);
    if (rtc != NULL) {
        rtc->base_ns = base_ns;
        rtc->guest_time = guest_time;
        rtc->context = context;
    }
    return rtc;
}

void goldfish_rtc_destroy(struct goldfish_rtc *rtc)
{
    free(rtc);
}

bool goldfish_rtc_read(struct goldfish_rtc *rtc, uint64_t offset, unsigned size, uint64_t *value)
{
    if (size != 4 || offset % 4 != 0) {
        return false;
    }
    switch (offset) {
    case TIME_LOW: {
        uint64_t now_ns = rtc->base_ns + rtc->guest_time(rtc->context);
        rtc->time_high = (uint32_t)(now_ns >> 32);
        *value = (uint32_t)now_ns;
        return true;
    }
    case TIME_HIGH: *value = rtc->time_high; return true;
    case ALARM_LOW: *value = rtc->alarm_low; return true;
    case ALARM_HIGH: *value = rtc->alarm_high; return true;
    case IRQ_ENABLED: *value = rtc->irq_enabled; return true;
    case ALARM_STATUS: *value = 0; return true; /* never armed */
    default: *value = 0; return true;
    }
}

bool goldfish_rtc_write(struct goldfish_rtc *rtc, uint64_t offset, unsigned size, uint64_t value)
{
    if (size != 4 || offset % 4 != 0) {
        return false;
    }
    uint32_t word = (uint32_t)value;
    switch (offset) {
    case TIME_LOW: /* written after the high half */
        rtc->base_ns = ((uint64_t)rtc->time_high << 32 | word) - rtc->guest_time(rtc->context);
        break;
    case TIME_HIGH: rtc->time_high = word; break;
    case ALARM_LOW: rtc->alarm_low = word; break;
    case ALARM_HIGH: rtc->alarm_high = word; break;
    case IRQ_ENABLED: rtc->irq_enabled = word & 1; break;
    default: break;
    }
    return true;
}

void goldfish_rtc_reset(struct goldfish_rtc *rtc)
{
    rtc->time_high = 0;
    rtc->alarm_high = 0;
    rtc->alarm_low = 0;
    rtc->irq_enabled = 0;
}

static void put_fields(const void *device, struct state_writer *writer)
{
    const struct goldfish_rtc *rtc = device;
    state_put_tag(writer, "GRTC", 1);
    state_put_u64(writer, rtc->base_ns);
    state_put_u32(writer, rtc->time_high);
    state_put_u32(writer, rtc->alarm_high);
    state_put_u32(writer, rtc->alarm_low);
    state_put_u32(writer, rtc->irq_enabled);
}

uint64_t goldfish_rtc_digest(const struct goldfish_rtc *rtc)
{
    return device_digest(put_fields, rtc);
}

void goldfish_rtc_save(const struct goldfish_rtc *rtc, struct state_writer *writer)
{
    put_fields(rtc, writer);
}

void goldfish_rtc_load(struct goldfish_rtc *rtc, struct state_reader *reader)
{
    state_get_tag(reader, "GRTC", 1);
    rtc->base_ns = state_get_u64(reader);
    rtc->time_high = state_get_u32(reader);
    rtc->alarm_high = state_get_u32(reader);
    rtc->alarm_low = state_get_u32(reader);
    rtc->irq_enabled = state_get_u32(reader);
    if (rtc->irq_enabled > 1) {
        state_reader_fail(reader);
    }
    if (reader->error != 0) {
        goldfish_rtc_reset(rtc);
    }
}
