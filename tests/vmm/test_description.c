#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "vmm/machine/machine.h"

static struct machine_description sample(void)
{
    return (struct machine_description){
        .name = "web-1",
        .memory = UINT64_C(256) << 20,
        .append = "quiet ftvm.run=\"a b\"",
        .clock = MACHINE_CLOCK_LOGGED,
        .seed = UINT64_MAX,
        .wall_ns = UINT64_C(1700000000000000000),
        .disk_count = 2,
        .disk_size = {512, UINT64_C(1) << 40},
        .nic_count = 1,
        .nic_mac = {{0x52, 0x54, 0x00, 0xab, 0xcd, 0xef}},
        .console_virtio = true,
    };
}

static int parse(const char *text, size_t size, char *error)
{
    struct machine_description description;
    error[0] = '\0';
    return machine_description_parse(&description, text, size, error, MACHINE_ERROR_SIZE);
}

Test(description, comes_back_as_it_was)
{
    struct machine_description before = sample(), after;
    char text[4096], again[4096], error[MACHINE_ERROR_SIZE] = "";
    int size = machine_description_encode(&before, text, sizeof text);
    cr_assert(size > 0);
    int result = machine_description_parse(&after, text, (size_t)size, error, sizeof error);
    cr_assert(result == 0, "%s", error);
    cr_assert(machine_description_encode(&after, again, sizeof again) == size);
    cr_assert(memcmp(text, again, (size_t)size) == 0);
    cr_assert_str_eq(after.append, before.append);
    cr_assert(after.disk_size[1] == before.disk_size[1]);
    cr_assert(memcmp(after.nic_mac, before.nic_mac, sizeof after.nic_mac) == 0);
}

Test(description, says_when_the_room_is_too_small)
{
    struct machine_description description = sample();
    char text[4096];
    int size = machine_description_encode(&description, text, sizeof text);
    for (int room = 0; room <= size; room++) {
        cr_assert(machine_description_encode(&description, text, (size_t)room) == FTVM_E_TOO_LARGE);
    }
    cr_assert(machine_description_encode(&description, text, (size_t)size + 1) == size);
}

Test(description, does_not_encode_what_would_not_be_parsed)
{
    char text[4096];
    struct machine_description description = sample();
    strcpy(description.append, "two\nlines");
    cr_assert(machine_description_encode(&description, text, sizeof text) == FTVM_E_INVALID);
    description = sample();
    description.memory += 4096;
    cr_assert(machine_description_encode(&description, text, sizeof text) == FTVM_E_INVALID);
    description = sample();
    description.disk_count = MACHINE_MAX_DISKS + 1;
    cr_assert(machine_description_encode(&description, text, sizeof text) == FTVM_E_INVALID);
    description = sample();
    strcpy(description.name, "../x");
    cr_assert(machine_description_encode(&description, text, sizeof text) == FTVM_E_INVALID);
}

Test(description, refuses_every_cut_and_every_flipped_bit_that_changes_its_form)
{
    struct machine_description description = sample();
    char text[4096], changed[4096], error[MACHINE_ERROR_SIZE];
    int size = machine_description_encode(&description, text, sizeof text);
    for (int length = 0; length < size; length++) {
        cr_assert(parse(text, (size_t)length, error) < 0, "cut at %d", length);
        cr_assert(error[0] != '\0');
    }
    for (int bit = 0; bit < 8 * size; bit++) {
        struct machine_description other;
        char again[4096];
        memcpy(changed, text, (size_t)size);
        changed[bit / 8] ^= (char)(1 << bit % 8);
        if (machine_description_parse(&other, changed, (size_t)size, error, sizeof error) == 0) {
            int length = machine_description_encode(&other, again, sizeof again);
            cr_assert(length == size && memcmp(again, changed, (size_t)size) == 0, "bit %d", bit);
        }
    }
}

Test(description, refuses_values_that_no_machine_has)
{
    static const char *const changes[][2] = {
        {"memory=268435456", "memory=999999999999999"},
        {"memory=268435456", "memory=0268435456"},
        {"memory=268435456", "memory=-1"},
        {"memory=268435456", "memory= 268435456"},
        {"disks=2", "disks=9"},
        {"disks=2", "disks=1"},
        {"disk=512", "disk=513"},
        {"disk=512", "disk=0"},
        {"nics=1", "nics=5"},
        {"nic=52", "nic=53"},
        {"nic=52:54", "nic=52-54"},
        {"nic=52", "nic=5G"},
        {"clock=logged", "clock=Logged"},
        {"console=virtio", "console="},
        {"name=web-1", "name="},
        {"ftvm-machine=1", "ftvm-machine=2"},
        {"seed=18446744073709551615", "seed=18446744073709551616"},
    };
    struct machine_description description = sample();
    char text[4096], changed[8192], error[MACHINE_ERROR_SIZE];
    int size = machine_description_encode(&description, text, sizeof text);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *at = strstr(text, changes[i][0]);
        cr_assert_not_null(at);
        int length = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text,
                              changes[i][1], at + strlen(changes[i][0]));
        cr_assert(parse(changed, (size_t)length, error) < 0, "%s", changes[i][1]);
    }
    text[size++] = 'x';
    cr_assert(parse(text, (size_t)size, error) < 0);
}
