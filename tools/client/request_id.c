/*
 * Request ids: new ones, and those that follow from a name.
 */
#include "stockbook/client.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/check.h"
#include "base/uuid.h"

_Static_assert(STOCKBOOK_REQUEST_ID_SIZE == UUID_TEXT_SIZE, "a request id is a UUID");

void stockbook_request_id_new(char text[STOCKBOOK_REQUEST_ID_SIZE])
{
	struct {
		uint64_t low;
		uint32_t high;
	} random = {0};
	/* Short reads do not happen for so few bytes. */
	CHECK(getrandom(&random, sizeof(random), 0) == sizeof(random));
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	struct uuid uuid = uuid_make(time_us, random.high % UUID_PARTS_MAX, random.low);
	uuid_format(&uuid, text);
}

void stockbook_request_id_derive(const char *name_space, const char *name,
	char text[STOCKBOOK_REQUEST_ID_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	CHECK(hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL));
	/* The NUL between them keeps ("ab", "c") and ("a", "bc") apart. */
	CHECK(EVP_DigestUpdate(hash, name_space, strlen(name_space) + 1));
	CHECK(EVP_DigestUpdate(hash, name, strlen(name)));
	CHECK(EVP_DigestFinal_ex(hash, digest, &size) && size >= 16);
	EVP_MD_CTX_free(hash);
	struct uuid uuid;
	memcpy(uuid.bytes, digest, sizeof(uuid.bytes));
	uuid.bytes[6] = (uint8_t)(0x80 | (uuid.bytes[6] & 0x0f));
	uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
	uuid_format(&uuid, text);
}
