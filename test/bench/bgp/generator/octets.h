/* SPDX-License-Identifier: Apache-2.0 */
/* Octets in network order, appended to a buffer that grows. */
#ifndef OCTETS_H
#define OCTETS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct octets {
	uint8_t *at;
	size_t length;
	size_t room;
};

static inline void *must(void *memory)
{
	if (memory == NULL) {
		fprintf(stderr, "bgp-load: out of memory\n");
		exit(1);
	}
	return memory;
}

static inline uint8_t *grow(struct octets *o, size_t count)
{
	if (o->length + count > o->room) {
		o->room = 2 * o->room + count + 4096;
		o->at = must(realloc(o->at, o->room));
	}
	o->length += count;
	return o->at + o->length - count;
}

static inline void store16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void store32(uint8_t *at, uint32_t value)
{
	store16(at, value >> 16);
	store16(at + 2, value);
}

static inline void store64(uint8_t *at, uint64_t value)
{
	store32(at, (uint32_t)(value >> 32));
	store32(at + 4, (uint32_t)value);
}

static inline uint32_t load16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t load32(const uint8_t *at)
{
	return load16(at) << 16 | load16(at + 2);
}

static inline uint64_t load64(const uint8_t *at)
{
	return (uint64_t)load32(at) << 32 | load32(at + 4);
}

static inline void put8(struct octets *o, uint32_t value)
{
	*grow(o, 1) = (uint8_t)value;
}

static inline void put16(struct octets *o, uint32_t value)
{
	store16(grow(o, 2), value);
}

static inline void put32(struct octets *o, uint32_t value)
{
	store32(grow(o, 4), value);
}

static inline void put(struct octets *o, const void *from, size_t count)
{
	memcpy(grow(o, count), from, count);
}

#endif
