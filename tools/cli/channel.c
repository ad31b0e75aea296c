/* stockbook channel: through which customers buy. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "message.h"
#include "parse.h"
#include "stockbook/v1/channel.pb-c.h"
#include "view.h"

static const struct column columns[] = {
	{"CODE", "code", COLUMN_TEXT},
	{"NAME", "name", COLUMN_LONG},
	{"KIND", "kind", COLUMN_TEXT},
	{"GROUP", "location_group", COLUMN_TEXT},
	{"STRATEGY", "strategy", COLUMN_TEXT | COLUMN_EXTRA},
	{"SAFETY STOCK", "safety_stock", COLUMN_NUMBER},
	{"PLANS SHIPMENTS", "plans_shipments", COLUMN_DETAIL},
	{"EXCLUSIONS", "exclusions", COLUMN_DETAIL},
	{"UPDATED", "update_time", COLUMN_DETAIL},
};

static const struct column fields[] = {
	{"code", "code", COLUMN_TEXT},
	{"name", "name", COLUMN_TEXT},
	{"kind", "kind", COLUMN_TEXT},
	{"location group", "location_group", COLUMN_TEXT},
	{"safety stock", "safety_stock", COLUMN_TEXT},
	{"strategy", "strategy", COLUMN_TEXT},
	{"plans shipments", "plans_shipments", COLUMN_TEXT},
	{"days of delivery", "delivery_days", COLUMN_NO_ZERO},
	{"km a day", "delivery_km_per_day", COLUMN_NO_ZERO},
	{"created", "create_time", COLUMN_TEXT},
	{"updated", "update_time", COLUMN_TEXT},
};

static const struct column exclusion_columns[] = {
	{"EXCLUDED", "location", COLUMN_TEXT},
	{"FOR", "method", COLUMN_TEXT},
};

static struct {
	char *name, *kind, *group, *safety_stock, *strategy;
	char **exclusions;
	int plans_shipments, delivery_days, km_per_day;
} given;

static const struct poptOption put_options[] = {
	{"name", 0, POPT_ARG_STRING, &given.name, 0, "for people", "TEXT"},
	{"kind", 0, POPT_ARG_STRING, &given.kind, 0, "web (default), till, call-centre, marketplace",
		"KIND"},
	{"group", 0, POPT_ARG_STRING, &given.group, 0, "where its promises are sourced from", "CODE"},
	{"safety-stock", 0, POPT_ARG_STRING, &given.safety_stock, 0,
		"where neither item nor location says one", "QUANTITY"},
	{"strategy", 0, POPT_ARG_STRING, &given.strategy, 0,
		"preference (default), nearest, fewest-parcels, most-stock, balanced", "HOW"},
	{"exclude", 0, POPT_ARG_ARGV, &given.exclusions, 0,
		"never from there, or not for this method; may be repeated", "CODE[/METHOD]"},
	{"plans-shipments", 0, POPT_ARG_NONE, &given.plans_shipments, 0,
		"opens a shipment at each location that ships its orders", NULL},
	{"delivery-days", 0, POPT_ARG_INT, &given.delivery_days, 0, "a parcel takes at least (1)",
		"DAYS"},
	{"km-per-day", 0, POPT_ARG_INT, &given.km_per_day, 0, "how far a parcel gets (500)", "KM"},
	POPT_TABLEEND,
};

static enum exit_code show_channel(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	size_t exclusions;
	const ProtobufCMessage *channel = message_part(response, "channel");
	enum exit_code code =
		view_document(cli, response, "channel", VIEW_COLUMNS(fields), NULL, NULL, 0);
	if (channel && cli->output == OUTPUT_TABLE) {
		message_parts(channel, "exclusions", &exclusions);
		if (exclusions) {
			putchar('\n');
			view_rows(cli, channel, "exclusions", VIEW_COLUMNS(exclusion_columns));
		}
	}
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

/* CODE, or CODE/METHOD; false after a message. */
static bool read_exclusion(struct cli *cli, const char *text, Stockbook__V1__ChannelExclusion *to)
{
	const char *slash = strrchr(text, '/');
	int method = 0;
	stockbook__v1__channel_exclusion__init(to);
	if (slash && !parse_enum(&stockbook__v1__fulfilment_method__descriptor, slash + 1, &method)) {
		usage_error(cli, "method '%s' is not one of %s", slash + 1,
			enum_words(&cli->arena, &stockbook__v1__fulfilment_method__descriptor));
		return false;
	}
	to->location =
		slash ? arena_string_sized(&cli->arena, text, (size_t)(slash - text)) : text_of(text);
	to->method = (Stockbook__V1__FulfilmentMethod)method;
	return true;
}

