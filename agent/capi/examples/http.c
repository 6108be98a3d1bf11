#define _POSIX_C_SOURCE 200809L
#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* How long the other side may be silent. */
enum { PATIENCE_S = 20 };

static bool add(struct http *http, const void *text, size_t len) {
    if (len > sizeof http->head - http->head_len) {
        return false;
    }
    memcpy(http->head + http->head_len, text, len);
    http->head_len += len;
    return true;
}

static bool add_text(struct http *http, const char *text) {
    return add(http, text, strlen(text));
}

static int32_t dial(struct http *http) {
    struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    http->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (http->socket < 0) {
        return KEDGE_LINK_BROKEN;
    }
    setsockopt(http->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(http->socket, (struct sockaddr *)&to, sizeof to) != 0) {
        return KEDGE_LINK_BROKEN;
    }
    return KEDGE_LINK_OK;
}

static void hang_up(struct http *http) {
    if (http->socket >= 0) {
        close(http->socket);
    }
    http->socket = -1;
}

static int32_t request(void *context, bool post, struct KedgeText url, const struct KedgeHeader *headers, size_t count) {
    static const char scheme[] = "http://";
    struct http *http = context;
    const char *octets = (const char *)url.octets;
    hang_up(http);
    http->head_len = 0;
    if (url.len < sizeof scheme || memcmp(octets, scheme, sizeof scheme - 1) != 0) {
        return KEDGE_LINK_BROKEN; /* https needs a TLS stack */
    }
    const char *host = octets + sizeof scheme - 1;
    const char *end = octets + url.len;
    const char *path = memchr(host, '/', (size_t)(end - host));
    path = path ? path : end;
    bool fits = add_text(http, post ? "POST " : "GET ");
    fits = fits && (path == end ? add_text(http, "/") : add(http, path, (size_t)(end - path)));
    fits = fits && add_text(http, " HTTP/1.1\r\nConnection: close\r\nHost: ") && add(http, host, (size_t)(path - host));
    for (size_t i = 0; fits && i < count; i++) {
        fits = add_text(http, "\r\n") && add(http, headers[i].name.octets, headers[i].name.len) && add_text(http, ": ") &&
               add(http, headers[i].value.octets, headers[i].value.len);
    }
    if (!fits || !add_text(http, "\r\n\r\n")) {
        return KEDGE_LINK_BROKEN;
    }
    int32_t dialled = dial(http);
    if (dialled != KEDGE_LINK_OK) {
        return dialled;
    }
    ssize_t sent = send(http->socket, http->head, http->head_len, MSG_NOSIGNAL);
    return sent == (ssize_t)http->head_len ? KEDGE_LINK_OK : KEDGE_LINK_BROKEN;
}

static int32_t write_body(void *context, const uint8_t *octets, size_t len) {
    struct http *http = context;
    ssize_t sent = send(http->socket, octets, len, MSG_NOSIGNAL);
    return sent > 0 ? (int32_t)sent : KEDGE_LINK_BROKEN;
}

static const uint8_t *header(void *context, struct KedgeText name, size_t *len) {
    const struct http *http = context;
    const char *line = http->answer, *end = http->answer + http->body_at;
    while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        line++;
        if ((size_t)(end - line) > name.len && strncasecmp(line, (const char *)name.octets, name.len) == 0 &&
            line[name.len] == ':') {
            const char *value = line + name.len + 1;
            value += strspn(value, " ");
            *len = strcspn(value, "\r");
            return (const uint8_t *)value;
        }
    }
    return NULL;
}

static int32_t answer(void *context) {
    static const char name[] = "Content-Length";
    struct http *http = context;
    const char *end = NULL;
    http->answer_len = 0;
    while (end == NULL) {
        size_t room = sizeof http->answer - 1 - http->answer_len;
        ssize_t came = room ? recv(http->socket, http->answer + http->answer_len, room, 0) : 0;
        if (came <= 0) {
            return came < 0 ? KEDGE_LINK_TIMED_OUT : KEDGE_LINK_BROKEN;
        }
        http->answer_len += (size_t)came;
        http->answer[http->answer_len] = 0;
        end = strstr(http->answer, "\r\n\r\n");
    }
    http->body_at = (size_t)(end - http->answer) + 4;
    http->body_used = http->body_at;
    if (sscanf(http->answer, "HTTP/1.1 %hu", &http->status) != 1) {
        return KEDGE_LINK_BROKEN;
    }
    struct KedgeText wanted = {(const uint8_t *)name, sizeof name - 1};
    size_t len = 0;
    const uint8_t *value = header(http, wanted, &len);
    http->left = value ? strtoul((const char *)value, NULL, 10) : 0;
    return KEDGE_LINK_OK;
}

static uint16_t status(void *context) {
    const struct http *http = context;
    return http->status;
}

static int32_t read_body(void *context, uint8_t *out, size_t len) {
    struct http *http = context;
    size_t here = http->answer_len - http->body_used;
    size_t most = len < http->left ? len : http->left;
    if (most == 0) {
        return 0;
    }
    if (here > 0) {
        most = most < here ? most : here;
        memcpy(out, http->answer + http->body_used, most);
        http->body_used += most;
    } else {
        ssize_t came = recv(http->socket, out, most, 0);
        if (came <= 0) {
            return came < 0 ? KEDGE_LINK_TIMED_OUT : KEDGE_LINK_BROKEN;
        }
        most = (size_t)came;
    }
    http->left -= most;
    return (int32_t)most;
}

struct KedgeHttp http_port(struct http *http) {
    struct KedgeHttp port = {http, request, write_body, answer, status, header, read_body};
    http->socket = -1;
    return port;
}
