/* stockbook reserve: soft holds with an expiry. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "document.h"
#include "here.h"
#include "message.h"
#include "order_view.h"
#include "parse.h"
#include "sourcing.h"
#include "stockbook/v1/reservation.pb-c.h"
#include "view.h"

static const struct column fields[] = {
	{"reservation", "id", COLUMN_TEXT},
	{"status", "status", COLUMN_TEXT},
	{"owner", "owner", COLUMN_TEXT},
	{"customer", "customer", COLUMN_TEXT},
	{"channel", "channel", COLUMN_TEXT},
	{"held until", "hold_until", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
	{"order", "order_id", COLUMN_TEXT},
};

static const struct column line_columns[] = {
	{"SKU", "sku", COLUMN_TEXT},
	{"LOCATION", "location", COLUMN_TEXT},
	{"QUANTITY", "quantity", COLUMN_NUMBER},
};

static const struct column list_columns[] = {
	{"RESERVATION", "id", COLUMN_TEXT},
	{"STATUS", "status", COLUMN_TEXT},
	{"OWNER", "owner", COLUMN_LONG},
	{"CUSTOMER", "customer", COLUMN_LONG},
	{"CHANNEL", "channel", COLUMN_TEXT},
	{"HELD UNTIL", "hold_until", COLUMN_TEXT},
	{"LINES", "lines", COLUMN_DETAIL},
};

static const struct column shortfall_columns[] = {
	{"SKU", "sku", COLUMN_TEXT},
	{"LOCATION", "location", COLUMN_TEXT},
	{"REQUESTED", "requested", COLUMN_NUMBER},
	{"RESERVED", "reserved", COLUMN_NUMBER},
};

const struct document_kind reservation_kind = {
	.noun = "reservation",
	.service = "ReservationService",
	.suffix = "Reservation",
	.list = "ListReservations",
	.field = "reservation",
	.rows = "reservations",
	.id_field = "reservation_id",
	.names = {"owner", "customer"},
	DOCUMENT_COLUMNS(fields, line_columns, list_columns),
};

static struct {
	char *owner, *customer, *channel, *hold_for, *method, *reference, *pickup_at;
	char **prices;
	int allow_partial, reserve_again, fulfil;
} given;

static enum exit_code show_reservation(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code = document_show(cli, &reservation_kind, response);
	if (cli->output == OUTPUT_TABLE &&
		protobuf_c_message_descriptor_get_field_by_name(response->descriptor, "shortfalls")) {
		size_t count;
		message_parts(response, "shortfalls", &count);
		if (count) {
			printf("\ncame out short:\n");
			view_rows(cli, response, "shortfalls", VIEW_COLUMNS(shortfall_columns));
		}
	}
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static bool read_lines(struct cli *cli, int first, Stockbook__V1__ReserveLine ***lines,
	size_t *count)
{
	*count = (size_t)(cli->arguments_count - first);
	*lines = arena_alloc_array(&cli->arena, *count, sizeof(**lines));
	for (size_t i = 0; i < *count; i++) {
		struct line line;
		const char *text = cli->arguments[first + (int)i];
		if (!parse_line(&cli->arena, text, &line) || line.price) {
			usage_error(cli, "'%s' is not SKU:QUANTITY or SKU:QUANTITY@LOCATION", text);
			return false;
		}
		(*lines)[i] = arena_alloc(&cli->arena, sizeof(*(*lines)[i]));
		stockbook__v1__reserve_line__init((*lines)[i]);
		(*lines)[i]->sku = text_of(line.sku);
		(*lines)[i]->quantity = line.quantity;
		(*lines)[i]->location = text_of(line.location);
	}
	return true;
}

static bool read_hold(struct cli *cli, Google__Protobuf__Duration **hold_for)
{
	int64_t ms;
	if (!given.hold_for)
		return true;
	if (!parse_duration_ms(given.hold_for, &ms)) {
		usage_error(cli, "'%s' is not a time such as 90s, 15m, 2h, 30d", given.hold_for);
		return false;
	}
	*hold_for = duration_of(&cli->arena, ms);
	return true;
}

#define HOLD_OPTION                                                                                \
	{                                                                                              \
		"hold-for", 0, POPT_ARG_STRING, &given.hold_for, 0,                                        \
			"90s, 15m, 2h, 30d; otherwise as the server is set", "TIME"                            \
	}
#define PARTIAL_OPTION                                                                             \
	{                                                                                              \
		"allow-partial", 0, POPT_ARG_NONE, &given.allow_partial, 0, "take what there is", NULL     \
	}

static const struct poptOption create_options[] = {
	{"owner", 0, POPT_ARG_STRING, &given.owner, 0, "whose it is: a basket, a session", "TEXT"},
	{"customer", 0, POPT_ARG_STRING, &given.customer, 0, "when known", "TEXT"},
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "sources lines that name no location",
		"CODE"},
	HOLD_OPTION,
	PARTIAL_OPTION,
	{"method", 0, POPT_ARG_STRING, &given.method, 0,
		"how it is meant to reach the customer: ship, pickup, ship-to-store, carry-out", "METHOD"},
	SOURCING_OPTIONS,
	POPT_TABLEEND,
};

/* False after a message. */
static bool read_method(struct cli *cli, const char *text, Stockbook__V1__FulfilmentMethod *method)
{
	int value = 0;
	if (text && !parse_enum(&stockbook__v1__fulfilment_method__descriptor, text, &value)) {
		usage_error(cli, "method '%s' is not one of %s", text,
			enum_words(&cli->arena, &stockbook__v1__fulfilment_method__descriptor));
		return false;
	}
	*method = (Stockbook__V1__FulfilmentMethod)value;
	return true;
}

