/* Verify: one connection, one snapshot, one round trip for each check. */
#include "engine/verify.h"

#include "db/connection.h"
#include "engine/private.h"
#include "engine/verify_checks.h"
#include "observe/log.h"

#define FINDINGS_DEFAULT 20
#define FINDINGS_MAX 1000
/* A check may take as long as the ledger is long. */
#define CHECK_MS_MAX (60 * 60 * 1000)
#define CONNECT_MS_MAX 10000

struct verify {
	struct engine *engine;
	struct verify_options options;
	struct db_connection *connection;
	uv_timer_t timer; /* of the connecting */
	struct arena arena;
	struct db_batch batch;
	size_t next;     /* check */
	size_t question; /* its statement in the batch */
	bool ended;
	size_t open; /* the connection, the timer */
};

static const struct db_statement begin_statement = {
	.name = "verify begin",
	.sql = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
};

static void on_closed(void *data)
{
	struct verify *verify = data;
	if (--verify->open > 0)
		return;
	struct engine *engine = verify->engine;
	arena_release(&verify->arena);
	free(verify);
	engine_closed_one(engine);
}

static void on_timer_closed(uv_handle_t *handle)
{
	on_closed(handle->data);
}

/* Leaves the engine and frees itself when all is closed. */
static void verify_leave(struct verify *verify)
{
	verify->ended = true;
	for (size_t i = 0; i < ENGINE_VERIFICATIONS_MAX; i++)
		if (verify->engine->verifications[i] == verify)
			verify->engine->verifications[i] = NULL;
	db_connection_close(verify->connection, on_closed, verify);
	uv_close((uv_handle_t *)&verify->timer, on_timer_closed);
}

void verify_cancel(struct verify *verify)
{
	CHECK(!verify->ended);
	verify_leave(verify);
}

void verify_end(struct verify *verify, const char *error)
{
	CHECK(!verify->ended);
	verify_leave(verify);
	verify->options.on_end(error, verify->options.data);
}

static void on_answered(struct db_batch *batch, const struct fault *fault);

static void ask(struct verify *verify)
{
	arena_reset(&verify->arena);
	db_batch_init(&verify->batch, &verify->arena);
	verify->batch.continues_transaction = verify->next > 0;
	if (verify->next == 0)
		db_batch_add(&verify->batch, &begin_statement, NULL);
	struct db_value value = db_int4(&verify->arena, verify->options.findings_max);
	verify->question = db_batch_add(&verify->batch, &verify_checks[verify->next].statement, &value);
	verify->batch.deadline_ms = CHECK_MS_MAX;
	verify->batch.done = on_answered;
	verify->batch.data = verify;
	db_submit(verify->connection, &verify->batch);
}

static void tell(struct verify *verify)
{
	const struct verify_check *check = &verify_checks[verify->next];
	const struct db_rows *rows = db_batch_rows(&verify->batch, verify->question);
	struct db_elements elements = db_get_array(rows, 0, 2);
	const char **findings = arena_alloc_array(&verify->arena, elements.count, sizeof(*findings));
	size_t count = 0;
	while (db_elements_next(&elements))
		findings[count++] = db_element_text(&elements, &verify->arena);
	struct verify_result result = {
		.check = check->name,
		.description = check->description,
		.checked = db_get_int(rows, 0, 0),
		.wrong = db_get_int(rows, 0, 1),
		.findings = findings,
		.finding_count = count,
		.index = (int32_t)verify->next + 1,
		.checks = (int32_t)verify_check_count,
	};
	if (result.wrong > 0)
		log_error("the book contradicts itself", log_text("check", result.check),
			log_integer("wrong", result.wrong),
			log_text("finding", count > 0 ? findings[0] : NULL));
	verify->options.on_result(&result, verify->options.data);
}

static void on_answered(struct db_batch *batch, const struct fault *fault)
{
	struct verify *verify = batch->data;
	if (verify->ended)
		return;
	if (fault) {
		verify_end(verify, arena_printf(&verify->arena, "check '%s' failed: %s",
							   verify_checks[verify->next].name, fault->message));
		return;
	}
	tell(verify);
	if (verify->ended) /* cancelled by the callback */
		return;
	if (++verify->next == verify_check_count)
		verify_end(verify, NULL);
	else
		ask(verify);
}

static void on_connection(struct db_connection *connection, enum db_state from, enum db_state to,
	void *data)
{
	struct verify *verify = data;
	(void)connection;
	(void)from;
	/* A snapshot that is lost half way does not come back: its batch hears of it. */
	if (to == DB_STATE_READY && !verify->ended && verify->next == 0) {
		uv_timer_stop(&verify->timer);
		ask(verify);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct verify *verify = timer->data;
	verify_end(verify, "database cannot be reached");
}

static void verify_open(struct verify *verify)
{
	const struct engine_settings *settings = &verify->engine->settings;
	/* Planned for what it finds; sums over the whole book want memory. */
	static const struct db_setting session[] = {
		{"plan_cache_mode", "force_custom_plan"}, {"work_mem", "64MB"}, {"jit", "off"}};
	verify->connection =
		db_connection_open(verify->engine->loop, &(struct db_options){
													 .uri = settings->database,
													 .name = "verify",
													 .role = settings->role,
													 .settings = session,
													 .setting_count = ARRAY_COUNT(session),
													 .idle_in_transaction_ms = 60000,
													 .changed = on_connection,
													 .data = verify,
												 });
	CHECK(uv_timer_init(verify->engine->loop, &verify->timer) == 0);
	verify->timer.data = verify;
	uv_timer_start(&verify->timer, on_timer, CONNECT_MS_MAX, 0);
	verify->open = 2;
	verify->engine->open++;
}

struct verify *engine_verify(struct engine *engine, const struct verify_options *options)
{
	size_t place = 0;
	while (place < ENGINE_VERIFICATIONS_MAX && engine->verifications[place])
		place++;
	if (place == ENGINE_VERIFICATIONS_MAX || engine->closing)
		return NULL;
	struct verify *verify = calloc(1, sizeof(*verify));
	CHECK(verify != NULL && options->on_result && options->on_end);
	verify->engine = engine;
	verify->options = *options;
	if (verify->options.findings_max <= 0)
		verify->options.findings_max = FINDINGS_DEFAULT;
	if (verify->options.findings_max > FINDINGS_MAX)
		verify->options.findings_max = FINDINGS_MAX;
	arena_init(&verify->arena);
	engine->verifications[place] = verify;
	verify_open(verify);
	return verify;
}
