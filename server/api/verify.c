/*
 * One message for each check as it is done. A caller who reads slowly does not hold up the proof,
 * which keeps a snapshot open: what he has not read waits in the call's arena, and that is bounded
 * by the number of checks times the findings asked for.
 */
#include "api/verify.h"

#include "stockbook/v1/ledger.pb-c.h"

#include "api/private.h"

struct waiting_result {
	struct waiting_result *next;
	Stockbook__V1__VerifyResponse message;
};

struct verify_call {
	struct verify *verify; /* NULL when it has ended */
	struct waiting_result *first;
	struct waiting_result **last;
	const char *error; /* once ended; NULL: all checks were done */
};

static Stockbook__V1__VerifyResponse copy_result(const struct verify_result *result,
	struct arena *arena)
{
	Stockbook__V1__VerifyResponse message = STOCKBOOK__V1__VERIFY_RESPONSE__INIT;
	message.check = arena_string(arena, result->check);
	message.description = arena_string(arena, result->description);
	message.checked = result->checked;
	message.wrong = result->wrong;
	message.n_findings = result->finding_count;
	message.findings = arena_alloc_array(arena, result->finding_count, sizeof(char *));
	for (size_t i = 0; i < result->finding_count; i++)
		message.findings[i] = arena_string(arena, result->findings[i]);
	message.index = result->index;
	message.checks = result->checks;
	return message;
}

/* Sends what waits and may be sent; ends the call when that was all and the proof has ended. */
static void go_on(struct api_call *call)
{
	struct verify_call *state = call->data;
	while (state->first) {
		if (!call->call->operations->send_message(call->call, &state->first->message.base))
			return; /* on_writable() or on_cancel() comes */
		state->first = state->first->next;
		if (!state->first)
			state->last = &state->first;
	}
	if (state->verify)
		return;
	if (state->error)
		api_call_refuse(call, STOCKBOOK__V1__REASON__REASON_UNAVAILABLE,
			"the book could not be verified: %s", state->error);
	else
		api_call_finish_ok(call);
}

static void on_result(const struct verify_result *result, void *data)
{
	struct api_call *call = data;
	struct verify_call *state = call->data;
	struct waiting_result *waiting = arena_alloc(&call->call->arena, sizeof(*waiting));
	waiting->message = copy_result(result, &call->call->arena);
	*state->last = waiting;
	state->last = &waiting->next;
	go_on(call);
}

static void on_end(const char *error, void *data)
{
	struct api_call *call = data;
	struct verify_call *state = call->data;
	state->verify = NULL;
	state->error = arena_string(&call->call->arena, error);
	go_on(call);
}

static void on_writable(struct call *face)
{
	go_on(face->api_data);
}

static void on_cancel(struct call *face)
{
	struct api_call *call = face->api_data;
	struct verify_call *state = call->data;
	if (state->verify)
		call->api->engine.verify_cancel(state->verify);
	api_call_refuse(call, STOCKBOOK__V1__REASON__REASON_DEADLINE_EXCEEDED,
		"the caller cancelled the verification, or its time was over");
}

void verify_answer(struct api_call *call)
{
	const Stockbook__V1__VerifyRequest *request =
		(const Stockbook__V1__VerifyRequest *)call->message;
	struct verify_call *state = arena_alloc(&call->call->arena, sizeof(*state));
	state->last = &state->first;
	call->data = state;
	const struct verify_options options = {
		.findings_max = request->findings_max,
		.on_result = on_result,
		.on_end = on_end,
		.data = call,
	};
	state->verify = call->api->engine.verify(call->api->engine.engine, &options);
	if (!state->verify) {
		api_call_refuse(call, STOCKBOOK__V1__REASON__REASON_OVERLOADED,
			"the book is being verified for others already");
		return;
	}
	call->call->on_cancel = on_cancel;
	call->call->on_writable = on_writable;
}
