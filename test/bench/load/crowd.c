/*
 * The crowd of bench:crowd and bench:fan-out: thousands of clients on one core, which only count. In C because on one core Node drives about half as many.
 * Told on its input: a line `side host port count minX minY maxX maxY cell rate`, then for each client `x y path hello` (hello in hexadecimal, - for none).
 * Says `joined`, or `failed` and why; then for each line `measure MS` one line of JSON (CrowdReport of client/load/crowd.ts, and samples of frames).
 * It ends with its input.
 */
#define _GNU_SOURCE
#include "client.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FINE = 20000, COARSE = 500, AT_ONCE = 96, SAMPLES = 64, READ = 65536, JOIN_LIMIT = 60000 };
/* Milliseconds: a client moves, the process wakes up. Until all are in, a client stands, and says so (and what it has seen) with one move in ten. */
static const double MOVE_EVERY = 100, BEAT = 0.5;

static enum side side;
static struct sockaddr_in place;
static struct bounds bounds;
static double cell, rate;
static int count, entered, entering, next_in, poll_fd;
static struct client *clients;

static uint32_t all[FINE], late[FINE];
static uint16_t *each;
static double longest, latest;
static long frames, missed, sent, lost, received;
static bool measuring, joined;
static uint8_t *samples[SAMPLES];
static size_t sample_length[SAMPLES];
static int sampled;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void fail(const char *form, ...) {
  va_list arguments;
  va_start(arguments, form);
  printf("failed ");
  vprintf(form, arguments);
  printf("\n");
  fflush(stdout);
  exit(1);
}

static void drop(struct client *c, const char *why) {
  if (c->stage == GONE) return;
  if (!joined) fail("client %ld: %s", (long)(c - clients), why);
  close(c->fd);
  c->stage = GONE;
  lost++;
}

static void put(struct client *c, uint8_t first, const uint8_t *payload, size_t length) {
  static uint8_t frame[READ + 8];
  size_t size = masked_frame(frame, first, payload, length);
  /* What a client sends is tiny: if the kernel does not take it at once, the server has stopped reading. */
  if (send(c->fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size) drop(c, "the server does not read");
}

static void enter(struct client *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int yes = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&place, sizeof place) < 0 && errno != EINPROGRESS)) fail("no connection: %s", strerror(errno));
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
  entering++;
}

static void shake(struct client *c) {
  char text[1024];
  int length = snprintf(text, sizeof text,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n",
                        c->path);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event);
  if (send(c->fd, text, (size_t)length, MSG_NOSIGNAL) != length) drop(c, "no handshake");
  c->stage = SHAKING;
}

static void state(struct client *c, const uint8_t *payload, size_t length, double now) {
  if (c->last > 0 && measuring) {
    double gap = now - c->last;
    int fine = (int)(gap * 10), coarse = (int)gap;
    all[fine < FINE ? fine : FINE - 1]++;
    each[(c - clients) * COARSE + (coarse < COARSE ? coarse : COARSE - 1)]++;
    if (gap > longest) longest = gap;
  }
  c->last = now;
  int64_t before = c->tick;
  if (side == BAILIWICK) c->tick = state_tick(payload, length);
  if (!measuring) return;
  if (before >= 0 && c->tick > before + 1) missed += c->tick - before - 1;
  if (frames++ % 97 == 0 && sampled < SAMPLES && length <= READ) {
    samples[sampled] = malloc(length);
    memcpy(samples[sampled], payload, length);
    sample_length[sampled++] = length;
  }
}

static void message(struct client *c, const uint8_t *payload, size_t length, double now) {
  if (c->stage == PLAYING && is_state(side, payload, length)) state(c, payload, length, now);
  if (c->stage != GREETING) return;
  int what = greeting(side, payload, length);
  if (what < 0) fail("client %ld was turned away: %.*s", (long)(c - clients), (int)(length < 200 ? length : 200), payload);
  if (what == 0) return;
  if (side == COLYSEUS) put(c, 0x82, (const uint8_t[]){10}, 1);
  c->stage = PLAYING;
  entering--;
  entered++;
}

