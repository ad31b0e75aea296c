#include "api/authenticate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "api/private.h"
#include "base/message.h"

#include "stockbook/internal/v1/token.pb-c.h"

#define SCHEME "bearer "
#define SECRET_BYTES_MAX 512

/* Places for entries: sets of a few ways each, the oldest of a set makes room. */
#define ENTRY_WAYS 4
#define KNOWN_SETS 256
#define UNKNOWN_SETS 64
#define LOOKUPS_MAX 64

/* Counted from when the lookup was sent, so that a slow one does not lengthen what is promised. */
#define REFRESH_AFTER_US 800000
#define FORGET_AFTER_US 1700000
#define FORGET_UNKNOWN_AFTER_US 500000
#define LOOKUP_US 5000000

struct token_entry {
	bool used;
	uint8_t hash[TOKEN_HASH_SIZE];
	int64_t asked_us;
	struct arena arena; /* of the actor */
	struct actor actor; /* nothing in it for unknown tokens */
};

struct token_lookup {
	struct token_lookup *next;
	struct api *api;
	uint8_t hash[TOKEN_HASH_SIZE];
	int64_t asked_us;
	struct arena arena;
	Stockbook__Internal__V1__FindTokenRequest message;
	struct engine_request request;
	struct api_call *waiting; /* in the order in which they came */
	struct api_call **waiting_end;
	size_t waiting_count;
};

static const struct actor lookup_actor = {.name = "api", .role = STOCKBOOK__V1__ROLE__ROLE_ADMIN};

/* Looked up by name once: that takes OpenSSL four times as long as the hash itself. */
static EVP_MD_CTX *token_digest(void)
{
	static EVP_MD *sha256;
	static EVP_MD_CTX *context;
	if (!context) {
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		context = EVP_MD_CTX_new();
		CHECK(sha256 != NULL && context != NULL);
	}
	CHECK(EVP_DigestInit_ex2(context, sha256, NULL) == 1);
	return context;
}

void token_hash(const char *secret, uint8_t hash[static TOKEN_HASH_SIZE])
{
	EVP_MD_CTX *digest = token_digest();
	unsigned size = 0;
	CHECK(EVP_DigestUpdate(digest, secret, strlen(secret)) == 1);
	CHECK(EVP_DigestFinal_ex(digest, hash, &size) == 1 && size == TOKEN_HASH_SIZE);
}

/* ---- What is remembered ---- */

void authenticator_open(struct authenticator *authenticator, struct arena *arena)
{
	*authenticator = (struct authenticator){0};
	authenticator->known =
		arena_alloc_array(arena, KNOWN_SETS * ENTRY_WAYS, sizeof(struct token_entry));
	authenticator->unknown =
		arena_alloc_array(arena, UNKNOWN_SETS * ENTRY_WAYS, sizeof(struct token_entry));
}

static void forget_entries(struct token_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (entries[i].used)
			arena_release(&entries[i].arena);
		entries[i].used = false;
	}
}

void authenticator_forget(struct authenticator *authenticator)
{
	forget_entries(authenticator->known, KNOWN_SETS * ENTRY_WAYS);
	forget_entries(authenticator->unknown, UNKNOWN_SETS * ENTRY_WAYS);
}

void authenticator_close(struct authenticator *authenticator)
{
	CHECK(authenticator->lookup_count == 0);
	authenticator_forget(authenticator);
}

/* The ways of the hash's set. */
static struct token_entry *entry_set(struct token_entry *entries, size_t sets,
	const uint8_t hash[static TOKEN_HASH_SIZE])
{
	size_t set = ((size_t)hash[0] << 8 | hash[1]) % sets;
	return entries + set * ENTRY_WAYS;
}

/* Compares in constant time: how long it takes tells nothing of how much was guessed. */
static struct token_entry *find_entry(struct token_entry *set, const uint8_t *hash, int64_t age_us)
{
	int64_t now_us = api_clock_us();
	for (size_t i = 0; i < ENTRY_WAYS; i++) {
		if (set[i].used && CRYPTO_memcmp(set[i].hash, hash, TOKEN_HASH_SIZE) == 0 &&
			now_us - set[i].asked_us < age_us)
			return &set[i];
	}
	return NULL;
}

