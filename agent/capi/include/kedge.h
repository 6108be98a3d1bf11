/*
 * Kedge, the device-management client: the C interface.
 *
 * Made from agent/capi by `cargo xtask capi`; change it there. `cargo xtask capi --check` says whether it is up to date.
 *
 * Nothing is global and nothing is allocated. Texts that go in end with a zero octet; texts that come out are a KedgeText,
 * valid only during the call they are handed to. One thread at a time may be in an agent, and no port may call the agent it
 * is a port of.
 */

#ifndef KEDGE_H
#define KEDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Largest preferred roaming list, in octets.
 */
#define KEDGE_PRL_ROOM 16384

/**
 * Octets of memory that an agent takes, its buffers for messages not counted.
 */
#define KEDGE_AGENT_SIZE 65536

/**
 * What the address of that memory must be a multiple of.
 */
#define KEDGE_AGENT_ALIGN 16

/**
 * Never, as an uptime.
 */
#define KEDGE_NEVER UINT64_MAX

/**
 * Octets of memory that `kedge_boot` takes.
 */
#define KEDGE_BOOT_SIZE 16384

/**
 * What the address of that memory must be a multiple of.
 */
#define KEDGE_BOOT_ALIGN 8

/**
 * The number assignment that a phone begins with.
 */
#define KEDGE_NAM_FIRST 0

/**
 * The other one.
 */
#define KEDGE_NAM_SECOND 1

/**
 * Most keys that may sign packages.
 */
#define KEDGE_MAX_KEYS 8

/**
 * Most factory settings.
 */
#define KEDGE_MAX_SETTINGS 32

/**
 * Room for a PIN and the zero octet behind it, in octets.
 */
#define KEDGE_PIN_ROOM 17

/**
 * What a call came to.
 */
typedef enum KedgeStatus {
    /**
     * Done.
     */
    KEDGE_STATUS_OK = 0,
    /**
     * A pointer is null that must not be, or leads to something that is not aligned.
     */
    KEDGE_STATUS_POINTER = 1,
    /**
     * The memory for the agent is too small or not aligned: see `KEDGE_AGENT_SIZE` and `KEDGE_AGENT_ALIGN`.
     */
    KEDGE_STATUS_MEMORY = 2,
    /**
     * A function of a port is missing.
     */
    KEDGE_STATUS_PORT = 3,
    /**
     * A text is not UTF-8, or missing.
     */
    KEDGE_STATUS_TEXT = 4,
    /**
     * A table of the configuration has more entries than `KEDGE_MAX_KEYS` or `KEDGE_MAX_SETTINGS`.
     */
    KEDGE_STATUS_TOO_MANY = 5,
    /**
     * The flash port's sizes are not those that the library was built for: see `kedge_flash_erase_size`.
     */
    KEDGE_STATUS_GEOMETRY = 6,
    /**
     * The configuration cannot be used. Once the agent has started, `kedge_agent_fault` says what of it.
     */
    KEDGE_STATUS_CONFIG = 7,
    /**
     * The store, or the flash under it.
     */
    KEDGE_STATUS_STORE = 8,
    /**
     * The update agent, or the flash under it.
     */
    KEDGE_STATUS_UPDATE = 9,
    /**
     * The call does not fit what the agent is doing.
     */
    KEDGE_STATUS_MISUSE = 10,
    /**
     * The room for the result is too small.
     */
    KEDGE_STATUS_ROOM = 11,
} KedgeStatus;

/**
 * What is shown or asked. Wording is the device maker's; texts from the network are passed on.
 */
