#include "device.h"

enum {
    IMAGE = STORE_SECTORS,
    SECOND = IMAGE + IMAGE_SECTORS,
    PACKAGE = SECOND + IMAGE_SECTORS,
    JOURNAL = PACKAGE + PACKAGE_SECTORS,
};

#define REGION(first, count) {(first) * SECTOR, (count) * SECTOR, 0}

static const struct KedgeSetting settings[] = {
    {"iota/boot-url", "http://boot.operator.example/activate"},
    {"iota/boot-nai", "provisioning@operator.example"},
    {"iota/trusted-domain", "operator.example"},
};

const struct KedgeConfig device_config = {
    .store = REGION(0, STORE_SECTORS),
    .update =
        {
            .image = REGION(IMAGE, IMAGE_SECTORS),
            .in_place = false,
            .other = REGION(SECOND, IMAGE_SECTORS),
            .package = REGION(PACKAGE, PACKAGE_SECTORS),
            .journal = REGION(JOURNAL, JOURNAL_SECTORS),
            .product = "example",
            .security_counter = 1,
            .keys = NULL,
            .key_count = 0,
            .trial_attempts = 3,
        },
    .settings = settings,
    .setting_count = sizeof settings / sizeof settings[0],
    .spc = {'0', '0', '0', '0', '0', '0'},
    .capability =
        {
            .firmware_rev = 0x0102,
            .model = 42,
            .band_mode = 0x60,
            .max_prl_size = 8192,
            .extended_prl = true,
            .max_sid_nid = 20,
            .scm = 0x6A,
            .mob_p_rev = 6,
            .keeps_unknown_blocks = true,
        },
};

static int32_t nor_read(void *context, uint32_t offset, uint8_t *out, size_t len) {
    const struct nor *nor = context;
    for (size_t i = 0; i < len; i++) {
        out[i] = nor->cells[offset + i];
    }
    return 0;
}

/* A driver's own number for a cell that was programmed already. */
enum { PROGRAMMED_TWICE = 7 };

static int32_t nor_write(void *context, uint32_t offset, const uint8_t *octets, size_t len) {
    struct nor *nor = context;
    for (size_t i = 0; i < len; i++) {
        if ((nor->cells[offset + i] & octets[i]) != octets[i]) {
            return PROGRAMMED_TWICE;
        }
        nor->cells[offset + i] = octets[i];
    }
    nor->programs++;
    return 0;
}

static int32_t nor_erase(void *context, uint32_t from, uint32_t to) {
    struct nor *nor = context;
    for (uint32_t i = from; i < to; i++) {
        nor->cells[i] = 0xFF;
    }
    nor->erases += (to - from) / SECTOR;
    return 0;
}

static void fill(void *context, uint8_t *out, size_t len) {
    struct device *device = context;
    for (size_t i = 0; i < len; i++) {
        /* Enough for an example; a product has a source of real entropy. */
        device->random = device->random * 1664525u + 1013904223u;
        out[i] = (uint8_t)(device->random >> 24);
    }
}

static uint64_t uptime_ms(void *context) {
    struct device *device = context;
    return ++device->uptime_ms;
}

static void sleep_until_ms(void *context, uint64_t deadline) {
    struct device *device = context;
    if (deadline > device->uptime_ms) {
        device->uptime_ms = deadline;
    }
}

static int32_t open_data_call(void *context, struct KedgeText nai) {
    struct device *device = context;
    (void)nai;
    device->say("modem: data call opened");
    return KEDGE_RADIO_RESULT_OK;
}

static void close_data_call(void *context) {
    struct device *device = context;
    device->say("modem: data call closed");
}

static int32_t register_with(void *context, struct KedgeText nam, struct KedgeText prl) {
    struct device *device = context;
    (void)prl;
    device->registered = nam.len != 0;
    device->say("modem: registered");
    return KEDGE_RADIO_RESULT_OK;
}

static int32_t prompt(void *context, const struct KedgePrompt *what, char *pin) {
    struct device *device = context;
    (void)pin;
    switch (what->kind) {
    case KEDGE_PROMPT_KIND_ACTIVATED:
        device->say("display: your phone is activated");
        break;
    case KEDGE_PROMPT_KIND_FAILED:
        device->say("display: that did not work");
        break;
    default:
        device->say("display: something else");
        break;
    }
    return KEDGE_ANSWER_YES;
}

static void restart(void *context, enum KedgeRestart why) {
    struct device *device = context;
    device->say(why == KEDGE_RESTART_SETTINGS ? "power: restart with new settings" : "power: restart into the update");
}

static void event(void *context, uint64_t uptime, const struct KedgeEvent *what) {
    struct device *device = context;
    (void)uptime;
    switch (what->kind) {
    case KEDGE_EVENT_KIND_COMMITTED:
        device->say("agent: committed");
        break;
    case KEDGE_EVENT_KIND_LINK_DOWN:
        device->say("agent: an exchange failed");
        break;
    case KEDGE_EVENT_KIND_SESSION_ENDED:
        device->say(what->number == 0 ? "agent: session ended well" : "agent: session failed");
        break;
    default:
        break;
    }
}

void device_make(struct device *device, void (*say)(const char *line)) {
    nor_erase(&device->nor, 0, sizeof device->nor.cells);
    device->nor.programs = device->nor.erases = 0;
    device->uptime_ms = 0;
    device->random = 1;
    device->registered = false;
    device->say = say;
}

struct KedgePorts device_ports(struct device *device, struct KedgeHttp http) {
    struct KedgePorts ports = {
        .flash =
            {
                .context = &device->nor,
                .capacity = sizeof device->nor.cells,
                .write_size = (uint32_t)kedge_flash_write_size(),
                .erase_size = (uint32_t)kedge_flash_erase_size(),
                .read = nor_read,
                .write = nor_write,
                .erase = nor_erase,
            },
        .identity = {.esn = 0xDEADBEEF, .make = "Example", .model = "C", .version = "1.0"},
        .entropy = {device, fill},
        .clock = {device, uptime_ms, sleep_until_ms},
        .http = http,
        .radio = {device, open_data_call, close_data_call, register_with},
        .ui = {device, prompt},
        .power = {device, restart},
        .events = {device, event},
    };
    return ports;
}

struct KedgeMemory device_memory(struct device *device) {
    struct KedgeMemory memory = {
        device->agent, sizeof device->agent, device->receive, sizeof device->receive, device->send, sizeof device->send,
    };
    return memory;
}
