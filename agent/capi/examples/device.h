/* A device for the examples: flash in RAM, a clock that counts, one identity, and a configuration of it all. */
#ifndef DEVICE_H
#define DEVICE_H

#include "kedge.h"

/* Sectors of the simulated flash: two banks of the store, image, second slot, package, journal. */
enum {
    SECTOR = 4096,
    STORE_SECTORS = 32,
    IMAGE_SECTORS = 16,
    PACKAGE_SECTORS = 16,
    JOURNAL_SECTORS = 2,
    SECTORS = STORE_SECTORS + 2 * IMAGE_SECTORS + PACKAGE_SECTORS + JOURNAL_SECTORS,
};

/* The flash; programming only clears bits, as with the real thing. */
struct nor {
    uint8_t cells[SECTORS * SECTOR];
    unsigned programs, erases;
};

/* The device. */
struct device {
    struct nor nor;
    uint64_t uptime_ms;
    uint32_t random;
    bool registered;
    /* Where its words go, a line each. */
    void (*say)(const char *line);
    _Alignas(16) uint8_t agent[KEDGE_AGENT_SIZE];
    _Alignas(16) uint8_t boot[KEDGE_BOOT_SIZE];
    uint8_t receive[8192];
    uint8_t send[8192];
};

/* A device as it leaves the factory. */
void device_make(struct device *device, void (*say)(const char *line));

/* Everything but HTTP. */
struct KedgePorts device_ports(struct device *device, struct KedgeHttp http);

/* The memory to lend. */
struct KedgeMemory device_memory(struct device *device);

extern const struct KedgeConfig device_config;

#endif