typedef enum KedgePromptKind {
    /**
     * Shown: `text` from the network.
     */
    KEDGE_PROMPT_KIND_NOTICE = 0,
    /**
     * Asked: `text` from the network.
     */
    KEDGE_PROMPT_KIND_CONFIRM = 1,
    /**
     * Asked: install the update to version `text`?
     */
    KEDGE_PROMPT_KIND_INSTALL_UPDATE = 2,
    /**
     * Asked: the update brings `text`, and `more` are its notes.
     */
    KEDGE_PROMPT_KIND_RELEASE_NOTES = 3,
    /**
     * Asked: the device cannot be used during the update, not even for emergency calls.
     */
    KEDGE_PROMPT_KIND_DISCLAIMER = 4,
    /**
     * Shown: there is no update.
     */
    KEDGE_PROMPT_KIND_NO_UPDATE = 5,
    /**
     * Shown: there is an update, but it could not be downloaded, or was refused.
     */
    KEDGE_PROMPT_KIND_UPDATE_REFUSED = 6,
    /**
     * Shown: the device is activated.
     */
    KEDGE_PROMPT_KIND_ACTIVATED = 7,
    /**
     * Asked: the PIN of the settings that `text` sums up; `number` tries are left.
     */
    KEDGE_PROMPT_KIND_ENTER_PIN = 8,
    /**
     * Asked: apply the settings that `text` sums up?
     */
    KEDGE_PROMPT_KIND_APPLY_SETTINGS = 9,
    /**
     * Shown: the settings are in use.
     */
    KEDGE_PROMPT_KIND_SETTINGS_APPLIED = 10,
    /**
     * Shown: the settings were dropped.
     */
    KEDGE_PROMPT_KIND_SETTINGS_REFUSED = 11,
    /**
     * Shown: what the user asked for failed; `number` is the session-end reason.
     */
    KEDGE_PROMPT_KIND_FAILED = 12,
    /**
     * Of a newer release: an answer of later is always right.
     */
    KEDGE_PROMPT_KIND_OTHER = 13,
} KedgePromptKind;

/**
 * Why the device restarts.
 */
typedef enum KedgeRestart {
    /**
     * To use newly committed settings.
     */
    KEDGE_RESTART_SETTINGS = 0,
    /**
     * Into the boot stage, which finds its orders in flash.
     */
    KEDGE_RESTART_UPDATE = 1,
} KedgeRestart;

/**
 * What happened.
 */
typedef enum KedgeEventKind {
    /**
     * The agent started.
     */
    KEDGE_EVENT_KIND_STARTED = 0,
    /**
     * A trigger arrived; `text` is the URL.
     */
    KEDGE_EVENT_KIND_TRIGGERED = 1,
    /**
     * Content was refused or is malformed; `text` is its media type.
     */
    KEDGE_EVENT_KIND_CONTENT_REFUSED = 2,
    /**
     * The data call was opened (`number` 1) or not (0).
     */
    KEDGE_EVENT_KIND_DATA_CALL = 3,
    /**
     * The data call was closed.
     */
    KEDGE_EVENT_KIND_DATA_CALL_CLOSED = 4,
    /**
     * A session began; `text` is its URL.
     */
    KEDGE_EVENT_KIND_SESSION_STARTED = 5,
    /**
     * A request goes out: `text` is the URL, `more` the body.
     */
    KEDGE_EVENT_KIND_REQUEST = 6,
    /**
     * The network answered: `number` is the HTTP status, `text` the media type, `more` the body.
     */
    KEDGE_EVENT_KIND_REPLY = 7,
    /**
     * An exchange failed.
     */
    KEDGE_EVENT_KIND_LINK_DOWN = 8,
    /**
     * Staged data is now permanent.
     */
    KEDGE_EVENT_KIND_COMMITTED = 9,
    /**
     * A session ended; `number` is the session-end reason, `total` the code behind it.
     */
    KEDGE_EVENT_KIND_SESSION_ENDED = 10,
    /**
     * The session is tried again after `number` milliseconds.
     */
    KEDGE_EVENT_KIND_RETRY_IN = 11,
    /**
     * The agent gave up on a session; numbers as for a session that ended.
     */
    KEDGE_EVENT_KIND_GAVE_UP = 12,
    /**
     * A package download progresses: `number` of `total` octets are there.
     */
    KEDGE_EVENT_KIND_DOWNLOADING = 13,
    /**
     * The package is complete and verified; `text` is the version it leads to, `number` its octets.
     */
    KEDGE_EVENT_KIND_PACKAGE_VERIFIED = 14,
    /**
     * The package was refused before anything was erased.
     */
    KEDGE_EVENT_KIND_PACKAGE_REFUSED = 15,
    /**
     * The radio has registered (`number` 1) or not (0).
     */
    KEDGE_EVENT_KIND_REGISTERED = 16,
    /**
     * A result was reported; `number` is the state.
     */
    KEDGE_EVENT_KIND_REPORTED = 17,
    /**
     * An IS-683 message was processed: `text` from the network, `more` the answer.
     */
    KEDGE_EVENT_KIND_IS683 = 18,
    /**
     * The device restarts.
     */
    KEDGE_EVENT_KIND_RESTARTING = 19,
    /**
     * Something else; nothing to act on.
     */
    KEDGE_EVENT_KIND_OTHER = 20,
} KedgeEventKind;

