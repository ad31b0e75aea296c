#include "sourcing.h"

#include <inttypes.h>
#include <stdio.h>

#include "message.h"
#include "parse.h"
#include "view.h"

char *given_strategy, *given_near;
char **given_excluded;

bool sourcing_read_near(struct cli *cli, Stockbook__V1__Coordinates **near)
{
	double latitude, longitude;
	*near = NULL;
	if (!given_near)
		return true;
	if (!parse_coordinates(given_near, &latitude, &longitude)) {
		usage_error(cli, "'%s' is not LATITUDE,LONGITUDE such as 53.8,-1.55", given_near);
		return false;
	}
	*near = coordinates_of(&cli->arena, latitude, longitude);
	return true;
}

bool sourcing_set(struct cli *cli, ProtobufCMessage *request, const char *field)
{
	int strategy = 0;
	Stockbook__V1__Coordinates *near;
	if (!given_strategy && !given_near && !given_excluded)
		return true;
	if (given_strategy &&
		!parse_enum(&stockbook__v1__sourcing_strategy__descriptor, given_strategy, &strategy)) {
		usage_error(cli, "strategy '%s' is not one of %s", given_strategy,
			enum_words(&cli->arena, &stockbook__v1__sourcing_strategy__descriptor));
		return false;
	}
	if (!sourcing_read_near(cli, &near))
		return false;
	Stockbook__V1__SourcingOptions *options = arena_alloc(&cli->arena, sizeof(*options));
	stockbook__v1__sourcing_options__init(options);
	options->strategy = (Stockbook__V1__SourcingStrategy)strategy;
	options->destination = near;
	options->excluded_locations = given_excluded;
	while (given_excluded && given_excluded[options->n_excluded_locations])
		options->n_excluded_locations++;
	message_set_part(request, field, &options->base);
	return true;
}

static const char *verdict_text(Stockbook__V1__SourcingVerdict verdict)
{
	static const char *const texts[] = {
		"?",
		"serves it",
		"is disabled",
		"does not do this",
		"not for this channel",
		"excluded by you",
		"has none",
		"keeps it back",
		"no capacity left today",
		"not needed",
	};
	size_t index = (size_t)verdict;
	return texts[index < ARRAY_COUNT(texts) ? index : 0];
}

void sourcing_show_explanation(struct cli *cli, const Stockbook__V1__SourcingExplanation *answer,
	const char *const *skus, size_t skus_count)
{
	static const char *const titles[] = {"SKU", "LOCATION", "WHY", "SERVES", "COULD", "KM"};
	static const int kinds[] = {
		COLUMN_TEXT, COLUMN_TEXT, COLUMN_LONG, COLUMN_NUMBER, COLUMN_NUMBER, COLUMN_NUMBER};
	enum { COLUMNS = ARRAY_COUNT(titles) };
	if (!answer || !answer->n_candidates || cli->output != OUTPUT_TABLE)
		return;
	struct arena *arena = &cli->arena;
	const char **cells =
		arena_alloc_array(arena, answer->n_candidates * COLUMNS, sizeof(const char *));
	for (size_t i = 0; i < answer->n_candidates; i++) {
		const Stockbook__V1__SourcingCandidate *candidate = answer->candidates[i];
		const char **row = cells + i * COLUMNS;
		size_t line = (size_t)candidate->line;
		row[0] = line < skus_count ? skus[line] : "";
		row[1] = candidate->location;
		row[2] = verdict_text(candidate->verdict);
		row[3] = candidate->quantity ? arena_printf(arena, "%" PRId64, candidate->quantity) : "";
		row[4] = arena_printf(arena, "%" PRId64, candidate->available_to_sell);
		row[5] =
			candidate->distance_km > 0 ? arena_printf(arena, "%.0f", candidate->distance_km) : "";
	}
	printf("\nwho was looked at, in this order:\n");
	view_text_table(cli, titles, kinds, COLUMNS, cells, answer->n_candidates);
	if (answer->omitted)
		printf("and %" PRId32 " more\n", answer->omitted);
}