/* Takes one frame from the bytes; answers how many it took, 0 when it is not whole. */
static size_t take(struct client *c, const uint8_t *bytes, size_t length, double now) {
  if (c->stage == SHAKING) {
    const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    if (length < 12 || memcmp(bytes, "HTTP/1.1 101", 12) != 0) fail("the handshake was answered %.60s", bytes);
    c->stage = GREETING;
    if (c->hello_length > 0) put(c, 0x82, c->hello, c->hello_length);
    return (size_t)(end + 4 - bytes);
  }
  size_t payload = 0, header = frame_header(bytes, length, &payload);
  if (payload > READ) drop(c, "a frame that is too long");
  if (header == 0 || payload > READ || length < header + payload) return 0;
  if (bytes[0] == 0x82) message(c, bytes + header, payload, now);
  else if (bytes[0] == 0x89) put(c, 0x8a, bytes + header, payload);
  else if (bytes[0] == 0x88) drop(c, "the server closed");
  return header + payload;
}

static void receive(struct client *c) {
  static uint8_t buffer[2 * READ];
  size_t have = c->rest_length;
  if (have > READ) {
    drop(c, "a frame that does not end");
    return;
  }
  if (have > 0) memcpy(buffer, c->rest, have);
  ssize_t got = recv(c->fd, buffer + have, READ, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0 || got > READ) {
    drop(c, "the connection ended");
    return;
  }
  double now = now_ms();
  if (measuring) received += got;
  size_t length = have + (size_t)got, at = 0;
  while (at < length && c->stage != GONE) {
    size_t taken = take(c, buffer + at, length - at, now);
    if (taken == 0 || taken > length - at) break;
    at += taken;
  }
  c->rest_length = c->stage == GONE ? 0 : length - at;
  if (c->rest_length > 0) {
    c->rest = realloc(c->rest, c->rest_length);
    memcpy(c->rest, buffer + at, c->rest_length);
  }
}

/* Moves are spread over the time between two moves of one client, in the order of the clients; who is late does not send two at once. */
static void move_those_due(double since) {
  static long done;
  long due = (long)((now_ms() - since) / MOVE_EVERY * count);
  if (done < due - count) done = due - count;
  for (; done < due; done++) {
    struct client *c = &clients[done % count];
    if (c->stage != PLAYING) continue;
    uint8_t payload[32];
    if (joined) walk(c, &bounds, MOVE_EVERY / 1e3);
    else if (done / count % 10 != 0) continue;
    put(c, 0x82, payload, encode_move(side, payload, ++c->sequence, c->vx, c->vy, c->tick > 0 ? (uint32_t)c->tick : 0));
    if (measuring) sent++;
  }
}

/* One beat: sleeps until it is time, lets in, moves, reads everything that came. Answers nothing; notes how late it was. */
static void beat(void) {
  static double began, next;
  if (began == 0) began = next = now_ms();
  next += BEAT;
  double wait = next - now_ms();
  if (wait > 0) {
    struct timespec t = {.tv_nsec = (long)(wait * 1e6)};
    nanosleep(&t, NULL);
  }
  double behind = now_ms() - next;
  if (measuring && behind >= 0) {
    late[behind * 10 < FINE ? (int)(behind * 10) : FINE - 1]++;
    if (behind > latest) latest = behind;
  }
  if (behind > 0) next += behind;
  while (next_in < count && entering < AT_ONCE) enter(&clients[next_in++]);
  move_those_due(began);
  static struct epoll_event events[4096];
  int ready = epoll_wait(poll_fd, events, 4096, 0);
  for (int i = 0; i < ready; i++) {
    struct client *c = events[i].data.ptr;
    if (c->stage == CONNECTING && (events[i].events & EPOLLOUT)) shake(c);
    else if (c->stage != GONE) receive(c);
  }
}

/* The upper edge of the bucket that holds this share of all counts from below. */
static int percentile(const uint32_t *wide, const uint16_t *narrow, int buckets, double share) {
  long total = 0, seen = 0;
  for (int i = 0; i < buckets; i++) total += wide != NULL ? wide[i] : narrow[i];
  for (int i = 0; i < buckets && total > 0; i++) {
    seen += wide != NULL ? wide[i] : narrow[i];
    if (seen >= total * share) return i + 1;
  }
  return 0;
}

static double cpu_ms(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e3 + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e3;
}

