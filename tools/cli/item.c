/* stockbook item: what can be stocked. */
#include "cli.h"
#include "parse.h"
#include "stockbook/v1/item.pb-c.h"
#include "view.h"

static const struct column columns[] = {
	{"SKU", "sku", COLUMN_TEXT},
	{"NAME", "name", COLUMN_LONG},
	{"ALIASES", "aliases", COLUMN_LONG},
	{"SAFETY STOCK", "safety_stock", COLUMN_NUMBER},
	{"CREATED", "create_time", COLUMN_DETAIL},
	{"UPDATED", "update_time", COLUMN_DETAIL},
};

static const struct column fields[] = {
	{"sku", "sku", COLUMN_TEXT},
	{"name", "name", COLUMN_TEXT},
	{"aliases", "aliases", COLUMN_TEXT},
	{"safety stock", "safety_stock", COLUMN_NUMBER},
	{"created", "create_time", COLUMN_TEXT},
	{"updated", "update_time", COLUMN_TEXT},
};

static struct {
	char *name;
	char **aliases;
	char *safety_stock;
	char *prefix;
} given;

static const struct poptOption put_options[] = {
	{"name", 0, POPT_ARG_STRING, &given.name, 0, "for people", "TEXT"},
	{"alias", 0, POPT_ARG_ARGV, &given.aliases, 0, "barcode or former name; may be repeated",
		"CODE"},
	{"safety-stock", 0, POPT_ARG_STRING, &given.safety_stock, 0, "default for every location",
		"QUANTITY"},
	POPT_TABLEEND,
};

static enum exit_code show_item(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code = view_document(cli, response, "item", VIEW_COLUMNS(fields), NULL, NULL, 0);
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static enum exit_code put(struct cli *cli)
{
	Stockbook__V1__Item item = STOCKBOOK__V1__ITEM__INIT;
	Stockbook__V1__PutItemRequest request = STOCKBOOK__V1__PUT_ITEM_REQUEST__INIT;
	request.item = &item;
	item.sku = cli->arguments[0];
	item.name = text_of(given.name);
	item.aliases = given.aliases;
	while (given.aliases && given.aliases[item.n_aliases])
		item.n_aliases++;
	int64_t safety_stock;
	if (given.safety_stock) {
		if (!parse_integer(given.safety_stock, &safety_stock))
			return usage_error(cli, "safety stock '%s' is not a whole number", given.safety_stock);
		item.safety_stock = int64_value(&cli->arena, safety_stock);
	}
	return show_item(cli, cli_call(cli, "ItemService", "PutItem", &request.base));
}

static enum exit_code show(struct cli *cli)
{
	Stockbook__V1__GetItemRequest request = STOCKBOOK__V1__GET_ITEM_REQUEST__INIT;
	request.sku = cli->arguments[0];
	return show_item(cli, cli_call(cli, "ItemService", "GetItem", &request.base));
}

static const struct poptOption list_options[] = {
	{"prefix", 0, POPT_ARG_STRING, &given.prefix, 0, "only SKUs that begin with this", "TEXT"},
	LIST_LIMIT_OPTION,
	POPT_TABLEEND,
};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListItemsRequest request = STOCKBOOK__V1__LIST_ITEMS_REQUEST__INIT;
	request.sku_prefix = text_of(given.prefix);
	return view_list(cli, "ItemService", "ListItems", &request.base, "items", view_limit,
		VIEW_COLUMNS(columns));
}

static const struct command commands[] = {
	{"put", "SKU", "Creates an item, or replaces all that is said of it.", NULL,
		"item put 85123A --name 'White hanging heart' --alias 5012345678900\n"
		"item put 71053 --safety-stock 2",
		put_options, 1, 1, put},
	{"show", "SKU", "Shows an item, by SKU or alias.", NULL,
		"item show 85123A\nitem show 5012345678900 --output json", NULL, 1, 1, show},
	{"list", "", "Lists items in the order of their SKUs.", NULL,
		"item list --prefix 85\nitem list --output csv > items.csv", list_options, 0, 0, list},
};

const struct noun noun_item = {
	.name = "item", .summary = "What can be stocked, identified by SKU.", NOUN_COMMANDS(commands)};
