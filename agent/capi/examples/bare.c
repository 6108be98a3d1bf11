/* A board in C without an operating system, on QEMU's mps2-an386 (Cortex-M4): it boots, starts the agent, and is programmed by
 * its network over a call, as when the user has dialled a star code. Its words and its end go to the host by semihosting. */
#include "device.h"

/* From board.ld. */
extern uint32_t stack_top[], data_start[], data_end[], data_loaded[], bss_start[], bss_end[];

int main(void);
void reset(void);

static int semihosting(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, STOPPED_EXIT = 0x20026 };

static void say(const char *line) {
    semihosting(SYS_WRITE0, line);
    semihosting(SYS_WRITE0, "\n");
}

static void end(int code) {
    const uint32_t why[2] = {STOPPED_EXIT, (uint32_t)code};
    for (;;) {
        semihosting(SYS_EXIT_EXTENDED, why);
    }
}

static void fault(void) {
    say("processor fault");
    end(3);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

void reset(void) {
    const uint32_t *from = data_loaded;
    for (uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    end(main());
}

static struct device device;

/* The board has no network but the call. */
static int32_t no_request(void *context, bool post, struct KedgeText url, const struct KedgeHeader *headers, size_t count) {
    (void)context, (void)post, (void)url, (void)headers, (void)count;
    return KEDGE_LINK_BROKEN;
}

static int32_t no_write(void *context, const uint8_t *octets, size_t len) {
    (void)context, (void)octets, (void)len;
    return KEDGE_LINK_BROKEN;
}

static int32_t no_answer(void *context) {
    (void)context;
    return KEDGE_LINK_BROKEN;
}

static uint16_t no_status(void *context) {
    (void)context;
    return 0;
}

static const uint8_t *no_header(void *context, struct KedgeText name, size_t *len) {
    (void)context, (void)name, (void)len;
    return NULL;
}

static int32_t no_read(void *context, uint8_t *out, size_t len) {
    (void)context, (void)out, (void)len;
    return KEDGE_LINK_BROKEN;
}

/* What the network sends, and what it must get: a number assignment of three blocks, and the commit. */
static const struct {
    const char *what;
    uint8_t forward[40], forward_len, reverse[8], reverse_len;
} programming[] = {
    {"network: number assignment",
     {0x01, 0x03, 0x02, 0x0d, 0x03, 0x47, 0x1b, 0x78, 0x06, 0x23, 0x90, 0xee, 0x02, 0x40, 0xaf, 0xff, 0xfc, 0x01,
      0x06, 0xa5, 0x55, 0x12, 0x34, 0x56, 0x70, 0x03, 0x07, 0x03, 0x44, 0x0b, 0x78, 0x06, 0x23, 0x90, 0x00},
     35,
     {0x01, 0x03, 0x02, 0x00, 0x01, 0x00, 0x03, 0x00},
     8},
    {"network: commit", {0x05}, 1, {0x05, 0x00}, 2},
};

static bool same(const uint8_t *one, const uint8_t *other, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (one[i] != other[i]) {
            return false;
        }
    }
    return true;
}

static bool program_by_call(struct KedgeAgent *agent) {
    bool taken = false;
    if (kedge_agent_otasp_begin(agent, true, &taken) != KEDGE_STATUS_OK || !taken) {
        return false;
    }
    for (size_t i = 0; i < sizeof programming / sizeof programming[0]; i++) {
        uint8_t reverse[256];
        size_t len = 0;
        say(programming[i].what);
        if (kedge_agent_otasp_message(agent, programming[i].forward, programming[i].forward_len, reverse, sizeof reverse,
                                      &len) != KEDGE_STATUS_OK ||
            len != programming[i].reverse_len || !same(reverse, programming[i].reverse, len)) {
            say("the answer is not the one of the specification");
            return false;
        }
    }
    return kedge_agent_otasp_end(agent) == KEDGE_STATUS_OK;
}

/* The network tries to begin parameter administration; the result code of its OTAPA Request. */
static uint8_t otapa_result(struct KedgeAgent *agent) {
    static const uint8_t start[] = {0x0a, 0x80};
    uint8_t reverse[16];
    size_t len = 0;
    bool taken = false;
    if (kedge_agent_otasp_begin(agent, false, &taken) != KEDGE_STATUS_OK || !taken ||
        kedge_agent_otasp_message(agent, start, sizeof start, reverse, sizeof reverse, &len) != KEDGE_STATUS_OK || len < 3 ||
        kedge_agent_otasp_end(agent) != KEDGE_STATUS_OK) {
        return 0xff;
    }
    return reverse[1];
}

/* What the user may set: whether the network may begin by itself, and which of the two numbers is used. */
static bool choose(struct KedgeAgent *agent) {
    uint8_t nam = 0xff;
    bool selected = false;
    if (kedge_agent_allow_otapa(agent, false) != KEDGE_STATUS_OK || otapa_result(agent) == 0x00 ||
        kedge_agent_allow_otapa(agent, true) != KEDGE_STATUS_OK || otapa_result(agent) != 0x00) {
        say("the network's parameter administration does not follow the user's choice");
        return false;
    }
    if (kedge_agent_select_nam(agent, 2, &selected) != KEDGE_STATUS_MISUSE ||
        kedge_agent_select_nam(agent, KEDGE_NAM_SECOND, &selected) != KEDGE_STATUS_OK || !selected ||
        kedge_agent_nam(agent, &nam) != KEDGE_STATUS_OK || nam != KEDGE_NAM_SECOND ||
        kedge_agent_select_nam(agent, KEDGE_NAM_FIRST, &selected) != KEDGE_STATUS_OK || !selected ||
        kedge_agent_nam(agent, &nam) != KEDGE_STATUS_OK || nam != KEDGE_NAM_FIRST) {
        say("the number is not the chosen one");
        return false;
    }
    say("user: no administration, then again; second number, then the first");
    return true;
}

/* The modem has no shared secret data. */
static int32_t no_auth(void *context, uint32_t rand_otapa, uint32_t *auth_otapa) {
    (void)context, (void)rand_otapa, (void)auth_otapa;
    return 1;
}

static const struct KedgeSecurity security = {NULL, true, no_auth};

/* Lets the agent do what there is to do. */
static bool settle(struct KedgeAgent *agent, struct KedgeNext *next) {
    do {
        if (kedge_agent_poll(agent, next) != KEDGE_STATUS_OK) {
            char words[128];
            if (kedge_agent_fault(agent, words, sizeof words) == KEDGE_STATUS_OK) {
                say(words);
            }
            return false;
        }
    } while (next->kind == KEDGE_NEXT_KIND_IDLE && next->at_ms != KEDGE_NEVER && next->at_ms <= device.uptime_ms);
    return true;
}

int main(void) {
    struct KedgeHttp http = {NULL, no_request, no_write, no_answer, no_status, no_header, no_read};
    device_make(&device, say);
    struct KedgePorts ports = device_ports(&device, http);
    struct KedgeMemory memory = device_memory(&device);
    struct KedgeAgent *agent = NULL;
    struct KedgeNext next;
    struct KedgeActivation activation;
    enum KedgeBoot boot;
    if (kedge_boot(&ports.flash, &device_config.update, device.boot, sizeof device.boot, &boot) != KEDGE_STATUS_OK ||
        boot != KEDGE_BOOT_FIRST) {
        say("the boot stage does not start the first image");
        return 1;
    }
    say("boot: first image");
    /* What a caller may do wrong is said, not done. */
    if (kedge_agent_start(&device_config, NULL, &memory, &agent) != KEDGE_STATUS_POINTER || agent != NULL) {
        say("an agent without ports was started");
        return 1;
    }
    if (kedge_agent_start(&device_config, &ports, &memory, &agent) != KEDGE_STATUS_OK || !settle(agent, &next)) {
        say("the agent does not start");
        return 1;
    }
    if (kedge_agent_set_security(agent, NULL) != KEDGE_STATUS_POINTER ||
        kedge_agent_set_security(agent, &security) != KEDGE_STATUS_OK) {
        say("the security procedures were not taken");
        return 1;
    }
    if (!program_by_call(agent) || !settle(agent, &next)) {
        say("the programming failed");
        return 1;
    }
    if (kedge_agent_activation(agent, &activation) != KEDGE_STATUS_OK || !activation.committed || !activation.registered ||
        !device.registered) {
        say("the device is not activated");
        return 1;
    }
    say("the device is activated");
    device.registered = false;
    if (!choose(agent) || !settle(agent, &next) || !device.registered) {
        say("the device does not register with the first number again");
        return 1;
    }
    return 0;
}
