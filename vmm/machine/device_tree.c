#include "vmm/machine/device_tree.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "vmm/machine/layout.h"
#include "vmm/riscv/hart.h"

#define PHANDLE_CPU_INTERRUPTS 1u
#define PHANDLE_PLIC           2u

/* Interrupt number of "supervisor external" in scause (privileged specification, 10.1.8). */
#define SUPERVISOR_EXTERNAL 9u

/* Hz; a driver computes its baud divisor from it. Nothing is timed by it here. */
#define UART_CLOCK 3686400u

/* What is advertised is what the hart has, and nothing else: a kernel patches itself to it. */
static const char isa[] = "rv64imafdc_zicntr_zicsr_zifencei_zba_zbb_zbs_sstc";
static const char isa_extensions[] =
    "i\0m\0a\0f\0d\0c\0zicntr\0zicsr\0zifencei\0zba\0zbb\0zbs\0sstc";

/* A tree under construction; after the first failure nothing more is written. */
struct tree {
    void *fdt;
    int error;
};

static void keep(struct tree *tree, int result)
{
    if (tree->error == 0) {
        tree->error = result;
    }
}

static void begin(struct tree *tree, const char *name)
{
    keep(tree, fdt_begin_node(tree->fdt, name));
}

static void begin_at(struct tree *tree, const char *name, uint64_t address)
{
    char full[64];
    snprintf(full, sizeof full, "%s@%llx", name, (unsigned long long)address);
    begin(tree, full);
}

static void end(struct tree *tree)
{
    keep(tree, fdt_end_node(tree->fdt));
}

static void put_empty(struct tree *tree, const char *name)
{
    keep(tree, fdt_property(tree->fdt, name, NULL, 0));
}

static void put_text(struct tree *tree, const char *name, const char *text)
{
    keep(tree, fdt_property_string(tree->fdt, name, text));
}

static void put_u32(struct tree *tree, const char *name, uint32_t value)
{
    keep(tree, fdt_property_u32(tree->fdt, name, value));
}

static void put_u64(struct tree *tree, const char *name, uint64_t value)
{
    keep(tree, fdt_property_u64(tree->fdt, name, value));
}

static void put_reg(struct tree *tree, uint64_t address, uint64_t size)
{
    fdt64_t reg[2] = {cpu_to_fdt64(address), cpu_to_fdt64(size)};
    keep(tree, fdt_property(tree->fdt, "reg", reg, sizeof reg));
}

static void put_interrupt(struct tree *tree, uint32_t line)
{
    put_u32(tree, "interrupt-parent", PHANDLE_PLIC);
    put_u32(tree, "interrupts", line);
}

static void add_chosen(struct tree *tree, const struct machine_description *description,
                       const struct boot_layout *layout, const uint8_t *rng_seed)
{
    char arguments[sizeof description->append + 128];
    snprintf(arguments, sizeof arguments, "console=%s %s%s%s",
             description->console_virtio ? "hvc0" : "ttyS0", MACHINE_KERNEL_ARGUMENTS,
             description->append[0] != '\0' ? " " : "", description->append);
    begin(tree, "chosen");
    put_text(tree, "bootargs", arguments);
    put_text(tree, "stdout-path", "serial0");
    if (layout->initrd_end > layout->initrd) {
        put_u64(tree, "linux,initrd-start", layout->initrd);
        put_u64(tree, "linux,initrd-end", layout->initrd_end);
    }
    keep(tree, fdt_property(tree->fdt, "rng-seed", rng_seed, DEVICE_TREE_RNG_SEED_SIZE));
    end(tree);
}

static void add_cpu(struct tree *tree)
{
    begin(tree, "cpus");
    put_u32(tree, "#address-cells", 1);
    put_u32(tree, "#size-cells", 0);
    put_u32(tree, "timebase-frequency", HART_TIME_FREQUENCY);
    begin_at(tree, "cpu", 0);
    put_text(tree, "device_type", "cpu");
    put_text(tree, "compatible", "riscv");
    put_u32(tree, "reg", 0);
    put_text(tree, "status", "okay");
    put_text(tree, "mmu-type", "riscv,sv39");
    put_text(tree, "riscv,isa", isa);
    put_text(tree, "riscv,isa-base", "rv64i");
    keep(tree,
         fdt_property(tree->fdt, "riscv,isa-extensions", isa_extensions, sizeof isa_extensions));
    begin(tree, "interrupt-controller");
    put_text(tree, "compatible", "riscv,cpu-intc");
    put_u32(tree, "#interrupt-cells", 1);
    put_empty(tree, "interrupt-controller");
    put_u32(tree, "phandle", PHANDLE_CPU_INTERRUPTS);
    end(tree);
    end(tree);
    end(tree);
}