/* A place for the hash: its own old one, a free one, or the oldest. */
static struct token_entry *take_entry(struct token_entry *set, const uint8_t *hash)
{
	struct token_entry *taken = &set[0];
	for (size_t i = 0; i < ENTRY_WAYS; i++) {
		if (set[i].used && memcmp(set[i].hash, hash, TOKEN_HASH_SIZE) == 0) {
			taken = &set[i];
			break;
		}
		if (taken->used && (!set[i].used || set[i].asked_us < taken->asked_us))
			taken = &set[i];
	}
	if (taken->used)
		arena_release(&taken->arena);
	*taken = (struct token_entry){.used = true};
	arena_init(&taken->arena);
	memcpy(taken->hash, hash, TOKEN_HASH_SIZE);
	return taken;
}

static void copy_actor(struct actor *to, const struct actor *from, struct arena *arena)
{
	*to = *from;
	to->name = arena_string(arena, from->name);
	const char **locations = arena_alloc_array(arena, from->locations.count, sizeof(*locations));
	for (size_t i = 0; i < from->locations.count; i++)
		locations[i] = arena_string(arena, from->locations.items[i]);
	to->locations.items = locations;
}

/* ---- Looking up ---- */

static void refuse_unknown(struct refusal *refusal)
{
	*refusal = (struct refusal){
		.reason = STOCKBOOK__V1__REASON__REASON_TOKEN_INVALID,
		.message = "the token is unknown or revoked",
	};
}

static void lookup_unlink(struct token_lookup *lookup)
{
	struct authenticator *authenticator = &lookup->api->authenticator;
	struct token_lookup **link = &authenticator->lookups;
	while (*link != lookup)
		link = &(*link)->next;
	*link = lookup->next;
	authenticator->lookup_count--;
}

static void remember_unknown(struct token_lookup *lookup)
{
	struct token_entry *entry =
		take_entry(entry_set(lookup->api->authenticator.unknown, UNKNOWN_SETS, lookup->hash),
			lookup->hash);
	entry->asked_us = lookup->asked_us;
}

static void remember_known(struct token_lookup *lookup, const struct actor *actor)
{
	struct token_entry *entry =
		take_entry(entry_set(lookup->api->authenticator.known, KNOWN_SETS, lookup->hash),
			lookup->hash);
	entry->asked_us = lookup->asked_us;
	copy_actor(&entry->actor, actor, &entry->arena);
}

static void forget_known(struct token_lookup *lookup)
{
	struct token_entry *set = entry_set(lookup->api->authenticator.known, KNOWN_SETS, lookup->hash);
	struct token_entry *entry = find_entry(set, lookup->hash, INT64_MAX);
	if (!entry)
		return;
	arena_release(&entry->arena);
	entry->used = false;
}

/* False: there is no such token, or it is revoked. */
static bool read_actor(struct token_lookup *lookup, struct actor *actor)
{
	ProtobufCAllocator allocator = message_allocator(&lookup->arena);
	const Stockbook__Internal__V1__FindTokenResponse *response =
		stockbook__internal__v1__find_token_response__unpack(&allocator,
			lookup->request.response_size, lookup->request.response);
	CHECK(response != NULL); /* the engine packed it */
	const Stockbook__V1__Token *token = response->token;
	if (!token || token->revoke_time)
		return false;
	*actor = (struct actor){
		.name = token->name,
		.role = (int)token->role,
		.bound = token->role == STOCKBOOK__V1__ROLE__ROLE_STORE,
		.locations = {(const char *const *)token->locations, token->n_locations},
	};
	return true;
}

static void lookup_done(struct engine_request *request)
{
	struct token_lookup *lookup = request->data;
	struct actor actor;
	bool answered = request->outcome == ENGINE_DONE;
	bool known = answered && read_actor(lookup, &actor);
	struct refusal refusal = request->refusal;
	lookup_unlink(lookup);
	if (known) {
		remember_known(lookup, &actor);
	} else if (answered) {
		forget_known(lookup);
		remember_unknown(lookup);
		refuse_unknown(&refusal);
	}
	for (struct api_call *call = lookup->waiting; call;) {
		struct api_call *next = call->next_waiting;
		if (known) {
			copy_actor(&call->actor, &actor, &call->call->arena);
			api_call_continue(call);
		} else {
			api_call_finish_refused(call, &refusal);
		}
		call = next;
	}
	arena_release(&lookup->arena);
	free(lookup);
}

