/* One client of the crowd: its socket, its walk, and the frames of RFC 6455 as far as a client needs them that only counts. */
#ifndef CLIENT_H
#define CLIENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stage { CONNECTING, SHAKING, GREETING, PLAYING, GONE };
enum side { BAILIWICK, COLYSEUS };

struct client {
  int fd;
  enum stage stage;
  /* Where it goes first, and what it says there; the texts are freed when it plays. */
  char *path;
  uint8_t *hello;
  size_t hello_length;
  /* The beginning of a frame (or of the handshake's answer) that a read cut off. */
  uint8_t *rest;
  size_t rest_length;
  uint32_t sequence;
  /* The tick of its last state frame, -1 before the first; when that came, milliseconds, 0 before the first. */
  int64_t tick;
  double last;
  double x, y, heading;
  int vx, vy;
};

/* Writes a masked frame into `out` (at least length + 8 bytes) and answers how long it is. At most 65,535 bytes of payload. */
size_t masked_frame(uint8_t *out, uint8_t first, const uint8_t *payload, size_t length);

/* Reads the header of the server's frame that `bytes` begin with. Answers its length, 0 when more bytes are needed, and sets the payload's length. */
size_t frame_header(const uint8_t *bytes, size_t length, size_t *payload);

/* The payload of a move as each side's client library sends it; answers its length, at most 32. `seen`: the tick of the last state, 0 before the first. */
size_t encode_move(enum side side, uint8_t *out, uint32_t sequence, int vx, int vy, uint32_t seen);
/* The tick of one of our state frames. */
uint32_t state_tick(const uint8_t *payload, size_t length);

/* True for a state frame (patch), which is what is counted. */
bool is_state(enum side side, const uint8_t *payload, size_t length);
/* 1: welcome, -1: turned away, 0: something else. */
int greeting(enum side side, const uint8_t *payload, size_t length);

struct bounds {
  double min_x, min_y, max_x, max_y;
};
/* The client goes on for the time since its last move (seconds) and turns a little; millimetres. The same walk as client/load/walk.ts. */
void walk(struct client *client, const struct bounds *bounds, double seconds);
/* How many others are in the 3x3 cells around a client, on average. */
double mean_in_view(const struct client *clients, int count, double cell);
#endif
