#include "api/admission.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "api/private.h"
#include "observe/metrics.h"

#define SLOTS_MIN 64
#define NAME_BYTES_MAX 128
#define FREE_MAX 1024

struct admission_caller {
	struct engine_caller caller;
	char name[NAME_BYTES_MAX];
	size_t calls;
	size_t bytes;
	struct admission_caller *chained; /* in the same slot; or the next free one */
	size_t free_count;                /* of a free one: with those after it */
};

static const struct {
	const char *name;
	const char *setting;
} bounds[ADMISSION_BOUNDS] = {
	[ADMISSION_CALLS] = {"calls", "calls_in_flight_max"},
	[ADMISSION_CALLER_CALLS] = {"caller_calls", "caller_calls_max"},
	[ADMISSION_CALLER_SHARE] = {"caller_share", "calls_in_flight_max"},
	[ADMISSION_BYTES] = {"bytes", "requests_mb"},
	[ADMISSION_CALLER_BYTES] = {"caller_bytes", "requests_mb"},
};

void admission_open(struct api *api)
{
	struct admission *admission = &api->admission;
	*admission = (struct admission){.slot_count = SLOTS_MIN};
	admission->slots = calloc(SLOTS_MIN, sizeof(struct admission_caller *));
	CHECK(admission->slots != NULL);
	for (size_t i = 0; i < ADMISSION_BOUNDS; i++) {
		char labels[64];
		snprintf(labels, sizeof(labels), "bound=\"%s\"", bounds[i].name);
		admission->refused[i] = metric_counter("stockbook_admission_refusals_total",
			"Calls refused before any work because there was no room, by the bound that was met.",
			labels);
	}
	admission->callers_gauge =
		metric_gauge("stockbook_callers_in_flight", "Callers who have a call in flight.", NULL);
	admission->bytes_gauge = metric_gauge("stockbook_request_bytes_in_flight",
		"Memory of the requests in flight.", NULL);
}

void admission_close(struct api *api)
{
	struct admission *admission = &api->admission;
	CHECK(admission->callers == 0 && admission->bytes == 0);
	while (admission->free) {
		struct admission_caller *caller = admission->free;
		admission->free = caller->chained;
		free(caller);
	}
	free(admission->slots);
	admission->slots = NULL;
}

/* ---- Callers ---- */

/* Where the caller is linked in its slot, or would be. */
static struct admission_caller **caller_place(const struct admission *admission, uint64_t key)
{
	struct admission_caller **place = &admission->slots[key & (admission->slot_count - 1)];
	while (*place && (*place)->caller.key != key)
		place = &(*place)->chained;
	return place;
}

static void slots_grow(struct admission *admission)
{
	struct admission_caller **old = admission->slots;
	size_t old_count = admission->slot_count;
	admission->slot_count = old_count * 2;
	admission->slots = calloc(admission->slot_count, sizeof(struct admission_caller *));
	CHECK(admission->slots != NULL);
	for (size_t i = 0; i < old_count; i++)
		while (old[i]) {
			struct admission_caller *caller = old[i];
			old[i] = caller->chained;
			struct admission_caller **place = caller_place(admission, caller->caller.key);
			caller->chained = *place;
			*place = caller;
		}
	free(old);
}

static struct admission_caller *caller_new(struct admission *admission)
{
	struct admission_caller *caller = admission->free;
	if (caller)
		admission->free = caller->chained;
	else
		caller = malloc(sizeof(*caller));
	CHECK(caller != NULL);
	return caller;
}

/* Whose call it is. One that is new is not kept unless something is counted to it. */
static struct admission_caller *caller_of(struct api_call *call)
{
	struct admission *admission = &call->api->admission;
	bool open = call->api->settings.open;
	const char *name = open ? call->call->peer : call->actor.name;
	size_t size = strlen(name);
	uint64_t key = XXH3_64bits(name, size) | 1;
	struct admission_caller *caller = *caller_place(admission, key);
	if (caller)
		return caller;
	if (admission->callers >= admission->slot_count)
		slots_grow(admission);
	caller = caller_new(admission);
	caller->caller = (struct engine_caller){
		.key = key, .kind = open ? "connection" : "token", .name = caller->name};
	size = size < NAME_BYTES_MAX ? size : NAME_BYTES_MAX - 1;
	memcpy(caller->name, name, size);
	caller->name[size] = '\0';
	caller->calls = caller->bytes = 0;
	caller->chained = NULL;
	*caller_place(admission, key) = caller;
	admission->callers++;
	metric_set(admission->callers_gauge, (int64_t)admission->callers);
	return caller;
}

static void caller_drop_if_idle(struct admission *admission, struct admission_caller *caller)
{
	if (caller->calls > 0)
		return;
	*caller_place(admission, caller->caller.key) = caller->chained;
	admission->callers--;
	metric_set(admission->callers_gauge, (int64_t)admission->callers);
	size_t kept = admission->free ? admission->free->free_count : 0;
	if (kept >= FREE_MAX) {
		free(caller);
		return;
	}
	caller->free_count = kept + 1;
	caller->chained = admission->free;
	admission->free = caller;
}

/* ---- Bounds ---- */