/* How it is sourced; false after a message. */
static bool read_sourcing(struct cli *cli, Stockbook__V1__Channel *channel)
{
	int strategy = 0;
	if (given.strategy &&
		!parse_enum(&stockbook__v1__sourcing_strategy__descriptor, given.strategy, &strategy)) {
		usage_error(cli, "strategy '%s' is not one of %s", given.strategy,
			enum_words(&cli->arena, &stockbook__v1__sourcing_strategy__descriptor));
		return false;
	}
	channel->strategy = (Stockbook__V1__SourcingStrategy)strategy;
	channel->plans_shipments = given.plans_shipments;
	channel->delivery_days = given.delivery_days;
	channel->delivery_km_per_day = given.km_per_day;
	while (given.exclusions && given.exclusions[channel->n_exclusions])
		channel->n_exclusions++;
	channel->exclusions =
		arena_alloc_array(&cli->arena, channel->n_exclusions, sizeof(*channel->exclusions));
	for (size_t i = 0; i < channel->n_exclusions; i++) {
		channel->exclusions[i] = arena_alloc(&cli->arena, sizeof(*channel->exclusions[i]));
		if (!read_exclusion(cli, given.exclusions[i], channel->exclusions[i]))
			return false;
	}
	return true;
}

static enum exit_code put(struct cli *cli)
{
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	Stockbook__V1__PutChannelRequest request = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	request.channel = &channel;
	channel.code = cli->arguments[0];
	channel.name = text_of(given.name);
	channel.location_group = text_of(given.group);
	int kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	if (given.kind && !parse_enum(&stockbook__v1__channel_kind__descriptor, given.kind, &kind))
		return usage_error(cli, "kind '%s' is not one of %s", given.kind,
			enum_words(&cli->arena, &stockbook__v1__channel_kind__descriptor));
	channel.kind = (Stockbook__V1__ChannelKind)kind;
	if (!read_sourcing(cli, &channel))
		return EXIT_CODE_USAGE;
	int64_t safety_stock;
	if (given.safety_stock) {
		if (!parse_integer(given.safety_stock, &safety_stock))
			return usage_error(cli, "safety stock '%s' is not a whole number", given.safety_stock);
		channel.safety_stock = int64_value(&cli->arena, safety_stock);
	}
	return show_channel(cli, cli_call(cli, "ChannelService", "PutChannel", &request.base));
}

static enum exit_code show(struct cli *cli)
{
	Stockbook__V1__GetChannelRequest request = STOCKBOOK__V1__GET_CHANNEL_REQUEST__INIT;
	request.code = cli->arguments[0];
	return show_channel(cli, cli_call(cli, "ChannelService", "GetChannel", &request.base));
}

static const struct poptOption list_options[] = {LIST_LIMIT_OPTION, POPT_TABLEEND};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListChannelsRequest request = STOCKBOOK__V1__LIST_CHANNELS_REQUEST__INIT;
	return view_list(cli, "ChannelService", "ListChannels", &request.base, "channels", view_limit,
		VIEW_COLUMNS(columns));
}

static const struct command commands[] = {
	{"put", "CODE", "Creates a channel, or replaces all that is said of it.", NULL,
		"channel put web --group uk --name 'Online shop'\n"
		"channel put till --kind till\n"
		"channel put web --group uk --strategy nearest --plans-shipments --exclude YORK/ship",
		put_options, 1, 1, put},
	{"show", "CODE", "Shows a channel.", NULL, "channel show web", NULL, 1, 1, show},
	{"list", "", "Lists channels in the order of their codes.", NULL, "channel list", list_options,
		0, 0, list},
};

const struct noun noun_channel = {.name = "channel",
	.summary = "Channels: web, till, call centre, marketplace.",
	NOUN_COMMANDS(commands)};
