/* A handset in C that activates itself at a simulated network on this machine: handset PORT. Ends with 0 if it is activated. */
#include "device.h"
#include "http.h"

#include <stdio.h>
#include <stdlib.h>

static struct device device;
static struct http http;

static void say(const char *line) {
    puts(line);
}

/* Says what went wrong, in words. */
static int failed(struct KedgeAgent *agent, const char *what, enum KedgeStatus status) {
    char fault[128] = "";
    if (agent && kedge_agent_fault(agent, fault, sizeof fault) != KEDGE_STATUS_OK) {
        fault[0] = 0;
    }
    fprintf(stderr, "%s: %s%s%s\n", what, kedge_status_text((int32_t)status), fault[0] ? ": " : "", fault);
    return 1;
}

/* One life of the device: from a start to the restart that its new settings need, or to having nothing more to do. */
static int live(bool pressed, struct KedgeNext *next, struct KedgeActivation *activation) {
    struct KedgePorts ports = device_ports(&device, http_port(&http));
    struct KedgeMemory memory = device_memory(&device);
    struct KedgeAgent *agent = NULL;
    enum KedgeBoot boot;
    enum KedgeStatus status =
        kedge_boot(&ports.flash, &device_config.update, device.boot, sizeof device.boot, &boot);
    if (status != KEDGE_STATUS_OK || boot != KEDGE_BOOT_FIRST) {
        return failed(NULL, "boot", status);
    }
    status = kedge_agent_start(&device_config, &ports, &memory, &agent);
    if (status != KEDGE_STATUS_OK) {
        return failed(NULL, "start", status);
    }
    if (pressed && (status = kedge_agent_activate(agent)) != KEDGE_STATUS_OK) {
        return failed(agent, "activate", status);
    }
    for (;;) {
        if ((status = kedge_agent_poll(agent, next)) != KEDGE_STATUS_OK) {
            return failed(agent, "poll", status);
        }
        if (next->kind == KEDGE_NEXT_KIND_RESTARTED || next->at_ms == KEDGE_NEVER) {
            break;
        }
        ports.clock.sleep_until_ms(ports.clock.context, next->at_ms);
    }
    status = kedge_agent_activation(agent, activation);
    return status == KEDGE_STATUS_OK ? 0 : failed(agent, "activation", status);
}

int main(int argc, char **argv) {
    struct KedgeActivation activation = {false, false, false};
    struct KedgeNext next;
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    http.port = (uint16_t)strtoul(argv[1], NULL, 10);
    device_make(&device, say);
    bool pressed = true;
    do {
        if (live(pressed, &next, &activation) != 0) {
            return 1;
        }
        pressed = false;
    } while (next.kind == KEDGE_NEXT_KIND_RESTARTED);
    printf("activation: committed %d, confirmed %d, registered %d; flash: %u programs, %u erases\n", activation.committed,
           activation.confirmed, activation.registered, device.nor.programs, device.nor.erases);
    return activation.committed && activation.confirmed && activation.registered && device.registered ? 0 : 1;
}
