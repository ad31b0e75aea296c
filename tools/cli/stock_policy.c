/* stockbook stock safety, quota, shelf: what is said of a SKU at a location, and moves nothing. */
#include "stock.h"

#include <string.h>

#include "parse.h"
#include "stockbook/v1/stock.pb-c.h"

static const struct column quota_columns[] = {
	{"SKU", "sku", COLUMN_TEXT},
	{"LOCATION", "location", COLUMN_TEXT},
	{"CHANNEL", "channel", COLUMN_TEXT},
	{"QUANTITY", "quantity", COLUMN_NUMBER},
	{"USED", "used", COLUMN_NUMBER},
	{"LEFT", "left", COLUMN_NUMBER},
};

/* SKU:QUANTITY, or SKU:WORD for none, which leaves *quantity NULL. False after a message. */
static bool read_optional(struct cli *cli, const char *text, const char *word, char **sku,
	Google__Protobuf__Int64Value **quantity)
{
	size_t length = strlen(text), suffix = strlen(word) + 1;
	struct line line;
	*quantity = NULL;
	if (length > suffix && text[length - suffix] == ':' &&
		strcmp(text + length - suffix + 1, word) == 0) {
		*sku = arena_string_sized(&cli->arena, text, length - suffix);
		return true;
	}
	if (!parse_line(&cli->arena, text, &line) || line.location || line.price) {
		usage_error(cli, "'%s' is neither SKU:QUANTITY nor SKU:%s", text, word);
		return false;
	}
	*sku = text_of(line.sku);
	*quantity = int64_value(&cli->arena, line.quantity);
	return true;
}

enum exit_code stock_safety(struct cli *cli)
{
	Stockbook__V1__SetSafetyStockRequest request = STOCKBOOK__V1__SET_SAFETY_STOCK_REQUEST__INIT;
	request.location = cli->arguments[0];
	request.n_lines = (size_t)(cli->arguments_count - 1);
	request.lines = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*request.lines));
	for (size_t i = 0; i < request.n_lines; i++) {
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__safety_stock_line__init(request.lines[i]);
		if (!read_optional(cli, cli->arguments[i + 1], "default", &request.lines[i]->sku,
				&request.lines[i]->quantity))
			return EXIT_CODE_USAGE;
	}
	return stock_show_levels(cli, cli_call(cli, "StockService", "SetSafetyStock", &request.base));
}

enum exit_code stock_quota(struct cli *cli)
{
	Stockbook__V1__SetQuotaRequest request = STOCKBOOK__V1__SET_QUOTA_REQUEST__INIT;
	request.location = cli->arguments[0];
	request.channel = cli->arguments[1];
	request.n_lines = (size_t)(cli->arguments_count - 2);
	request.lines = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*request.lines));
	for (size_t i = 0; i < request.n_lines; i++) {
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__quota_line__init(request.lines[i]);
		if (!read_optional(cli, cli->arguments[i + 2], "none", &request.lines[i]->sku,
				&request.lines[i]->quantity))
			return EXIT_CODE_USAGE;
	}
	ProtobufCMessage *response =
		cli_keep(cli, cli_call(cli, "StockService", "SetQuota", &request.base));
	if (!response)
		return cli->exit_code;
	return view_rows(cli, response, "quotas", VIEW_COLUMNS(quota_columns));
}

/* SKU=SHELF; the SKU may contain '='. */
enum exit_code stock_shelf(struct cli *cli)
{
	Stockbook__V1__SetShelfRequest request = STOCKBOOK__V1__SET_SHELF_REQUEST__INIT;
	request.location = cli->arguments[0];
	request.n_lines = (size_t)(cli->arguments_count - 1);
	request.lines = arena_alloc_array(&cli->arena, request.n_lines, sizeof(*request.lines));
	for (size_t i = 0; i < request.n_lines; i++) {
		const char *text = cli->arguments[i + 1];
		const char *sign = strrchr(text, '=');
		if (!sign || sign == text)
			return usage_error(cli, "'%s' is not SKU=SHELF", text);
		request.lines[i] = arena_alloc(&cli->arena, sizeof(*request.lines[i]));
		stockbook__v1__shelf_line__init(request.lines[i]);
		request.lines[i]->sku = arena_string_sized(&cli->arena, text, (size_t)(sign - text));
		request.lines[i]->shelf = text_of(sign + 1);
	}
	return view_done(cli, cli_call(cli, "StockService", "SetShelf", &request.base),
		"%zu shelves at %s are known now", request.n_lines, request.location);
}