static void name_bound(struct api *api, struct arena *arena, struct refusal *refusal,
	enum admission_bound bound, size_t value)
{
	metric_add(api->admission.refused[bound], 1);
	refusal->reason = STOCKBOOK__V1__REASON__REASON_OVERLOADED;
	refusal_add_pair(refusal, arena, "bound", "%s", bounds[bound].name);
	refusal_add_pair(refusal, arena, "setting", "%s", bounds[bound].setting);
	refusal_add_pair(refusal, arena, "setting_value", "%zu", value);
}

void admission_refuse_calls(struct api *api, struct arena *arena, struct refusal *refusal)
{
	size_t most = api->settings.calls_in_flight_max;
	refusal->message =
		arena_printf(arena, "too many calls in flight (%zu, setting calls_in_flight_max)", most);
	name_bound(api, arena, refusal, ADMISSION_CALLS, most);
}

/* Calls that one caller may have: as many as there is still room for. */
static size_t calls_left(const struct api *api)
{
	/* The one that asks is counted in flight already, but to no caller. */
	size_t others = api->calls_in_flight - 1, most = api->settings.calls_in_flight_max;
	return others < most ? most - others : 0;
}

bool admission_has_left(const struct api *api, size_t count)
{
	return count < calls_left(api) && count < api->settings.caller_calls_max;
}

static bool refuse_caller_calls(struct api_call *call, const struct admission_caller *caller,
	struct refusal *refusal)
{
	const struct api_settings *settings = &call->api->settings;
	struct arena *arena = &call->call->arena;
	if (caller->calls >= settings->caller_calls_max) {
		refusal->message = arena_printf(arena,
			"too much of %s '%s' is in flight (%zu calls, setting caller_calls_max)",
			caller->caller.kind, caller->name, caller->calls);
		name_bound(call->api, arena, refusal, ADMISSION_CALLER_CALLS, settings->caller_calls_max);
		return true;
	}
	if (caller->calls < calls_left(call->api))
		return false;
	refusal->message = arena_printf(arena,
		"too much of %s '%s' is in flight (%zu calls, as many as there is still room for, "
		"setting calls_in_flight_max)",
		caller->caller.kind, caller->name, caller->calls);
	name_bound(call->api, arena, refusal, ADMISSION_CALLER_SHARE, settings->calls_in_flight_max);
	return true;
}

/* One message always has room where there is nothing else, however large it is. */
static bool all_bytes_fit(const struct api *api, size_t size)
{
	size_t taken = api->admission.bytes, most = api->settings.request_bytes_max;
	return taken == 0 || (taken < most && size <= most - taken);
}

static bool caller_bytes_fit(const struct api *api, const struct admission_caller *caller,
	size_t size)
{
	size_t taken = api->admission.bytes, most = api->settings.request_bytes_max;
	size_t left = taken < most ? most - taken : 0;
	return caller->bytes == 0 || (caller->bytes < left && size <= left - caller->bytes);
}

static bool refuse_bytes(struct api_call *call, const struct admission_caller *caller, size_t size,
	struct refusal *refusal)
{
	struct api *api = call->api;
	struct arena *arena = &call->call->arena;
	size_t most_mb = api->settings.request_bytes_max >> 20;
	if (size == 0)
		return false;
	if (!all_bytes_fit(api, size)) {
		refusal->message = arena_printf(arena,
			"too much memory is taken by requests in flight (%zu MB, setting "
			"requests_mb)",
			most_mb);
		name_bound(api, arena, refusal, ADMISSION_BYTES, most_mb);
		return true;
	}
	if (caller_bytes_fit(api, caller, size))
		return false;
	refusal->message = arena_printf(arena,
		"too much of %s '%s' is in flight (%zu bytes, as much as there is still room for, setting "
		"requests_mb)",
		caller->caller.kind, caller->name, caller->bytes);
	name_bound(api, arena, refusal, ADMISSION_CALLER_BYTES, most_mb);
	return true;
}

/* ---- Calls ---- */

void admission_weigh(struct api_call *call, size_t bytes)
{
	struct admission *admission = &call->api->admission;
	admission->bytes += bytes - call->bytes;
	call->admitted->bytes += bytes - call->bytes;
	call->bytes = bytes;
	metric_set(admission->bytes_gauge, (int64_t)admission->bytes);
}

bool admission_enter(struct api_call *call, struct refusal *refusal)
{
	struct admission_caller *caller = caller_of(call);
	size_t size = call->call->request_size;
	if (refuse_caller_calls(call, caller, refusal) || refuse_bytes(call, caller, size, refusal)) {
		caller_drop_if_idle(&call->api->admission, caller);
		return false;
	}
	caller->calls++;
	call->admitted = caller;
	call->caller = &caller->caller;
	admission_weigh(call, size);
	return true;
}

void admission_leave(struct api_call *call)
{
	if (!call->admitted)
		return;
	admission_weigh(call, 0);
	call->admitted->calls--;
	caller_drop_if_idle(&call->api->admission, call->admitted);
	call->admitted = NULL;
}

bool admission_is_heavy(const struct api_call *call)
{
	return !all_bytes_fit(call->api, 1) || !caller_bytes_fit(call->api, call->admitted, 1);
}
