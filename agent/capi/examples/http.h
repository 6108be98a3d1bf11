/* HTTP/1.1 over one socket: what an example needs. A product uses its TLS stack here. */
#ifndef HTTP_H
#define HTTP_H

#include "kedge.h"

struct http {
    /* Where every host name leads: a simulated network on this machine. */
    uint16_t port;
    int socket;
    /* The request line, Host and headers, until the body follows. */
    char head[2048];
    size_t head_len;
    /* The head of the answer, and how much of the body came with it. */
    char answer[4096];
    size_t answer_len, body_at, body_used;
    uint16_t status;
    /* Octets of the body still to be read. */
    size_t left;
};

struct KedgeHttp http_port(struct http *http);

#endif
