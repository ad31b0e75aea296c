/* stockbook stock watch: what may be promised, as it changes. */
#include "stock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "follow.h"
#include "message_json.h"
#include "stockbook/v1/event.pb-c.h"

int stock_watch_count;

struct watch {
	struct cli *cli;
	int shown;
};

static void show_line(const char *time, const Stockbook__V1__Availability *availability)
{
	printf("%s %s: %" PRId64, time, availability->sku, availability->available_to_sell);
	for (size_t i = 0; i < availability->n_locations; i++)
		printf("%s%s %" PRId64, i > 0 ? ", " : " (", availability->locations[i]->location,
			availability->locations[i]->available_to_sell);
	puts(availability->n_locations > 0 ? ")" : "");
}

static void show_csv(const char *time, const Stockbook__V1__Availability *availability)
{
	printf("%s,", time);
	view_write_csv(availability->sku);
	printf(",%" PRId64 "\n", availability->available_to_sell);
}

static void on_message(struct follow *follow, const ProtobufCMessage *message)
{
	struct watch *watch = follow->context;
	const Stockbook__V1__WatchAvailabilityResponse *response =
		(const Stockbook__V1__WatchAvailabilityResponse *)message;
	char now[32];
	time_t seconds = time(NULL);
	struct tm utc;
	strftime(now, sizeof(now), "%Y-%m-%d %H:%M:%SZ", gmtime_r(&seconds, &utc));
	for (size_t i = 0; i < response->n_availabilities && !follow->enough; i++) {
		const Stockbook__V1__Availability *availability = response->availabilities[i];
		if (watch->cli->output == OUTPUT_CSV) {
			show_csv(now, availability);
		} else if (watch->cli->output == OUTPUT_TABLE) {
			show_line(now, availability);
		} else {
			message_write_json(stdout, &availability->base, false, 0);
			putchar('\n');
		}
		follow->enough = stock_watch_count > 0 && ++watch->shown >= stock_watch_count;
	}
	fflush(stdout);
}

enum exit_code stock_watch(struct cli *cli, char **locations, size_t location_count, char *group,
	char *channel)
{
	Stockbook__V1__WatchAvailabilityRequest request =
		STOCKBOOK__V1__WATCH_AVAILABILITY_REQUEST__INIT;
	request.skus = cli->arguments;
	request.n_skus = (size_t)cli->arguments_count;
	request.locations = locations;
	request.n_locations = location_count;
	request.location_group = group;
	request.channel = channel;
	struct watch watch = {.cli = cli};
	struct follow follow = {
		.method = stockbook_method("EventService", "WatchAvailability"),
		.request = &request.base,
		.on_message = on_message,
		.context = &watch,
	};
	if (cli->output == OUTPUT_CSV)
		puts("time,sku,available_to_sell");
	return follow_run(cli, &follow);
}
