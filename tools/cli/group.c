/* stockbook group: locations in order of preference. */
#include "cli.h"
#include "parse.h"
#include "stockbook/v1/location.pb-c.h"
#include "view.h"

static const struct column columns[] = {
	{"CODE", "code", COLUMN_TEXT},
	{"NAME", "name", COLUMN_LONG},
	{"LOCATIONS", "locations", COLUMN_LONG},
	{"UPDATED", "update_time", COLUMN_DETAIL},
};

static const struct column fields[] = {
	{"code", "code", COLUMN_TEXT},
	{"name", "name", COLUMN_TEXT},
	{"locations", "locations", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
	{"updated", "update_time", COLUMN_TEXT},
};

static char *given_name;

static const struct poptOption put_options[] = {
	{"name", 0, POPT_ARG_STRING, &given_name, 0, "for people", "TEXT"},
	POPT_TABLEEND,
};

static enum exit_code show_group(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code =
		view_document(cli, response, "location_group", VIEW_COLUMNS(fields), NULL, NULL, 0);
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static enum exit_code put(struct cli *cli)
{
	Stockbook__V1__LocationGroup group = STOCKBOOK__V1__LOCATION_GROUP__INIT;
	Stockbook__V1__PutLocationGroupRequest request =
		STOCKBOOK__V1__PUT_LOCATION_GROUP_REQUEST__INIT;
	request.location_group = &group;
	group.code = cli->arguments[0];
	group.name = text_of(given_name);
	group.n_locations = (size_t)(cli->arguments_count - 1);
	group.locations = cli->arguments + 1;
	return show_group(cli, cli_call(cli, "LocationService", "PutLocationGroup", &request.base));
}

static enum exit_code show(struct cli *cli)
{
	Stockbook__V1__GetLocationGroupRequest request =
		STOCKBOOK__V1__GET_LOCATION_GROUP_REQUEST__INIT;
	request.code = cli->arguments[0];
	return show_group(cli, cli_call(cli, "LocationService", "GetLocationGroup", &request.base));
}

static const struct poptOption list_options[] = {LIST_LIMIT_OPTION, POPT_TABLEEND};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListLocationGroupsRequest request =
		STOCKBOOK__V1__LIST_LOCATION_GROUPS_REQUEST__INIT;
	return view_list(cli, "LocationService", "ListLocationGroups", &request.base, "location_groups",
		view_limit, VIEW_COLUMNS(columns));
}

static const struct command commands[] = {
	{"put", "CODE LOCATION...", "Creates a group, or replaces its members, most preferred first.",
		NULL, "group put uk DC1 LEEDS YORK --name 'United Kingdom'", put_options, 2, -1, put},
	{"show", "CODE", "Shows a group.", NULL, "group show uk", NULL, 1, 1, show},
	{"list", "", "Lists groups in the order of their codes.", NULL, "group list", list_options, 0,
		0, list},
};

const struct noun noun_group = {.name = "group",
	.summary = "Location groups: where a channel is sourced from, in order.",
	NOUN_COMMANDS(commands)};
