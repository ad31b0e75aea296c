/*
 * The book against the file, SKU by SKU, through the public API: what the movements of this replay
 * say, and what is on hand.
 */
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"
#include "cli/progress.h"
#include "stockbook/v1/ledger.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define IN_FLIGHT 32
#define PAGE_ROWS 1000
#define DEADLINE_MS 120000

struct checker {
	struct replay *replay;
	struct stockbook_client *client;
	struct progress progress;
	int64_t movements;
	size_t done;
	bool failed;
};

/* The movements of one item, page after page. */
struct asked {
	struct checker *checker;
	struct replay_item *item;
	char *token; /* of the page asked for; freed here */
};

int64_t sums_on_hand(const struct sums *sums)
{
	return sums->received + sums->returned + sums->found - sums->sold - sums->written_off;
}

/* Goods come from and go to what lies outside; moves within a location and between two of the chain
 * change nothing here. */
static void add_movement(struct sums *sums, const Stockbook__V1__Movement *movement)
{
	switch ((int)movement->from_state) {
	case STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_SUPPLIER:
		sums->received += movement->quantity;
		return;
	case STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_CUSTOMER:
		sums->returned += movement->quantity;
		return;
	case STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_LOSS:
		sums->found += movement->quantity;
		return;
	default:
		break;
	}
	if (movement->to_state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_CUSTOMER)
		sums->sold += movement->quantity;
	else if (movement->to_state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_LOSS)
		sums->written_off += movement->quantity;
}

static bool is_here(const struct replay *replay, const char *location)
{
	return *location && replay_place_at(replay, location) != NONE;
}

/* Steps of a chain's pickups have ids that follow from the book's own; nobody else takes them there. */
static bool is_errand(const struct replay *replay, const Stockbook__V1__Movement *movement)
{
	return replay_is_chain(replay) &&
		   movement->reason == STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_COLLECT;
}

/* What a picker did not find is found by the recount: nothing of it may be left. */
static bool count_missing(struct asked *asked, const Stockbook__V1__Movement *movement)
{
	if (!replay_is_chain(asked->checker->replay) ||
		(movement->reason != STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_SHORT_PICK &&
			movement->reason != STOCKBOOK__V1__MOVEMENT_REASON__MOVEMENT_REASON_RECOUNT))
		return false;
	if (movement->to_state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_LOSS)
		asked->item->missing += movement->quantity;
	else if (movement->from_state == STOCKBOOK__V1__STOCK_STATE__STOCK_STATE_LOSS)
		asked->item->missing -= movement->quantity;
	return true;
}

static void count_movement(struct asked *asked, const Stockbook__V1__Movement *movement)
{
	const struct replay *replay = asked->checker->replay;
	struct uuid id;
	/* Movements at other locations are listed, too, when a SKU is asked for. */
	if (!is_here(replay, movement->from_location) && !is_here(replay, movement->to_location))
		return;
	if (count_missing(asked, movement))
		return;
	if (is_errand(replay, movement) ||
		(uuid_parse(movement->request_id, &id) && uuid_set_has(&replay->ids, &id))) {
		add_movement(&asked->item->book, movement);
		return;
	}
	struct sums other = {0};
	add_movement(&other, movement);
	asked->item->others += sums_on_hand(&other);
}

/* What the book does not know has no movements and no stock: a difference, not a failure. */
static void fail(struct checker *checker, const struct stockbook_error *error)
{
	if (strcmp(error->reason, "ITEM_NOT_FOUND") == 0 ||
		strcmp(error->reason, "LOCATION_NOT_FOUND") == 0 || checker->failed)
		return;
	progress_end(&checker->progress);
	cli_explain(checker->replay->cli, error);
	checker->failed = true;
}

static void ask(struct asked *asked);

static void on_movements(void *context, const ProtobufCMessage *message,
	const struct stockbook_error *error)
{
	struct asked *asked = context;
	struct checker *checker = asked->checker;
	const Stockbook__V1__ListMovementsResponse *response =
		(const Stockbook__V1__ListMovementsResponse *)message;
	if (!response) {
		fail(checker, error);
	} else {
		for (size_t i = 0; i < response->n_movements; i++)
			count_movement(asked, response->movements[i]);
		checker->movements += (int64_t)response->n_movements;
		if (*response->next_page_token && !checker->failed) {
			free(asked->token);
			asked->token = strdup(response->next_page_token);
			CHECK(asked->token);
			ask(asked);
			return;
		}
	}
	checker->done++;
	free(asked->token);
	free(asked);
}