static void report(double ms, double cpu) {
  int worst = 0;
  long gaps = 0;
  for (int i = 0; i < FINE; i++) gaps += all[i];
  for (int i = 0; i < count; i++) {
    int p = percentile(NULL, each + (size_t)i * COARSE, COARSE, 0.99);
    if (p > worst) worst = p;
  }
  double late99 = percentile(late, NULL, FINE, 0.99) / 10.0, share = cpu / ms;
  printf("{\"clients\":%d,\"seconds\":%.4f,\"gaps\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f,\"worstClientP99\":%d,\"count\":%ld},", count, ms / 1e3,
         percentile(all, NULL, FINE, 0.5) / 10.0, percentile(all, NULL, FINE, 0.99) / 10.0, longest, worst, gaps);
  printf("\"due\":%ld,\"arrived\":%ld,\"bytesPerClientSecond\":%.1f,\"sent\":%ld,\"lost\":%ld,\"inView\":%.2f,", (long)(count * ms / 1e3 * rate + 0.5),
         frames, received / (double)count / ms * 1e3, sent, lost, mean_in_view(clients, count, cell));
  if (side == BAILIWICK) printf("\"missedTicks\":%ld,", missed);
  printf("\"headroom\":{\"cpu\":%.4f,\"delayP99\":%.1f,\"delayMax\":%.1f,\"saturated\":%s},\"samples\":[", share, late99, latest,
         share > 0.92 || late99 > 15 ? "true" : "false");
  for (int i = 0; i < sampled; i++) {
    printf(i == 0 ? "\"" : ",\"");
    for (size_t k = 0; k < sample_length[i]; k++) printf("%02x", samples[i][k]);
    printf("\"");
    free(samples[i]);
  }
  printf("]}\n");
  fflush(stdout);
  sampled = 0;
}

static void measure(double ms) {
  memset(all, 0, sizeof all);
  memset(late, 0, sizeof late);
  memset(each, 0, sizeof *each * COARSE * (size_t)count);
  longest = latest = 0;
  frames = missed = sent = lost = received = 0;
  double cpu = cpu_ms(), from = now_ms();
  measuring = true;
  while (now_ms() - from < ms) beat();
  measuring = false;
  report(now_ms() - from, cpu_ms() - cpu);
}

static void read_crowd(void) {
  char name[16], host[64];
  int port;
  if (scanf("%15s %63s %d %d %lf %lf %lf %lf %lf %lf", name, host, &port, &count, &bounds.min_x, &bounds.min_y, &bounds.max_x, &bounds.max_y, &cell, &rate) != 10)
    fail("no crowd was described");
  side = strcmp(name, "colyseus") == 0 ? COLYSEUS : BAILIWICK;
  place = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &place.sin_addr);
  clients = calloc((size_t)count, sizeof *clients);
  each = calloc((size_t)count * COARSE, sizeof *each);
  for (int i = 0; i < count; i++) {
    static char hello[8192];
    struct client *c = &clients[i];
    if (scanf("%lf %lf %ms %8191s", &c->x, &c->y, &c->path, hello) != 4) fail("client %d was not described", i);
    c->heading = i;
    c->hello_length = hello[0] == '-' ? 0 : strlen(hello) / 2;
    c->hello = malloc(c->hello_length + 1);
    for (size_t k = 0; k < c->hello_length; k++) sscanf(hello + 2 * k, "%2hhx", &c->hello[k]);
  }
}

int main(void) {
  read_crowd();
  poll_fd = epoll_create1(0);
  double limit = now_ms() + JOIN_LIMIT;
  while (entered < count) {
    beat();
    if (now_ms() > limit) fail("%d of %d clients were in after %d ms", entered, count, JOIN_LIMIT);
  }
  joined = true;
  printf("joined\n");
  fflush(stdout);
  /* From now on commands come between beats. scanf has buffered none of them: they are written after `joined` was read. */
  fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  char line[64];
  for (;;) {
    beat();
    ssize_t got = read(STDIN_FILENO, line, sizeof line - 1);
    if (got == 0) return 0;
    if (got < 0) continue;
    line[got] = 0;
    double ms;
    if (sscanf(line, "measure %lf", &ms) == 1) measure(ms);
  }
}
