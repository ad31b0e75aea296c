/*
 * The first token. The secret is on disk, under another name, before the book is asked to keep its
 * hash, and gets its own name afterwards: whatever fails in between, no admin is lost and no file
 * names a token that does not exist.
 *
 *	FindAdmin -- found --> done, not created
 *	   |
 *	   v  write FILE.new (0600)
 *	CreateToken -- refused: another server was first --> remove FILE.new, done
 *	   |
 *	   v  rename to FILE, done, created
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/private.h"
#include "api/token.h"
#include "base/message.h"

#define BOOTSTRAP_NAME "bootstrap"
#define BOOTSTRAP_US 30000000

struct api_bootstrap {
	struct api *api;
	struct arena arena;
	const char *file;
	const char *file_new;
	struct secret secret;
	Stockbook__Internal__V1__FindAdminRequest find;
	Stockbook__Internal__V1__StoreTokenRequest store;
	Stockbook__V1__CreateTokenRequest create;
	struct engine_request request;
	void (*done)(const char *error, bool created, void *data);
	void *data;
};

static const struct actor bootstrap_actor = {
	.name = BOOTSTRAP_NAME, .role = STOCKBOOK__V1__ROLE__ROLE_ADMIN};

static void bootstrap_end(struct api_bootstrap *bootstrap, const char *error, bool created)
{
	bootstrap->api->bootstrap = NULL;
	bootstrap->done(error, created, bootstrap->data);
	struct arena arena = bootstrap->arena; /* it lies in there itself */
	arena_release(&arena);
}

static void bootstrap_submit(struct api_bootstrap *bootstrap, const char *operation,
	const void *message, void (*done)(struct engine_request *request))
{
	struct api *api = bootstrap->api;
	bootstrap->request = (struct engine_request){
		.operation = api->engine.find(operation),
		.message = message,
		.arena = &bootstrap->arena,
		.actor = &bootstrap_actor,
		.random = api_random(api),
		.deadline_us = api_clock_us() + BOOTSTRAP_US,
		.done = done,
		.data = bootstrap,
	};
	CHECK(bootstrap->request.operation != NULL);
	api->engine.submit(api->engine.engine, &bootstrap->request);
}

/* NULL, or what went wrong. */
static const char *write_secret(struct api_bootstrap *bootstrap)
{
	const char *file = bootstrap->file_new;
	/* Left over from an attempt that was killed; nothing else has this name. */
	unlink(file);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return arena_printf(&bootstrap->arena, "file '%s' cannot be made: %s", file,
			strerror(errno));
	char line[SECRET_TEXT_SIZE + 1];
	int length = snprintf(line, sizeof(line), "%s\n", bootstrap->secret.text);
	bool written = write(fd, line, (size_t)length) == length && fsync(fd) == 0;
	int reason = errno;
	close(fd);
	if (written)
		return NULL;
	unlink(file);
	return arena_printf(&bootstrap->arena, "file '%s' cannot be written: %s", file,
		strerror(reason));
}

static void token_stored(struct engine_request *request)
{
	struct api_bootstrap *bootstrap = request->data;
	const char *error = NULL;
	if (request->outcome == ENGINE_REFUSED) {
		unlink(bootstrap->file_new);
		if (request->refusal.reason != STOCKBOOK__V1__REASON__REASON_IN_USE)
			error = request->refusal.message;
	} else if (rename(bootstrap->file_new, bootstrap->file) != 0) {
		error = arena_printf(&bootstrap->arena, "file '%s' cannot be renamed to '%s': %s",
			bootstrap->file_new, bootstrap->file, strerror(errno));
	}
	bootstrap_end(bootstrap, error, request->outcome == ENGINE_DONE && !error);
}

static void admin_found(struct engine_request *request)
{
	struct api_bootstrap *bootstrap = request->data;
	if (request->outcome == ENGINE_REFUSED) {
		bootstrap_end(bootstrap, request->refusal.message, false);
		return;
	}
	ProtobufCAllocator allocator = message_allocator(&bootstrap->arena);
	const Stockbook__Internal__V1__FindAdminResponse *response =
		stockbook__internal__v1__find_admin_response__unpack(&allocator, request->response_size,
			request->response);
	CHECK(response != NULL); /* the engine packed it */
	if (response->found) {
		bootstrap_end(bootstrap, NULL, false);
		return;
	}
	secret_make(&bootstrap->secret);
	const char *error = write_secret(bootstrap);
	if (error) {
		bootstrap_end(bootstrap, error, false);
		return;
	}
	bootstrap_submit(bootstrap, "TokenService/CreateToken", &bootstrap->store, token_stored);
}

void api_bootstrap(struct api *api, const char *file,
	void (*done)(const char *error, bool created, void *data), void *data)
{
	CHECK(!api->bootstrap);
	struct arena arena;
	arena_init(&arena);
	struct api_bootstrap *bootstrap = arena_alloc(&arena, sizeof(*bootstrap));
	bootstrap->file = arena_string(&arena, file);
	bootstrap->file_new = arena_printf(&arena, "%s.new", file);
	bootstrap->api = api;
	bootstrap->done = done;
	bootstrap->data = data;
	stockbook__internal__v1__find_admin_request__init(&bootstrap->find);
	stockbook__internal__v1__store_token_request__init(&bootstrap->store);
	stockbook__v1__create_token_request__init(&bootstrap->create);
	bootstrap->create.name = arena_string(&arena, BOOTSTRAP_NAME);
	bootstrap->create.role = STOCKBOOK__V1__ROLE__ROLE_ADMIN;
	bootstrap->store.request = &bootstrap->create;
	bootstrap->store.hash = (ProtobufCBinaryData){TOKEN_HASH_SIZE, bootstrap->secret.hash};
	bootstrap->arena = arena;
	api->bootstrap = bootstrap;
	bootstrap_submit(bootstrap, "Internal/FindAdmin", &bootstrap->find, admin_found);
}
