/* stockbook token: who may call, in which role. */
#include "cli.h"

#include <stdio.h>

#include "parse.h"
#include "stockbook/v1/token.pb-c.h"
#include "view.h"

static const struct column columns[] = {
	{"NAME", "name", COLUMN_TEXT},
	{"ROLE", "role", COLUMN_TEXT},
	{"LOCATIONS", "locations", COLUMN_LONG},
	{"CREATED", "create_time", COLUMN_TEXT},
	{"REVOKED", "revoke_time", COLUMN_TEXT},
};

static const struct column fields[] = {
	{"name", "name", COLUMN_TEXT},
	{"role", "role", COLUMN_TEXT},
	{"locations", "locations", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
	{"revoked", "revoke_time", COLUMN_TEXT},
};

static char *given_role;
static char **given_locations;

static const struct poptOption create_options[] = {
	{"role", 0, POPT_ARG_STRING, &given_role, 0, "reader, shop, store, fulfilment, admin", "ROLE"},
	{"location", 0, POPT_ARG_ARGV, &given_locations, 0, "of a store; may be repeated", "CODE"},
	POPT_TABLEEND,
};

static enum exit_code create(struct cli *cli)
{
	Stockbook__V1__CreateTokenRequest request = STOCKBOOK__V1__CREATE_TOKEN_REQUEST__INIT;
	int role;
	if (!given_role || !parse_enum(&stockbook__v1__role__descriptor, given_role, &role) || !role)
		return usage_error(cli, "say --role: %s",
			enum_words(&cli->arena, &stockbook__v1__role__descriptor));
	request.name = cli->arguments[0];
	request.role = (Stockbook__V1__Role)role;
	request.locations = given_locations;
	while (given_locations && given_locations[request.n_locations])
		request.n_locations++;
	ProtobufCMessage *message = cli_call(cli, "TokenService", "CreateToken", &request.base);
	if (!message)
		return cli->exit_code;
	enum exit_code code = view_document(cli, message, "token", VIEW_COLUMNS(fields), NULL, NULL, 0);
	if (cli->output != OUTPUT_JSON)
		printf("%s%s\n", cli->output == OUTPUT_TABLE ? "secret     " : "",
			((const Stockbook__V1__CreateTokenResponse *)message)->secret);
	if (cli->output == OUTPUT_TABLE)
		say_hint("keep the secret now: it is shown only once; use it with --token or "
				 "STOCKBOOK_TOKEN");
	protobuf_c_message_free_unpacked(message, NULL);
	return code;
}

static const struct poptOption list_options[] = {LIST_LIMIT_OPTION, POPT_TABLEEND};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListTokensRequest request = STOCKBOOK__V1__LIST_TOKENS_REQUEST__INIT;
	return view_list(cli, "TokenService", "ListTokens", &request.base, "tokens", view_limit,
		VIEW_COLUMNS(columns));
}

static enum exit_code revoke(struct cli *cli)
{
	Stockbook__V1__RevokeTokenRequest request = STOCKBOOK__V1__REVOKE_TOKEN_REQUEST__INIT;
	request.name = cli->arguments[0];
	ProtobufCMessage *response = cli_call(cli, "TokenService", "RevokeToken", &request.base);
	if (!response)
		return cli->exit_code;
	enum exit_code code =
		view_document(cli, response, "token", VIEW_COLUMNS(fields), NULL, NULL, 0);
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

static const struct command commands[] = {
	{"create", "NAME", "Makes a token and shows its secret, once.", NULL,
		"token create till-leeds-1 --role store --location LEEDS\ntoken create shop --role shop",
		create_options, 1, 1, create},
	{"list", "", "Lists tokens, also revoked ones.", NULL, "token list", list_options, 0, 0, list},
	{"revoke", "NAME", "Ends a token, for good.", NULL, "token revoke till-leeds-1", NULL, 1, 1,
		revoke},
};

const struct noun noun_token = {
	.name = "token", .summary = "Who may call, in which role.", NOUN_COMMANDS(commands)};
