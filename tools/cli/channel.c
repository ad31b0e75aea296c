/* stockbook channel: through which customers buy. */
#include "cli.h"
#include "parse.h"
#include "stockbook/v1/channel.pb-c.h"
#include "view.h"

static const struct column columns[] = {
	{"CODE", "code", COLUMN_TEXT},
	{"NAME", "name", COLUMN_LONG},
	{"KIND", "kind", COLUMN_TEXT},
	{"GROUP", "location_group", COLUMN_TEXT},
	{"SAFETY STOCK", "safety_stock", COLUMN_NUMBER},
	{"UPDATED", "update_time", COLUMN_DETAIL},
};

static const struct column fields[] = {
	{"code", "code", COLUMN_TEXT},
	{"name", "name", COLUMN_TEXT},
	{"kind", "kind", COLUMN_TEXT},
	{"location group", "location_group", COLUMN_TEXT},
	{"safety stock", "safety_stock", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
	{"updated", "update_time", COLUMN_TEXT},
};

static struct {
	char *name, *kind, *group, *safety_stock;
} given;

static const struct poptOption put_options[] = {
	{"name", 0, POPT_ARG_STRING, &given.name, 0, "for people", "TEXT"},
	{"kind", 0, POPT_ARG_STRING, &given.kind, 0, "web (default), till, call-centre, marketplace",
		"KIND"},
	{"group", 0, POPT_ARG_STRING, &given.group, 0, "where its promises are sourced from", "CODE"},
	{"safety-stock", 0, POPT_ARG_STRING, &given.safety_stock, 0,
		"where neither item nor location says one", "QUANTITY"},
	POPT_TABLEEND,
};

static enum exit_code show_channel(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code =
		view_document(cli, response, "channel", VIEW_COLUMNS(fields), NULL, NULL, 0);
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
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
		"channel put till --kind till",
		put_options, 1, 1, put},
	{"show", "CODE", "Shows a channel.", NULL, "channel show web", NULL, 1, 1, show},
	{"list", "", "Lists channels in the order of their codes.", NULL, "channel list", list_options,
		0, 0, list},
};

const struct noun noun_channel = {.name = "channel",
	.summary = "Channels: web, till, call centre, marketplace.",
	NOUN_COMMANDS(commands)};