static void add_memory(struct tree *tree, uint64_t size)
{
    begin_at(tree, "memory", GUEST_RAM_START);
    put_text(tree, "device_type", "memory");
    put_reg(tree, GUEST_RAM_START, size);
    end(tree);
}

static void add_plic(struct tree *tree)
{
    static const char compatible[] = "sifive,plic-1.0.0\0riscv,plic0";
    fdt32_t context[2] = {cpu_to_fdt32(PHANDLE_CPU_INTERRUPTS), cpu_to_fdt32(SUPERVISOR_EXTERNAL)};
    begin_at(tree, "interrupt-controller", PLIC_ADDRESS);
    keep(tree, fdt_property(tree->fdt, "compatible", compatible, sizeof compatible));
    put_reg(tree, PLIC_ADDRESS, PLIC_SIZE);
    put_u32(tree, "#address-cells", 0);
    put_u32(tree, "#interrupt-cells", 1);
    put_empty(tree, "interrupt-controller");
    keep(tree, fdt_property(tree->fdt, "interrupts-extended", context, sizeof context));
    put_u32(tree, "riscv,ndev", PLIC_SOURCES - 1);
    put_u32(tree, "phandle", PHANDLE_PLIC);
    end(tree);
}

static void add_devices(struct tree *tree, const struct machine_description *description)
{
    begin(tree, "soc");
    put_text(tree, "compatible", "simple-bus");
    put_u32(tree, "#address-cells", 2);
    put_u32(tree, "#size-cells", 2);
    put_empty(tree, "ranges");
    add_plic(tree);

    begin_at(tree, "serial", MACHINE_UART_ADDRESS);
    put_text(tree, "compatible", "ns16550a");
    put_reg(tree, MACHINE_UART_ADDRESS, UART16550_SIZE);
    put_u32(tree, "clock-frequency", UART_CLOCK);
    put_interrupt(tree, MACHINE_DEVICE_UART);
    end(tree);

    begin_at(tree, "rtc", MACHINE_RTC_ADDRESS);
    put_text(tree, "compatible", "google,goldfish-rtc");
    put_reg(tree, MACHINE_RTC_ADDRESS, GOLDFISH_RTC_SIZE);
    put_interrupt(tree, MACHINE_DEVICE_RTC);
    end(tree);

    for (unsigned slot = 0; slot < MACHINE_SLOTS; slot++) {
        if (machine_slot_exists(description, slot)) {
            begin_at(tree, "virtio_mmio", machine_slot_address(slot));
            put_text(tree, "compatible", "virtio,mmio");
            put_reg(tree, machine_slot_address(slot), VIRTIO_MMIO_SIZE);
            put_interrupt(tree, machine_slot_device(slot));
            end(tree);
        }
    }
    end(tree);
}

bool device_tree_build(const struct machine_description *description,
                       const struct boot_layout *layout,
                       const uint8_t rng_seed[DEVICE_TREE_RNG_SEED_SIZE], void *fdt, size_t size)
{
    struct tree tree = {.fdt = fdt};
    char serial[64];
    snprintf(serial, sizeof serial, "/soc/serial@%llx", (unsigned long long)MACHINE_UART_ADDRESS);

    keep(&tree, fdt_create(fdt, (int)size));
    keep(&tree, fdt_finish_reservemap(fdt));
    begin(&tree, "");
    put_u32(&tree, "#address-cells", 2);
    put_u32(&tree, "#size-cells", 2);
    put_text(&tree, "compatible", "ftvm,riscv64");
    put_text(&tree, "model", "ftvm");
    begin(&tree, "aliases");
    put_text(&tree, "serial0", serial);
    end(&tree);
    add_chosen(&tree, description, layout, rng_seed);
    add_cpu(&tree);
    add_memory(&tree, description->memory);
    add_devices(&tree, description);
    end(&tree);
    keep(&tree, fdt_finish(fdt));
    return tree.error == 0;
}
