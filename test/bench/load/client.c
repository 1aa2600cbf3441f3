#include "client.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t KEY[4] = {0x5a, 0x13, 0xc7, 0x2e};

size_t masked_frame(uint8_t *out, uint8_t first, const uint8_t *payload, size_t length) {
  size_t at = 2;
  out[0] = first;
  if (length < 126) out[1] = 0x80 | (uint8_t)length;
  else {
    out[1] = 0x80 | 126;
    out[2] = (uint8_t)(length >> 8);
    out[3] = (uint8_t)length;
    at = 4;
  }
  memcpy(out + at, KEY, 4);
  at += 4;
  for (size_t i = 0; i < length; i++) out[at + i] = payload[i] ^ KEY[i & 3];
  return at + length;
}

size_t frame_header(const uint8_t *bytes, size_t length, size_t *payload) {
  if (length < 2) return 0;
  size_t header = bytes[1] < 126 ? 2 : bytes[1] == 126 ? 4 : 10;
  if (length < header) return 0;
  *payload = bytes[1];
  if (header > 2) {
    *payload = 0;
    for (size_t i = 2; i < header; i++) *payload = *payload << 8 | bytes[i];
  }
  return header;
}

static size_t varint(uint8_t *out, uint32_t value) {
  size_t at = 0;
  while (value > 0x7f) {
    out[at++] = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  out[at++] = (uint8_t)value;
  return at;
}

uint32_t state_tick(const uint8_t *payload, size_t length) {
  uint32_t value = 0;
  size_t at = 2;
  /* Kind and flags, then the epoch, then the tick. */
  while (at < length && payload[at] > 0x7f) at++;
  at++;
  for (int shift = 0; at < length && shift < 35; shift += 7) {
    value |= (uint32_t)(payload[at] & 0x7f) << shift;
    if (payload[at++] < 0x80) break;
  }
  return value;
}

static uint32_t zigzag(int value) { return ((uint32_t)value << 1) ^ (uint32_t)(value >> 31); }

/* Field numbers of core/protocol/bailiwick.proto: sequence 1, move 3 (vx 1, vy 2), seen 15. */
static size_t our_move(uint8_t *out, uint32_t sequence, int vx, int vy, uint32_t seen) {
  uint8_t body[16];
  size_t length = 0;
  if (vx != 0) {
    body[length++] = 0x08;
    length += varint(body + length, zigzag(vx));
  }
  if (vy != 0) {
    body[length++] = 0x10;
    length += varint(body + length, zigzag(vy));
  }
  size_t at = 0;
  out[at++] = 1;
  out[at++] = 0x08;
  at += varint(out + at, sequence);
  out[at++] = 0x1a;
  out[at++] = (uint8_t)length;
  memcpy(out + at, body, length);
  at += length;
  if (seen == 0) return at;
  out[at++] = 0x78;
  return at + varint(out + at, seen);
}

/* What room.send('move', { vx, vy }) sends: ROOM_DATA, the type as a text, a MessagePack map. */
static size_t their_move(uint8_t *out, int vx, int vy) {
  static const uint8_t form[] = {13, 0xa4, 'm', 'o', 'v', 'e', 0x82, 0xa2, 'v', 'x', 0xd1, 0, 0, 0xa2, 'v', 'y', 0xd1, 0, 0};
  memcpy(out, form, sizeof form);
  out[11] = (uint8_t)(vx >> 8);
  out[12] = (uint8_t)vx;
  out[17] = (uint8_t)(vy >> 8);
  out[18] = (uint8_t)vy;
  return sizeof form;
}

size_t encode_move(enum side side, uint8_t *out, uint32_t sequence, int vx, int vy, uint32_t seen) {
  return side == BAILIWICK ? our_move(out, sequence, vx, vy, seen) : their_move(out, vx, vy);
}

bool is_state(enum side side, const uint8_t *payload, size_t length) { return length > 0 && payload[0] == (side == BAILIWICK ? 2 : 15); }

int greeting(enum side side, const uint8_t *payload, size_t length) {
  if (side == COLYSEUS) return length > 0 && payload[0] == 10 ? 1 : length > 0 && payload[0] == 11 ? -1 : 0;
  /* The welcome comes within the first state frame. */
  if (length > 0 && payload[0] == 2) return 1;
  if (length < 2 || payload[0] != 1) return 0;
  /* ServerMessage: welcome is field 1; refused, redirect, goodbye are 8, 9, 10. */
  if (payload[1] == 0x0a) return 1;
  return payload[1] == 0x42 || payload[1] == 0x4a || payload[1] == 0x52 ? -1 : 0;
}

static double clamp(double value, double min, double max) { return value < min ? min : value > max ? max : value; }
static double chance(void) { return (double)rand() / ((double)RAND_MAX + 1); }

static const double SPEED = 5000, TURN = 0.5, SHY = 8000;

void walk(struct client *client, const struct bounds *b, double seconds) {
  double x = client->x = clamp(client->x + client->vx * seconds, b->min_x, b->max_x);
  double y = client->y = clamp(client->y + client->vy * seconds, b->min_y, b->max_y);
  client->heading += (chance() - 0.5) * 2 * TURN;
  if (x - b->min_x < SHY || b->max_x - x < SHY || y - b->min_y < SHY || b->max_y - y < SHY)
    client->heading = atan2((b->min_y + b->max_y) / 2 - y, (b->min_x + b->max_x) / 2 - x) + (chance() - 0.5) * 2;
  client->vx = (int)lround(SPEED * cos(client->heading));
  client->vy = (int)lround(SPEED * sin(client->heading));
}

double mean_in_view(const struct client *clients, int count, double cell) {
  long pairs = 0;
  for (int i = 0; i < count; i++) {
    double column = floor(clients[i].x / cell), row = floor(clients[i].y / cell);
    for (int k = 0; k < count; k++)
      if (fabs(floor(clients[k].x / cell) - column) <= 1 && fabs(floor(clients[k].y / cell) - row) <= 1) pairs++;
  }
  return count == 0 ? 0 : (double)pairs / count - 1;
}