/**
 * Why `kedge_agent_poll` returned.
 */
typedef enum KedgeNextKind {
    /**
     * There is nothing to do before `at_ms`, or before something arrives.
     */
    KEDGE_NEXT_KIND_IDLE = 0,
    /**
     * The device was told to restart, and did not: the agent must be started anew.
     */
    KEDGE_NEXT_KIND_RESTARTED = 1,
} KedgeNextKind;

/**
 * What to start.
 */
typedef enum KedgeBoot {
    /**
     * The image in `image`.
     */
    KEDGE_BOOT_FIRST = 0,
    /**
     * The image in `other`.
     */
    KEDGE_BOOT_SECOND = 1,
    /**
     * There is no whole image: an update in place failed half-way, and only a full package helps.
     */
    KEDGE_BOOT_BROKEN = 2,
} KedgeBoot;

/**
 * What the user said.
 */
typedef enum KedgeAnswer {
    /**
     * Yes; also for what is only shown.
     */
    KEDGE_ANSWER_YES = 0,
    /**
     * No, and do not ask again for this.
     */
    KEDGE_ANSWER_NO = 1,
    /**
     * Ask again later: what a device without a user says, and what any other number means.
     */
    KEDGE_ANSWER_LATER = 2,
    /**
     * What was asked for with `KEDGE_PROMPT_KIND_ENTER_PIN` is in `pin`.
     */
    KEDGE_ANSWER_PIN = 3,
} KedgeAnswer;

/**
 * How a step of an exchange went.
 */
typedef enum KedgeLink {
    /**
     * Well.
     */
    KEDGE_LINK_OK = 0,
    /**
     * No connection, or it broke.
     */
    KEDGE_LINK_BROKEN = -1,
    /**
     * No answer in time.
     */
    KEDGE_LINK_TIMED_OUT = -2,
} KedgeLink;

/**
 * What the modem made of it.
 */
typedef enum KedgeRadioResult {
    /**
     * Done.
     */
    KEDGE_RADIO_RESULT_OK = 0,
    /**
     * No network in reach; what any other number means too.
     */
    KEDGE_RADIO_RESULT_NO_SERVICE = 1,
    /**
     * The network refused.
     */
    KEDGE_RADIO_RESULT_REFUSED = 2,
    /**
     * A voice or data call is in the way.
     */
    KEDGE_RADIO_RESULT_BUSY = 3,
} KedgeRadioResult;

/**
 * An agent with everything it needs; only its address is for the caller.
 */
typedef struct KedgeAgent KedgeAgent;

/**
 * A part of the flash: whole sectors.
 */
typedef struct KedgeRegion {
    /**
     * Offset of its first octet.
     */
    uint32_t start;
    /**
     * Its octets.
     */
    uint32_t len;
    /**
     * The sector size in it; 0: that of the flash port.
     */
    uint32_t sector;
} KedgeRegion;

/**
 * A key that may sign packages.
 */
typedef struct KedgeKey {
    /**
     * Its name in the packages.
     */
    const uint8_t *id;
    /**
     * Octets of the name.
     */
    size_t id_len;
    /**
     * The Ed25519 public key.
     */
    uint8_t public_key[32];
} KedgeKey;

/**
 * Where everything is in flash, and what updates are measured against. All regions are whole sectors and none overlap.
 */
typedef struct KedgeUpdateConfig {
    /**
     * The firmware image; with two slots the first of them.
     */
    struct KedgeRegion image;
    /**
     * Whether there is one slot, rewritten in place; else there are two.
     */
    bool in_place;
    /**
     * In place the scratch area, at least one block of the packages; else the second slot.
     */
    struct KedgeRegion other;
    /**
     * The package, as it is received.
     */
    struct KedgeRegion package;
    /**
     * The update journal: an even number of sectors.
     */
    struct KedgeRegion journal;
    /**
     * The product that packages must name.
     */
    const char *product;
    /**
     * The least security counter taken.
     */
    uint32_t security_counter;
    /**
     * Whose packages are taken.
     */
    const struct KedgeKey *keys;
    /**
     * How many keys there are; at most `KEDGE_MAX_KEYS`.
     */
    size_t key_count;
    /**
     * How many starts a new image gets to be confirmed.
     */
    uint8_t trial_attempts;
} KedgeUpdateConfig;