static enum exit_code create(struct cli *cli)
{
	Stockbook__V1__ReserveRequest request = STOCKBOOK__V1__RESERVE_REQUEST__INIT;
	if (!read_lines(cli, 0, &request.lines, &request.n_lines) ||
		!read_hold(cli, &request.hold_for) || !read_method(cli, given.method, &request.method) ||
		!sourcing_set(cli, &request.base, "sourcing"))
		return EXIT_CODE_USAGE;
	request.owner = text_of(given.owner);
	request.customer = text_of(given.customer);
	request.channel = text_of(given.channel);
	request.allow_partial = given.allow_partial;
	return show_reservation(cli, cli_call(cli, "ReservationService", "Reserve", &request.base));
}

static enum exit_code show(struct cli *cli)
{
	return document_step(cli, &reservation_kind, "Get", NULL);
}

static const struct poptOption list_options[] = {
	{"owner", 0, POPT_ARG_STRING, &given.owner, 0, "of this owner", "TEXT"},
	{"customer", 0, POPT_ARG_STRING, &given.customer, 0, "or of this customer", "TEXT"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListReservationsRequest request = STOCKBOOK__V1__LIST_RESERVATIONS_REQUEST__INIT;
	if (!given.owner == !given.customer)
		return usage_error(cli, "name one of --owner and --customer");
	request.owner = text_of(given.owner);
	request.customer = text_of(given.customer);
	return view_list(cli, "ReservationService", "ListReservations", &request.base, "reservations",
		view_limit, VIEW_COLUMNS(list_columns));
}

static const struct poptOption extend_options[] = {HOLD_OPTION, POPT_TABLEEND};

static enum exit_code extend(struct cli *cli)
{
	Stockbook__V1__ExtendReservationRequest request =
		STOCKBOOK__V1__EXTEND_RESERVATION_REQUEST__INIT;
	if (!read_hold(cli, &request.hold_for))
		return EXIT_CODE_USAGE;
	request.reservation_id = document_resolve(cli, &reservation_kind, cli->arguments[0]);
	if (!request.reservation_id)
		return cli->exit_code;
	return show_reservation(cli,
		cli_call(cli, "ReservationService", "ExtendReservation", &request.base));
}

static const struct poptOption replace_options[] = {
	HOLD_OPTION,
	PARTIAL_OPTION,
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "goes on with it; otherwise it stays",
		"CODE"},
	POPT_TABLEEND,
};

