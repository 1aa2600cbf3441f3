/*
 * What the kernel alone costs: a WebSocket server with no game, one thread, epoll. It reads (and unmasks, as it must) what clients send, and sends each of them the same
 * bytes 20 times a second, spread over the tick in 50 groups like ours. Argument: the bytes of a frame. Says its port.
 * For our own load generator alone: it does not compute the handshake's accept key.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 16384, GROUPS = 50, READ = 65536, PERIOD_MS = 50 };
enum stage { SHAKING, HELLO, PLAYING };

struct client {
  int fd;
  enum stage stage;
};

static struct client clients[CLIENTS];
static struct client *playing[CLIENTS];
static int used, players;
static uint8_t frame[READ];
static size_t frame_length;
static uint64_t read_frames;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void make_frame(size_t payload) {
  size_t at = 2;
  frame[0] = 0x82;
  if (payload < 126) frame[1] = (uint8_t)payload;
  else {
    frame[1] = 126;
    frame[2] = (uint8_t)(payload >> 8);
    frame[3] = (uint8_t)payload;
    at = 4;
  }
  frame[at] = 2;
  for (size_t i = 1; i < payload; i++) frame[at + i] = (uint8_t)i;
  frame_length = at + payload;
}

static void send_all(struct client *c, const void *bytes, size_t length) {
  if (c->fd >= 0 && send(c->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) {
    close(c->fd);
    c->fd = -1;
  }
}

/* Unmasks every whole frame; clients' frames are small and come whole. */
static void read_clients_frames(uint8_t *bytes, size_t length) {
  size_t at = 0;
  while (at + 6 <= length) {
    size_t payload = bytes[at + 1] & 0x7f, header = 6;
    if (payload == 126) {
      payload = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
      header = 8;
    }
    if (at + header + payload > length) return;
    const uint8_t *key = bytes + at + header - 4;
    for (size_t i = 0; i < payload; i++) bytes[at + header + i] ^= key[i & 3];
    at += header + payload;
    read_frames++;
  }
}

static void receive(struct client *c) {
  static uint8_t buffer[READ];
  ssize_t got = recv(c->fd, buffer, READ, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    close(c->fd);
    c->fd = -1;
  } else if (c->stage == SHAKING) {
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: none\r\n\r\n";
    send_all(c, answer, sizeof answer - 1);
    c->stage = HELLO;
  } else {
    read_clients_frames(buffer, (size_t)got);
    if (c->stage == HELLO) {
      c->stage = PLAYING;
      playing[players++] = c;
    }
  }
}

static int listen_somewhere(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof place;
  if (bind(fd, (struct sockaddr *)&place, length) != 0 || listen(fd, 1024) != 0) exit(1);
  getsockname(fd, (struct sockaddr *)&place, &length);
  printf("%d\n", ntohs(place.sin_port));
  fflush(stdout);
  return fd;
}

static void accept_all(int listener, int poll_fd) {
  int fd, yes = 1;
  while (used < CLIENTS && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct client *c = &clients[used++];
    *c = (struct client){.fd = fd, .stage = SHAKING};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(int count, char **arguments) {
  make_frame(count > 1 ? (size_t)atoi(arguments[1]) : 250);
  int listener = listen_somewhere(), poll_fd = epoll_create1(0);
  struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &listening);
  double began = now_ms();
  for (long group = 0;;) {
    static struct epoll_event events[1024];
    double due = began + group * (double)PERIOD_MS / GROUPS;
    int ready = epoll_wait(poll_fd, events, 1024, now_ms() < due ? 1 : 0);
    for (int i = 0; i < ready; i++) {
      struct client *c = events[i].data.ptr;
      if (c == NULL) accept_all(listener, poll_fd);
      else if (c->fd >= 0) receive(c);
    }
    for (double now = now_ms(); now >= due; due = began + group * (double)PERIOD_MS / GROUPS) {
      for (int i = (int)(group % GROUPS); i < players; i += GROUPS) send_all(playing[i], frame, frame_length);
      group++;
    }
  }
}