/**
 * A factory setting: the value of an object.
 */
typedef struct KedgeSetting {
    /**
     * The name: `iota/boot-url`, `iota/boot-nai` and `iota/trusted-domain` are needed for activation, `x/kedge/fota-url` for
     * updates.
     */
    const char *name;
    /**
     * The value.
     */
    const char *value;
} KedgeSetting;

/**
 * What the phone reports of itself by IS-683.
 */
typedef struct KedgeCapability {
    /**
     * MOB_FIRM_REV.
     */
    uint16_t firmware_rev;
    /**
     * MOB_MODEL.
     */
    uint8_t model;
    /**
     * BAND_MODE_CAP.
     */
    uint8_t band_mode;
    /**
     * MAX_PR_LIST_SIZE; at most `KEDGE_PRL_ROOM`.
     */
    uint16_t max_prl_size;
    /**
     * Whether extended roaming lists are understood.
     */
    bool extended_prl;
    /**
     * MAX_SID_NID.
     */
    uint8_t max_sid_nid;
    /**
     * Station class mark.
     */
    uint8_t scm;
    /**
     * MOB_P_REV.
     */
    uint8_t mob_p_rev;
    /**
     * Whether blocks that no public source describes are kept as octets, for the device's other software.
     */
    bool keeps_unknown_blocks;
} KedgeCapability;

/**
 * The configuration of a device. Texts and tables must stay where they are while the agent lives.
 */
typedef struct KedgeConfig {
    /**
     * Where the store is: two banks of whole sectors.
     */
    struct KedgeRegion store;
    /**
     * Updates.
     */
    struct KedgeUpdateConfig update;
    /**
     * Factory settings.
     */
    const struct KedgeSetting *settings;
    /**
     * How many there are; at most `KEDGE_MAX_SETTINGS`.
     */
    size_t setting_count;
    /**
     * The service programming code: six digits, not ended by a zero; `000000` leaves the phone unlocked.
     */
    uint8_t spc[6];
    /**
     * IS-683.
     */
    struct KedgeCapability capability;
} KedgeConfig;

/**
 * NOR flash. Each function returns 0 when it is done, and any other number of the driver's when it is not.
 */
typedef struct KedgeFlash {
    /**
     * For the functions.
     */
    void *context;
    /**
     * Octets of the part.
     */
    uint32_t capacity;
    /**
     * The driver's write unit in octets; must be what `kedge_flash_write_size` returns.
     */
    uint32_t write_size;
    /**
     * The smallest sector in octets; must be what `kedge_flash_erase_size` returns.
     */
    uint32_t erase_size;
    /**
     * Reads `len` octets from `offset` on; any offset and length.
     */
    int32_t (*read)(void *context, uint32_t offset, uint8_t *out, size_t len);
    /**
     * Programs whole write units, which were erased before.
     */
    int32_t (*write)(void *context, uint32_t offset, const uint8_t *octets, size_t len);
    /**
     * Erases the whole sectors from offset `from` to before offset `to`.
     */
    int32_t (*erase)(void *context, uint32_t from, uint32_t to);
} KedgeFlash;

/**
 * Who the device is. Texts are printable ASCII without `;`, at most 64 octets, and stay where they are.
 */
typedef struct KedgeIdentity {
    /**
     * Whether `meid` counts, else `esn`.
     */
    bool has_meid;
    /**
     * Electronic serial number.
     */
    uint32_t esn;
    /**
     * Mobile equipment identifier, most significant octet first.
     */
    uint8_t meid[7];
    /**
     * Manufacturer.
     */
    const char *make;
    /**
     * Model.
     */
    const char *model;
    /**
     * Version of the firmware that is running.
     */
    const char *version;
    /**
     * The subscriber's identity (IMSI) in decimal digits. Optional: null without a card.
     */
    const char *subscriber;
} KedgeIdentity;

/**
 * Random octets, good enough for nonces.
 */
typedef struct KedgeEntropy {
    /**
     * For the functions.
     */
    void *context;
    /**
     * Fills all of `out`, each time anew.
     */
    void (*fill)(void *context, uint8_t *out, size_t len);
} KedgeEntropy;

/**
 * Time, in milliseconds since some moment that means nothing; it never runs backwards.
 */