static enum exit_code replace(struct cli *cli)
{
	Stockbook__V1__ReplaceReservationRequest request =
		STOCKBOOK__V1__REPLACE_RESERVATION_REQUEST__INIT;
	if (!read_lines(cli, 1, &request.lines, &request.n_lines) || !read_hold(cli, &request.hold_for))
		return EXIT_CODE_USAGE;
	request.reservation_id = document_resolve(cli, &reservation_kind, cli->arguments[0]);
	if (!request.reservation_id)
		return cli->exit_code;
	request.allow_partial = given.allow_partial;
	request.channel = text_of(given.channel);
	return show_reservation(cli,
		cli_call(cli, "ReservationService", "ReplaceReservation", &request.base));
}

static const struct poptOption release_options[] = {NOTE_OPTION, POPT_TABLEEND};

static enum exit_code release(struct cli *cli)
{
	return document_step(cli, &reservation_kind, "Release", NULL);
}

static const struct poptOption confirm_options[] = {
	{"price", 0, POPT_ARG_ARGV, &given.prices, 0, "unit price of a SKU; may be repeated",
		"SKU=PRICE"},
	{"method", 0, POPT_ARG_STRING, &given.method, 0,
		"ship (default), carry-out, pickup, ship-to-store", "METHOD"},
	{"pickup-at", 0, POPT_ARG_STRING, &given.pickup_at, 0, "ship-to-store: where it is fetched",
		"CODE"},
	{"channel", 0, POPT_ARG_STRING, &given.channel, 0, "confirms it; otherwise the reservation's",
		"CODE"},
	{"customer", 0, POPT_ARG_STRING, &given.customer, 0, "instead of the reservation's", "TEXT"},
	{"reference", 0, POPT_ARG_STRING, &given.reference, 0, "own number of the order", "TEXT"},
	{"reserve-again", 0, POPT_ARG_NONE, &given.reserve_again, 0, "when it has expired", NULL},
	{"fulfil", 0, POPT_ARG_NONE, &given.fulfil, 0, "pick and ship at once", NULL},
	WORKER_OPTION,
	POPT_TABLEEND,
};

/* SKU=PRICE; the SKU may contain '='. */
static bool read_price(struct cli *cli, const char *text, Stockbook__V1__SkuPrice *price)
{
	const char *sign = strrchr(text, '=');
	int64_t minor_units;
	char currency[4];
	if (!sign || sign == text || !parse_money(sign + 1, &minor_units, currency)) {
		usage_error(cli, "price '%s' is not such as 85123A=2.55GBP", text);
		return false;
	}
	price->sku = arena_string_sized(&cli->arena, text, (size_t)(sign - text));
	price->unit_price = money_of(&cli->arena, minor_units, arena_string(&cli->arena, currency));
	return true;
}

/* SKU[@LOCATION]/METHOD, behind the reservation; false after a message. */
static bool read_confirm_lines(struct cli *cli, Stockbook__V1__ConfirmLine ***lines, size_t *count)
{
	*count = (size_t)(cli->arguments_count - 1);
	*lines = arena_alloc_array(&cli->arena, *count, sizeof(**lines));
	for (size_t i = 0; i < *count; i++) {
		const char *text = cli->arguments[i + 1];
		const char *slash = strrchr(text, '/');
		Stockbook__V1__ConfirmLine *line = (*lines)[i] = arena_alloc(&cli->arena, sizeof(*line));
		stockbook__v1__confirm_line__init(line);
		if (!slash || slash == text) {
			usage_error(cli, "'%s' is not SKU[@LOCATION]/METHOD", text);
			return false;
		}
		if (!read_method(cli, slash + 1, &line->method))
			return false;
		line->sku = arena_string_sized(&cli->arena, text, (size_t)(slash - text));
		char *at = strrchr(line->sku, '@');
		if (at) {
			*at = '\0';
			line->location = at + 1;
		}
		if (line->method == STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE)
			line->pickup_location = text_of(given.pickup_at);
	}
	return true;
}

/* All that is held goes to the store where it is fetched: a line for each SKU. False after a
 * message. */
static bool all_to_store(struct cli *cli, Stockbook__V1__ConfirmReservationRequest *request)
{
	const Stockbook__V1__Reservation *held =
		(const Stockbook__V1__Reservation *)document_get(cli, &reservation_kind);
	if (!held)
		return false;
	request->lines = arena_alloc_array(&cli->arena, held->n_lines, sizeof(*request->lines));
	for (size_t i = 0; i < held->n_lines; i++) {
		bool known = false;
		for (size_t j = 0; j < i; j++)
			known |= strcmp(held->lines[j]->sku, held->lines[i]->sku) == 0;
		if (known)
			continue;
		Stockbook__V1__ConfirmLine *line = arena_alloc(&cli->arena, sizeof(*line));
		stockbook__v1__confirm_line__init(line);
		line->sku = held->lines[i]->sku;
		line->method = request->method;
		line->pickup_location = given.pickup_at;
		request->lines[request->n_lines++] = line;
	}
	return true;
}