static void ask(struct asked *asked)
{
	Stockbook__V1__ListMovementsRequest request = STOCKBOOK__V1__LIST_MOVEMENTS_REQUEST__INIT;
	request.sku = text_of(asked->item->code);
	if (!replay_is_chain(asked->checker->replay))
		request.location = text_of(asked->checker->replay->options->location);
	request.page_size = PAGE_ROWS;
	request.page_token = text_of(asked->token);
	stockbook_call_async(asked->checker->client, stockbook_method("LedgerService", "ListMovements"),
		&request.base, DEADLINE_MS, on_movements, asked);
}

static void wait_below(struct checker *checker, size_t in_flight)
{
	while (stockbook_client_in_flight(checker->client) >= in_flight) {
		stockbook_client_poll(checker->client, 100);
		progress_show(&checker->progress, (int64_t)checker->done,
			(int64_t)checker->replay->items_count, checker->movements);
	}
}

static void read_movements(struct checker *checker)
{
	struct replay *replay = checker->replay;
	for (size_t i = 0; i < replay->items_count && !checker->failed && !interrupted(); i++) {
		if (!replay->items[i].goods) {
			checker->done++;
			continue;
		}
		struct asked *asked = malloc(sizeof(*asked));
		CHECK(asked);
		*asked = (struct asked){.checker = checker, .item = &replay->items[i]};
		ask(asked);
		wait_below(checker, IN_FLIGHT);
	}
	wait_below(checker, 1);
}

static void add_level(struct replay *replay, const Stockbook__V1__StockLevel *level)
{
	struct replay_item *item = replay_item_of(replay, level->sku);
	if (!item)
		return;
	item->on_hand += level->on_hand;
	item->promised += level->reserved + level->allocated + level->picked;
	item->in_transit += level->in_transit;
}

static void read_stock(struct checker *checker, const char *location)
{
	struct replay *replay = checker->replay;
	struct arena *arena = &replay->cli->arena;
	Stockbook__V1__ListStockRequest request = STOCKBOOK__V1__LIST_STOCK_REQUEST__INIT;
	request.location = text_of(location);
	request.page_size = PAGE_ROWS;
	do {
		struct stockbook_error error;
		ProtobufCMessage *message = stockbook_call(checker->client,
			stockbook_method("StockService", "ListStock"), &request.base, DEADLINE_MS, &error);
		if (!message)
			fail(checker, &error);
		stockbook_error_release(&error);
		if (!message)
			return;
		const Stockbook__V1__ListStockResponse *response =
			(const Stockbook__V1__ListStockResponse *)message;
		for (size_t i = 0; i < response->n_levels; i++)
			add_level(replay, response->levels[i]);
		request.page_token = arena_string(arena, response->next_page_token);
		protobuf_c_message_free_unpacked(message, NULL);
	} while (*request.page_token);
}

static int64_t compare(struct replay *replay)
{
	int64_t wrong = 0;
	for (size_t i = 0; i < replay->items_count; i++) {
		struct replay_item *item = &replay->items[i];
		if (!item->goods)
			continue;
		item->wrong = memcmp(&item->file, &item->book, sizeof(item->file)) != 0 ||
					  item->on_hand - item->others != sums_on_hand(&item->file);
		if (replay_is_chain(replay))
			item->wrong |= item->missing || item->promised || item->in_transit;
		wrong += item->wrong;
	}
	return wrong;
}

int64_t replay_check(struct replay *replay)
{
	struct checker checker = {.replay = replay, .client = cli_client(replay->cli)};
	if (!checker.client)
		return -1;
	progress_start(&checker.progress, "checking", "movements");
	read_movements(&checker);
	progress_end(&checker.progress);
	for (size_t i = 0; i < replay->places_count && !checker.failed && !interrupted(); i++)
		read_stock(&checker, replay->places[i].code);
	if (checker.failed || interrupted())
		return -1;
	return compare(replay);
}