typedef struct KedgeClock {
    /**
     * For the functions.
     */
    void *context;
    /**
     * The time now.
     */
    uint64_t (*uptime_ms)(void *context);
    /**
     * Waits until then, never less.
     */
    void (*sleep_until_ms)(void *context, uint64_t deadline);
} KedgeClock;

/**
 * A text or octets with a length, without a zero octet at the end; valid only during the call it is handed to.
 */
typedef struct KedgeText {
    /**
     * The first octet; never null.
     */
    const uint8_t *octets;
    /**
     * How many octets there are.
     */
    size_t len;
} KedgeText;

/**
 * A header of a request.
 */
typedef struct KedgeHeader {
    /**
     * Its name.
     */
    struct KedgeText name;
    /**
     * Its value.
     */
    struct KedgeText value;
} KedgeHeader;

/**
 * HTTP(S): `request`, `write` the body, `answer`, `status`, `header`, `read` until 0. Redirects are not followed, certificates
 * are checked. Functions that return a number return a `KedgeLink` if it is negative.
 */
typedef struct KedgeHttp {
    /**
     * For the functions.
     */
    void *context;
    /**
     * Begins a request, POST or GET; drops what is left of the exchange before.
     */
    int32_t (*request)(void *context, bool post, struct KedgeText url, const struct KedgeHeader *headers, size_t count);
    /**
     * Sends a part of the body; returns how many octets were taken, at least 1.
     */
    int32_t (*write)(void *context, const uint8_t *octets, size_t len);
    /**
     * Ends the request, and waits for the head of the answer.
     */
    int32_t (*answer)(void *context);
    /**
     * The status of the answer.
     */
    uint16_t (*status)(void *context);
    /**
     * The value of a header of the answer, by its name in any case: its first octet and, in `len`, its length; null if there
     * is none. It stays as it is until the body is read.
     */
    const uint8_t *(*header)(void *context, struct KedgeText name, size_t *len);
    /**
     * Reads on in the body; returns how many octets were read, 0 at its end.
     */
    int32_t (*read)(void *context, uint8_t *out, size_t len);
} KedgeHttp;

/**
 * The modem. Functions that return a number return a `KedgeRadioResult`.
 */
typedef struct KedgeRadio {
    /**
     * For the functions.
     */
    void *context;
    /**
     * Opens the data call with this network access identifier; succeeds if it is open already.
     */
    int32_t (*open_data_call)(void *context, struct KedgeText nai);
    /**
     * Closes the data call; nothing happens if there is none.
     */
    void (*close_data_call)(void *context);
    /**
     * Registers with these NAM parameter blocks, each BLOCK_ID BLOCK_LEN PARAM_DATA, and this roaming list, which may be
     * empty.
     */
    int32_t (*register_with)(void *context, struct KedgeText nam, struct KedgeText prl);
} KedgeRadio;

/**
 * What is shown or asked.
 */
typedef struct KedgePrompt {
    /**
     * What it is about.
     */
    enum KedgePromptKind kind;
    /**
     * See the kind.
     */
    struct KedgeText text;
    /**
     * See the kind.
     */
    struct KedgeText more;
    /**
     * See the kind.
     */
    uint32_t number;
} KedgePrompt;

/**
 * The user.
 */
typedef struct KedgeUi {
    /**
     * For the functions.
     */
    void *context;
    /**
     * Shows or asks, and waits for the answer, a `KedgeAnswer`. `pin` has room for `KEDGE_PIN_ROOM` octets: decimal digits and
     * a zero octet.
     */
    int32_t (*prompt)(void *context, const struct KedgePrompt *prompt, char *pin);
} KedgeUi;

/**
 * Restarting the device.
 */
typedef struct KedgePower {
    /**
     * For the functions.
     */
    void *context;
    /**
     * Restarts. If it returns, so does `kedge_agent_poll`, and the agent must be started anew.
     */
    void (*restart)(void *context, enum KedgeRestart why);
} KedgePower;

/**
 * What happened.
 */
typedef struct KedgeEvent {
    /**
     * What it is about.
     */
    enum KedgeEventKind kind;
    /**
     * See the kind.
     */
    struct KedgeText text;
    /**
     * See the kind.
     */
    struct KedgeText more;
    /**
     * See the kind.
     */
    uint32_t number;
    /**
     * See the kind.
     */
    uint32_t total;
} KedgeEvent;

/**
 * Where events go.
 */