static struct token_lookup *lookup_find(struct api *api, const uint8_t *hash)
{
	for (struct token_lookup *lookup = api->authenticator.lookups; lookup; lookup = lookup->next) {
		if (CRYPTO_memcmp(lookup->hash, hash, TOKEN_HASH_SIZE) == 0)
			return lookup;
	}
	return NULL;
}

/* One lookup a token at a time. NULL: too many are under way. */
static struct token_lookup *lookup_start(struct api *api, const uint8_t *hash)
{
	struct token_lookup *lookup = lookup_find(api, hash);
	if (lookup || api->authenticator.lookup_count >= LOOKUPS_MAX)
		return lookup;
	lookup = calloc(1, sizeof(*lookup));
	CHECK(lookup != NULL);
	lookup->api = api;
	lookup->asked_us = api_clock_us();
	lookup->waiting_end = &lookup->waiting;
	memcpy(lookup->hash, hash, TOKEN_HASH_SIZE);
	arena_init(&lookup->arena);
	stockbook__internal__v1__find_token_request__init(&lookup->message);
	lookup->message.hash = (ProtobufCBinaryData){TOKEN_HASH_SIZE, lookup->hash};
	lookup->request = (struct engine_request){
		.operation = api->engine.find("Internal/FindToken"),
		.message = &lookup->message,
		.arena = &lookup->arena,
		.actor = &lookup_actor,
		.random = api_random(api),
		.deadline_us = lookup->asked_us + LOOKUP_US,
		.done = lookup_done,
		.data = lookup,
	};
	lookup->next = api->authenticator.lookups;
	api->authenticator.lookups = lookup;
	api->authenticator.lookup_count++;
	api->engine.submit(api->engine.engine, &lookup->request);
	return lookup;
}

/* ---- Calls ---- */

/* NULL: there is no token in it. */
static const char *read_secret(const char *authorization, struct refusal *refusal)
{
	refusal->reason = STOCKBOOK__V1__REASON__REASON_TOKEN_INVALID;
	if (!authorization) {
		refusal->message =
			"there is no token: send the metadata 'authorization' with 'Bearer ' and the token";
		return NULL;
	}
	if (strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0) {
		refusal->message = "the metadata 'authorization' must be 'Bearer ' and the token";
		return NULL;
	}
	const char *secret = authorization + strlen(SCHEME);
	while (*secret == ' ')
		secret++;
	if (!*secret || strlen(secret) > SECRET_BYTES_MAX) {
		refuse_unknown(refusal);
		return NULL;
	}
	return secret;
}

enum authentication authenticate(struct api_call *call, struct refusal *refusal)
{
	struct api *api = call->api;
	struct authenticator *authenticator = &api->authenticator;
	if (api->settings.open) {
		call->actor = (struct actor){.name = "open", .role = STOCKBOOK__V1__ROLE__ROLE_ADMIN};
		return AUTHENTICATION_DONE;
	}
	*refusal = (struct refusal){0};
	const char *secret = read_secret(call->call->authorization, refusal);
	if (!secret)
		return AUTHENTICATION_REFUSED;
	uint8_t hash[TOKEN_HASH_SIZE];
	token_hash(secret, hash);

	const struct token_entry *entry =
		find_entry(entry_set(authenticator->known, KNOWN_SETS, hash), hash, FORGET_AFTER_US);
	if (entry) {
		copy_actor(&call->actor, &entry->actor, &call->call->arena);
		if (api_clock_us() - entry->asked_us > REFRESH_AFTER_US)
			lookup_start(api, hash); /* nobody waits for it */
		return AUTHENTICATION_DONE;
	}
	if (find_entry(entry_set(authenticator->unknown, UNKNOWN_SETS, hash), hash,
			FORGET_UNKNOWN_AFTER_US)) {
		refuse_unknown(refusal);
		return AUTHENTICATION_REFUSED;
	}
	struct token_lookup *lookup = lookup_start(api, hash);
	if (!lookup) {
		refusal->reason = STOCKBOOK__V1__REASON__REASON_OVERLOADED;
		refusal->message = "too many tokens are being looked up";
		return AUTHENTICATION_REFUSED;
	}
	if (!admission_has_left(api, lookup->waiting_count)) {
		admission_refuse_calls(api, &call->call->arena, refusal);
		return AUTHENTICATION_REFUSED;
	}
	lookup->waiting_count++;
	call->next_waiting = NULL;
	*lookup->waiting_end = call;
	lookup->waiting_end = &call->next_waiting;
	return AUTHENTICATION_WAITS;
}