static enum exit_code confirm(struct cli *cli)
{
	Stockbook__V1__ConfirmReservationRequest request =
		STOCKBOOK__V1__CONFIRM_RESERVATION_REQUEST__INIT;
	while (given.prices && given.prices[request.n_prices])
		request.n_prices++;
	request.prices = arena_alloc_array(&cli->arena, request.n_prices, sizeof(*request.prices));
	for (size_t i = 0; i < request.n_prices; i++) {
		request.prices[i] = arena_alloc(&cli->arena, sizeof(*request.prices[i]));
		stockbook__v1__sku_price__init(request.prices[i]);
		if (!read_price(cli, given.prices[i], request.prices[i]))
			return EXIT_CODE_USAGE;
	}
	if (!read_method(cli, given.method, &request.method) ||
		!read_confirm_lines(cli, &request.lines, &request.n_lines))
		return EXIT_CODE_USAGE;
	request.reservation_id = document_resolve(cli, &reservation_kind, cli->arguments[0]);
	if (!request.reservation_id)
		return cli->exit_code;
	if (given.pickup_at && !request.n_lines &&
		request.method == STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_SHIP_TO_STORE &&
		!all_to_store(cli, &request))
		return cli->exit_code;
	request.channel = text_of(given.channel);
	request.worker = text_of(here_worker());
	request.customer = text_of(given.customer);
	request.reference = text_of(given.reference);
	request.reserve_again = given.reserve_again;
	request.fulfil = given.fulfil;
	return show_order(cli,
		cli_call(cli, "ReservationService", "ConfirmReservation", &request.base));
}

static const struct command commands[] = {
	{"create", "SKU:QUANTITY[@LOCATION]...", "Holds stock: all lines, or none.", NULL,
		"reserve create --owner basket-17 --channel web 85123A:2 71053:1@LEEDS\n"
		"reserve create --owner basket-17 --channel web --hold-for 30m --allow-partial 85123A:100",
		create_options, 1, -1, create},
	{"show", "RESERVATION", "Shows a reservation.",
		"RESERVATION, here and below, is its id, or the owner or customer of one living hold.\n",
		"reserve show basket-17\nreserve show 019389a2-6f1e-7005-8000-1a2b3c4d5e6f", NULL, 1, 1,
		show},
	{"list", "", "Lists the living holds of an owner or a customer.", NULL,
		"reserve list --owner basket-17", list_options, 0, 0, list},
	{"extend", "RESERVATION", "Holds on from now.", NULL,
		"reserve extend 019389a2-6f1e-7005-8000-1a2b3c4d5e6f --hold-for 15m", extend_options, 1, 1,
		extend},
	{"replace", "RESERVATION SKU:QUANTITY[@LOCATION]...", "Other lines for the same hold.", NULL,
		"reserve replace 019389a2-6f1e-7005-8000-1a2b3c4d5e6f 85123A:3", replace_options, 2, -1,
		replace},
	{"release", "RESERVATION", "Gives the stock back.", NULL,
		"reserve release 019389a2-6f1e-7005-8000-1a2b3c4d5e6f", release_options, 1, 1, release},
	{"confirm", "RESERVATION [SKU[@LOCATION]/METHOD...]", "Turns the hold into an order.",
		"What is not named behind it reaches the customer as --method says.\n",
		"reserve confirm 019389a2-6f1e-7005-8000-1a2b3c4d5e6f --price 85123A=2.55GBP --fulfil\n"
		"reserve confirm basket-17 --channel till 85123A/carry-out 71053/ship",
		confirm_options, 1, -1, confirm},
};

const struct noun noun_reserve = {.name = "reserve",
	.summary = "Soft holds with an expiry: a basket, a customer on the phone.",
	NOUN_COMMANDS(commands)};