typedef struct KedgeEvents {
    /**
     * For the functions.
     */
    void *context;
    /**
     * Optional: takes an event, which happened at this uptime. May not call the agent.
     */
    void (*event)(void *context, uint64_t uptime_ms, const struct KedgeEvent *event);
} KedgeEvents;

/**
 * All ports of a device. They are copied when an agent starts; what their contexts lead to is not.
 */
typedef struct KedgePorts {
    struct KedgeFlash flash;
    struct KedgeIdentity identity;
    struct KedgeEntropy entropy;
    struct KedgeClock clock;
    struct KedgeHttp http;
    struct KedgeRadio radio;
    struct KedgeUi ui;
    struct KedgePower power;
    /**
     * Optional: where events go.
     */
    struct KedgeEvents events;
} KedgePorts;

/**
 * Memory that is lent to an agent for as long as it lives.
 */
typedef struct KedgeMemory {
    /**
     * `KEDGE_AGENT_SIZE` octets, aligned to `KEDGE_AGENT_ALIGN`.
     */
    uint8_t *agent;
    /**
     * Octets there.
     */
    size_t agent_len;
    /**
     * For what is received: the largest body; at least 1 KiB, the conformance minimum is 128 KiB.
     */
    uint8_t *receive;
    /**
     * Octets there.
     */
    size_t receive_len;
    /**
     * For what is sent: the largest answer; at least 2 KiB.
     */
    uint8_t *send;
    /**
     * Octets there.
     */
    size_t send_len;
} KedgeMemory;

/**
 * When to call `kedge_agent_poll` again.
 */
typedef struct KedgeNext {
    /**
     * Why it returned.
     */
    enum KedgeNextKind kind;
    /**
     * The uptime at which to call again; `KEDGE_NEVER`: not before something arrives.
     */
    uint64_t at_ms;
    /**
     * With `KEDGE_NEXT_KIND_RESTARTED`: why.
     */
    enum KedgeRestart why;
} KedgeNext;

/**
 * How far activation came.
 */
typedef struct KedgeActivation {
    /**
     * The network's settings are committed.
     */
    bool committed;
    /**
     * The network knows it.
     */
    bool confirmed;
    /**
     * The radio has registered with them.
     */
    bool registered;
} KedgeActivation;

/**
 * The security procedures of IS-683 that the device can do.
 */
typedef struct KedgeSecurity {
    /**
     * For the function.
     */
    void *context;
    /**
     * The A-key exchange (revision 2); the private number comes from the entropy port, which must then be fit for keys.
     */
    bool key_exchange;
    /**
     * Writes the AUTH_OTAPA (18 bits) over a RAND_OTAPA, as the modem's CAVE and shared secret data make it; 0: done, any other
     * number: not now. Null: nobody can prove himself to a protected number assignment.
     */
    int32_t (*auth_otapa)(void *context, uint32_t rand_otapa, uint32_t *auth_otapa);
} KedgeSecurity;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Starts an agent from what flash holds: confirms a new firmware (to have come this far is the health check), and takes up
 * whatever was interrupted. `agent` is then where the memory is; there is nothing to end it with, as nothing is held: it is
 * forgotten, and its memory used for something else.
 *
 * # Safety
 * The structures are what their types say; what they lead to stays for as long as the agent is used, and nobody else uses
 * the memory.
 */
enum KedgeStatus kedge_agent_start(const struct KedgeConfig *config,
                                   const struct KedgePorts *ports,
                                   const struct KedgeMemory *memory,
                                   struct KedgeAgent **agent);

/**
 * Does what there is to do, and says when to call again. Blocks while a slow port (HTTP, modem, user) does.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, and `next` is for us to write.
 */
enum KedgeStatus kedge_agent_poll(struct KedgeAgent *agent, struct KedgeNext *next);

/**
 * The activation button: a session at the activation URL, held by the next `kedge_agent_poll`. `KEDGE_STATUS_MISUSE`: another
 * one waits already.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, and nobody else is in it.
 */
enum KedgeStatus kedge_agent_activate(struct KedgeAgent *agent);

/**
 * The user looks for a software update; otherwise as `kedge_agent_activate`.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, and nobody else is in it.
 */
enum KedgeStatus kedge_agent_check_for_update(struct KedgeAgent *agent);

