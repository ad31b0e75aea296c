/* stockbook recount: count a SKU again where the book and the shelf may differ. */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>

#include "document.h"
#include "here.h"
#include "message_json.h"
#include "parse.h"
#include "stockbook/v1/work.pb-c.h"
#include "view.h"

static const struct poptOption options[] = {
	NOTE_OPTION, LOCATION_OPTION, WORKER_OPTION, POPT_TABLEEND};

static enum exit_code request_it(struct cli *cli)
{
	if (!here_needs_location(cli))
		return EXIT_CODE_USAGE;
	for (int i = 0; i < cli->arguments_count; i++) {
		Stockbook__V1__RequestRecountRequest request = STOCKBOOK__V1__REQUEST_RECOUNT_REQUEST__INIT;
		request.location = text_of(here_location());
		request.sku = cli->arguments[i];
		request.note = text_of(given_note);
		request.worker = text_of(here_worker());
		ProtobufCMessage *response = cli_call(cli, "WorkService", "RequestRecount", &request.base);
		enum exit_code code = view_done(cli, response, "%s is to be recounted", request.sku);
		if (code)
			return code;
	}
	return EXIT_CODE_OK;
}

static const char *difference_text(struct cli *cli, int64_t difference)
{
	if (!difference)
		return "as the book has it";
	return difference < 0
			   ? arena_printf(&cli->arena, "%" PRId64 ": the book had more", difference)
			   : arena_printf(&cli->arena, "+%" PRId64 ": the book had less", difference);
}

static enum exit_code record(struct cli *cli)
{
	if (!here_needs_location(cli))
		return EXIT_CODE_USAGE;
	struct line *lines =
		arena_alloc_array(&cli->arena, (size_t)cli->arguments_count, sizeof(*lines));
	for (int i = 0; i < cli->arguments_count; i++)
		if (!parse_line(&cli->arena, cli->arguments[i], &lines[i]) || lines[i].location ||
			lines[i].price)
			return usage_error(cli, "'%s' is not SKU:QUANTITY", cli->arguments[i]);
	if (cli->request_id && cli->arguments_count > 1)
		return usage_error(cli, "--request-id goes with one SKU");
	for (int i = 0; i < cli->arguments_count; i++) {
		Stockbook__V1__RecordRecountRequest request = STOCKBOOK__V1__RECORD_RECOUNT_REQUEST__INIT;
		request.location = text_of(here_location());
		request.sku = text_of(lines[i].sku);
		request.on_hand = lines[i].quantity;
		request.note = text_of(given_note);
		request.worker = text_of(here_worker());
		ProtobufCMessage *response = cli_call(cli, "WorkService", "RecordRecount", &request.base);
		if (!response)
			return cli->exit_code;
		int64_t difference = ((const Stockbook__V1__RecordRecountResponse *)response)->difference;
		view_done(cli, response, "%s: %" PRId64 " counted, %s", lines[i].sku, lines[i].quantity,
			difference_text(cli, difference));
	}
	return EXIT_CODE_OK;
}

static const struct command commands[] = {
	{"request", "SKU...", "Somebody is to count it again.", NULL,
		"recount request 85123A --location LEEDS --note 'shelf looks empty'", options, 1, -1,
		request_it},
	{NULL, "SKU:QUANTITY...", "What is physically there, in all states; the difference is posted.",
		"All that stands on the shelf or is set aside for customers counts. 'stockbook work list\n"
		"recount' shows what is to be counted.\n",
		"recount 85123A:12 --location LEEDS\nrecount 85123A:12 71053:0", options, 1, -1, record},
};

const struct noun noun_recount = {.name = "recount",
	.summary = "Counting a SKU again where book and shelf may differ.",
	NOUN_COMMANDS(commands)};
