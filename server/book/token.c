/* Tokens: made, listed, revoked, and found by the hash of their secret. */
#include "book/token.h"

#include <string.h>

#include "book/page.h"

#include "stockbook/internal/v1/token.pb-c.h"
#include "stockbook/v1/token.pb-c.h"

#define STATUS_ACTIVE "ACTIVE"
#define STATUS_REVOKED "REVOKED"

/* clang-format off */
static const struct scan_shape tokens_by_name = {
	.name = "tokens_by_name",
	.table = TABLE(token),
	.order = {"name"},
};

static const struct scan_shape tokens_by_hash = {
	.name = "tokens_by_hash",
	.table = TABLE(token),
	.conditions = {{.field = "hash", .operator = SCAN_EQUAL}},
	.order = {"name"},
};

static const struct scan_shape tokens_by_role = {
	.name = "tokens_by_role",
	.table = TABLE(token),
	.conditions = {{.field = "role", .operator = SCAN_EQUAL}},
	.order = {"name"},
};
/* clang-format on */

/* Of tokens of one role, revoked ones included; more are not looked at. */
#define ADMINS_MAX 10000

static Stockbook__V1__Token *token_message(struct run *run, const struct token_row *row)
{
	Stockbook__V1__Token *token = arena_alloc(run->arena, sizeof(*token));
	stockbook__v1__token__init(token);
	token->name = arena_string(run->arena, row->name);
	token->role = (Stockbook__V1__Role)row->role;
	token->n_locations = row->locations.count;
	token->locations = arena_alloc_array(run->arena, row->locations.count, sizeof(char *));
	for (size_t i = 0; i < row->locations.count; i++)
		token->locations[i] = arena_string(run->arena, row->locations.items[i]);
	token->create_time = make_timestamp(run->arena, row->created_at);
	token->revoke_time = make_timestamp(run->arena, row->revoked_at);
	return token;
}

static enum lookup find_token(struct run *run, const char *name, const struct token_row **row)
{
	struct token_row key = {.name = name};
	return workset_find(run->set, TABLE(token), &key, ACCESS_LOCK, (const void **)row);
}

static void note_token(struct run *run, const char *name, const char *step, const char *before,
	const char *after)
{
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_TOKEN,
						 .document_code = name,
						 .step = step,
						 .status_before = before,
						 .status_after = after,
					 });
}

static enum verdict check_token_locations(struct run *run,
	const Stockbook__V1__CreateTokenRequest *request)
{
	bool bound = request->role == STOCKBOOK__V1__ROLE__ROLE_STORE;
	if (bound && request->n_locations == 0)
		return refuse_field(run, "locations", "a token of ROLE_STORE is bound to one at least");
	if (!bound && request->n_locations > 0)
		return refuse_field(run, "locations", "only a token of ROLE_STORE is bound to locations");
	bool need = false;
	for (size_t i = 0; i < request->n_locations; i++) {
		char *field = arena_printf(run->arena, "locations[%zu]", i);
		enum verdict verdict =
			check_location(run, request->locations[i], LOCATION_ANY, false, field);
		if (verdict == VERDICT_REFUSED)
			return verdict;
		need = need || verdict == VERDICT_NEED;
	}
	return need ? VERDICT_NEED : VERDICT_DONE;
}

static char *hash_text(struct arena *arena, const ProtobufCBinaryData *hash)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(arena, hash->len * 2 + 1);
	for (size_t i = 0; i < hash->len; i++) {
		text[2 * i] = digits[hash->data[i] >> 4];
		text[2 * i + 1] = digits[hash->data[i] & 15];
	}
	return text;
}

static void fill_token(struct run *run, const Stockbook__Internal__V1__StoreTokenRequest *store,
	struct token_row *row)
{
	const Stockbook__V1__CreateTokenRequest *request = store->request;
	row->hash = (struct bytes){store->hash.data, store->hash.len};
	row->role = (int32_t)request->role;
	row->locations =
		(struct text_list){(const char *const *)request->locations, request->n_locations};
	row->created_at = run->now_us;
	row->revoked_at = 0;
}

static enum verdict create_token(struct run *run, const void *request_, void *response_)
{
	const Stockbook__Internal__V1__StoreTokenRequest *store = request_;
	const Stockbook__V1__CreateTokenRequest *request = store->request;
	Stockbook__V1__CreateTokenResponse *response = response_;
	CHECK(request && store->hash.len == TOKEN_HASH_SIZE);

