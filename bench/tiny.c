/* The least that an instance can be: answers 200 to every request on $HOST:$PORT, and ends at SIGTERM. */

#define _GNU_SOURCE /* strcasestr */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 256, REQUEST = 4096 };

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\ntiny\n";

static void end(int signal) { _exit(signal == SIGTERM ? 0 : 1); }

static int listen_on(const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, host, &address.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) _exit(2);
    return listener;
}

/* Returns whether the connection goes on: a request without a body comes in one piece. */
static int answer(int connection) {
    char request[REQUEST + 1];
    ssize_t length = read(connection, request, REQUEST);
    if (length <= 0) return 0;
    request[length] = '\0';
    if (write(connection, ANSWER, sizeof ANSWER - 1) < 0) return 0;
    return strcasestr(request, "\r\nconnection: close") == NULL;
}

int main(void) {
    struct pollfd open[MOST];
    int count = 1;
    signal(SIGTERM, end); /* the first process of a namespace ends at no signal that it does not handle */
    signal(SIGPIPE, SIG_IGN);
    open[0] = (struct pollfd){.fd = listen_on(getenv("HOST"), atoi(getenv("PORT"))), .events = POLLIN};
    for (;;) {
        poll(open, count, -1);
        for (int each = count - 1; each > 0; each--)
            if (open[each].revents && !answer(open[each].fd)) {
                close(open[each].fd);
                open[each] = open[--count];
            }
        if (open[0].revents && count < MOST)
            open[count++] = (struct pollfd){.fd = accept(open[0].fd, NULL, NULL), .events = POLLIN};
    }
}
