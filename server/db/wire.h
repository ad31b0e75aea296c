/*
 * Private to db/: numbers in network byte order, and PostgreSQL's clock.
 */
#ifndef STOCKBOOK_DB_WIRE_H
#define STOCKBOOK_DB_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* PostgreSQL counts from 2000-01-01. */
#define WIRE_EPOCH_US (INT64_C(946684800) * 1000000)

static inline void wire_put32(void *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
}

static inline void wire_put64(void *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
}

static inline uint16_t wire_get16(const void *from)
{
	uint16_t value;
	memcpy(&value, from, sizeof(value));
	return be16toh(value);
}

static inline uint32_t wire_get32(const void *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof(value));
	return be32toh(value);
}

static inline uint64_t wire_get64(const void *from)
{
	uint64_t value;
	memcpy(&value, from, sizeof(value));
	return be64toh(value);
}

static inline uint64_t wire_double(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* The infinities are the same numbers on both clocks. */
static inline int64_t wire_time(int64_t time_us)
{
	if (time_us == INT64_MAX || time_us == INT64_MIN)
		return time_us;
	return time_us < INT64_MIN + WIRE_EPOCH_US ? INT64_MIN : time_us - WIRE_EPOCH_US;
}

static inline int64_t wire_time_back(int64_t time)
{
	if (time == INT64_MAX || time == INT64_MIN)
		return time;
	return time > INT64_MAX - WIRE_EPOCH_US ? INT64_MAX : time + WIRE_EPOCH_US;
}

#endif
