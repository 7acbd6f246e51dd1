/*
 * The wall clock of the guest (`google,goldfish-rtc`): nanoseconds since 1970, read in two halves.
 *
 * Wall-clock time is a base, which is part of the state, plus the guest's time, which a callback
 * gives. So a read is computed and logs nothing, and both replicas agree on it. Alarms can be
 * programmed but never fire: nothing in a virtual machine sleeps deeply enough to need one.
 */
#ifndef VMM_DEVICES_GOLDFISH_RTC_H
#define VMM_DEVICES_GOLDFISH_RTC_H

#include "vmm/devices/device.h"

#define GOLDFISH_RTC_SIZE UINT64_C(0x1000)

struct goldfish_rtc;

/* Guest time in nanoseconds, now (hart_time_ns). */
typedef uint64_t goldfish_rtc_guest_time(void *context);

/* `base_ns`: wall-clock time, in nanoseconds since 1970, at which guest time was 0. A load replaces
 * it by the saved one. NULL if out of memory. */
struct goldfish_rtc *goldfish_rtc_create(uint64_t base_ns, goldfish_rtc_guest_time *guest_time,
                                         void *context);
void goldfish_rtc_destroy(struct goldfish_rtc *rtc);

/* Offset is inside GOLDFISH_RTC_SIZE. False: access fault. */
bool goldfish_rtc_read(struct goldfish_rtc *rtc, uint64_t offset, unsigned size, uint64_t *value);
bool goldfish_rtc_write(struct goldfish_rtc *rtc, uint64_t offset, unsigned size, uint64_t value);

/* Registers back to power-on; the time goes on, as a battery-backed clock does. */
void goldfish_rtc_reset(struct goldfish_rtc *rtc);
uint64_t goldfish_rtc_digest(const struct goldfish_rtc *rtc);
void goldfish_rtc_save(const struct goldfish_rtc *rtc, struct state_writer *writer);
void goldfish_rtc_load(struct goldfish_rtc *rtc, struct state_reader *reader);

#endif