/**
 * Takes a connectionless WSP push, as it came by short message to port 2948. What is malformed, unknown or not trusted is shown
 * as an event and changes nothing.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, and there are `len` octets.
 */
enum KedgeStatus kedge_agent_push(struct KedgeAgent *agent,
                                  const uint8_t *pdu,
                                  size_t len);

/**
 * Takes a short message of CDMA (IS-637 transport layer). `taken` says whether it was the agent's; the device's other
 * applications get those that were not.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, there are `len` octets, and `taken` is for us to write.
 */
enum KedgeStatus kedge_agent_short_message(struct KedgeAgent *agent,
                                           const uint8_t *message,
                                           size_t len,
                                           bool *taken);

/**
 * An OTASP call is up, which the user dialled (`by_user`), or the network's first data burst has come. `taken` says whether the
 * agent goes along: not while it does something else.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, and `taken` is for us to write.
 */
enum KedgeStatus kedge_agent_otasp_begin(struct KedgeAgent *agent,
                                         bool by_user,
                                         bool *taken);

/**
 * Takes a forward message of the call, and writes the reverse message to send back; 0 octets: there is none.
 * `KEDGE_STATUS_ROOM`: it does not fit, and `out_len` says how long it is; 2048 octets are always enough.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, there are `len` octets, room for `out_room`, and `out_len` is
 * for us to write.
 */
enum KedgeStatus kedge_agent_otasp_message(struct KedgeAgent *agent,
                                           const uint8_t *forward,
                                           size_t len,
                                           uint8_t *out,
                                           size_t out_room,
                                           size_t *out_len);

/**
 * The call was released: what was not committed is dropped, what was committed is used.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, and nobody else is in it.
 */
enum KedgeStatus kedge_agent_otasp_end(struct KedgeAgent *agent);

/**
 * Says how far activation came.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, and `activation` is for us to write.
 */
enum KedgeStatus kedge_agent_activation(struct KedgeAgent *agent, struct KedgeActivation *activation);

/**
 * What went wrong in the last call that did: `out` gets as much of the words as fits, and a zero octet.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, and there is room for `room_len` octets.
 */
enum KedgeStatus kedge_agent_fault(struct KedgeAgent *agent, char *out, size_t room_len);

/**
 * Called once per start by the boot stage, before anything else: goes on with an update that was ordered, on trial or going
 * back, to its end, and says what to start. The power may fail at any moment of it.
 *
 * # Safety
 * The structures are what their types say, nobody else uses the memory, and `boot` is for us to write.
 */
enum KedgeStatus kedge_boot(const struct KedgeFlash *flash,
                            const struct KedgeUpdateConfig *config,
                            uint8_t *memory,
                            size_t memory_len,
                            enum KedgeBoot *boot);

/**
 * Uses this number assignment, `KEDGE_NAM_FIRST` or `KEDGE_NAM_SECOND`, from now on: what is programmed goes there, and the radio
 * registers with it if it holds anything. `selected` says whether it is so; not while the agent does something else, or has a
 * session to resume.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, and `selected` is for us to write.
 */
enum KedgeStatus kedge_agent_select_nam(struct KedgeAgent *agent,
                                        uint8_t nam,
                                        bool *selected);

/**
 * Says which number assignment is used.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, and `nam` is for us to write.
 */
enum KedgeStatus kedge_agent_nam(struct KedgeAgent *agent, uint8_t *nam);

/**
 * Whether the network may begin parameter administration (OTAPA); it may unless this was called with `false`. Kept in the store.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, and nobody else is in it.
 */
enum KedgeStatus kedge_agent_allow_otapa(struct KedgeAgent *agent,
                                         bool allowed);

/**
 * Sets what the device can do of the security procedures; after every start, before anything else. Without it there are none: the
 * key exchange is refused and not advertised.
 *
 * # Safety
 * `agent` is what `kedge_agent_start` gave, nobody else is in it, and `security` stays for as long as the agent is used.
 */
enum KedgeStatus kedge_agent_set_security(struct KedgeAgent *agent,
                                          const struct KedgeSecurity *security);

/**
 * The write unit that the library was built for, in octets.
 */
size_t kedge_flash_write_size(void);

/**
 * The smallest sector that the library was built for, in octets.
 */
size_t kedge_flash_erase_size(void);

/**
 * The words for a status, or for any other number: English, ending with a zero octet, always there.
 */
const char *kedge_status_text(int32_t status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KEDGE_H */