	const struct token_row *known = NULL;
	enum lookup found = find_token(run, request->name, &known);
	enum verdict verdict = check_token_locations(run, request);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	if (found == LOOKUP_NEEDED || verdict == VERDICT_NEED)
		return VERDICT_NEED;
	if (found == LOOKUP_FOUND && known->revoked_at == 0) {
		refuse(run, STOCKBOOK__V1__REASON__REASON_IN_USE, "token '%s' exists already",
			request->name);
		refuse_with(run, "name", "%s", request->name);
		return VERDICT_REFUSED;
	}

	struct token_row *row;
	if (found == LOOKUP_FOUND) {
		row = workset_edit(run->set, known);
		fill_token(run, store, row);
	} else {
		struct token_row *fresh = row_new(TABLE(token), run->arena);
		fresh->name = request->name;
		fill_token(run, store, fresh);
		row = workset_insert(run->set, fresh);
	}
	note_token(run, request->name, "create", found == LOOKUP_FOUND ? STATUS_REVOKED : "",
		STATUS_ACTIVE);
	response->token = token_message(run, row);
	response->secret = hash_text(run->arena, &store->hash);
	return VERDICT_DONE;
}

static void *list_token(struct run *run, const void *row)
{
	return token_message(run, row);
}

static enum verdict list_tokens(struct run *run, const void *request, void *response)
{
	struct scan scan = {.shape = &tokens_by_name};
	return page_list(run, request, &scan, list_token, response);
}

static enum verdict revoke_token(struct run *run, const void *request_, void *response_)
{
	const Stockbook__V1__RevokeTokenRequest *request = request_;
	Stockbook__V1__RevokeTokenResponse *response = response_;
	const struct token_row *known;
	enum lookup found = find_token(run, request->name, &known);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_ABSENT) {
		refuse(run, STOCKBOOK__V1__REASON__REASON_TOKEN_NOT_FOUND, "token '%s' not found",
			request->name);
		refuse_with(run, "name", "%s", request->name);
		return VERDICT_REFUSED;
	}
	/* Revoked is final: once more changes nothing, and is no error. */
	if (known->revoked_at == 0) {
		struct token_row *row = workset_edit(run->set, known);
		row->revoked_at = run->now_us;
		note_token(run, request->name, "revoke", STATUS_ACTIVE, STATUS_REVOKED);
	}
	response->token = token_message(run, known);
	return VERDICT_DONE;
}

static enum verdict find_token_by_hash(struct run *run, const void *request_, void *response_)
{
	const Stockbook__Internal__V1__FindTokenRequest *request = request_;
	Stockbook__Internal__V1__FindTokenResponse *response = response_;
	struct scan scan = {.shape = &tokens_by_hash, .limit = 1};
	scan.values[0] =
		(struct scan_value){.present = true, .bytes = {request->hash.data, request->hash.len}};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	if (result->count > 0)
		response->token = token_message(run, result->rows[0]);
	return VERDICT_DONE;
}

static enum verdict find_admin(struct run *run, const void *request, void *response_)
{
	(void)request;
	Stockbook__Internal__V1__FindAdminResponse *response = response_;
	struct scan scan = {.shape = &tokens_by_role, .limit = ADMINS_MAX};
	scan.values[0] =
		(struct scan_value){.present = true, .number = STOCKBOOK__V1__ROLE__ROLE_ADMIN};
	const struct scan_result *result = workset_scan(run->set, &scan);
	if (!result)
		return VERDICT_NEED;
	for (size_t i = 0; i < result->count; i++) {
		const struct token_row *row = result->rows[i];
		response->found = response->found || row->revoked_at == 0;
	}
	return VERDICT_DONE;
}

/* Tokens belong to no location. */
static int32_t route_token(const void *request, const struct book_limits *limits)
{
	(void)request;
	(void)limits;
	return 0;
}

const struct operation token_operations[] = {
	{"TokenService/CreateToken", &stockbook__internal__v1__store_token_request__descriptor,
		&stockbook__v1__create_token_response__descriptor, create_token, route_token, true},
	{"TokenService/ListTokens", &stockbook__v1__list_tokens_request__descriptor,
		&stockbook__v1__list_tokens_response__descriptor, list_tokens, NULL, false},
	{"TokenService/RevokeToken", &stockbook__v1__revoke_token_request__descriptor,
		&stockbook__v1__revoke_token_response__descriptor, revoke_token, route_token, true},
	{"Internal/FindToken", &stockbook__internal__v1__find_token_request__descriptor,
		&stockbook__internal__v1__find_token_response__descriptor, find_token_by_hash, NULL, false},
	{"Internal/FindAdmin", &stockbook__internal__v1__find_admin_request__descriptor,
		&stockbook__internal__v1__find_admin_response__descriptor, find_admin, NULL, false},
	{0},
};
