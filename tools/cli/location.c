/* stockbook location: stores, warehouses and virtual pools. */
#include "cli.h"
#include "parse.h"
#include "stockbook/v1/location.pb-c.h"
#include "view.h"

static const struct column columns[] = {
	{"CODE", "code", COLUMN_TEXT},
	{"NAME", "name", COLUMN_LONG},
	{"KIND", "kind", COLUMN_TEXT},
	{"TILL", "sells_at_till", COLUMN_TEXT},
	{"SHIPS", "ships", COLUMN_TEXT},
	{"PICKUPS", "hands_over_pickups", COLUMN_TEXT},
	{"RETURNS", "takes_returns", COLUMN_TEXT},
	{"SAFETY STOCK", "safety_stock", COLUMN_NUMBER},
	{"DISABLED", "disabled", COLUMN_TEXT},
	{"TIME ZONE", "time_zone", COLUMN_DETAIL},
	{"SHIP CAPACITY", "daily_ship_capacity", COLUMN_DETAIL},
};

static const struct column fields[] = {
	{"code", "code", COLUMN_TEXT},
	{"name", "name", COLUMN_TEXT},
	{"kind", "kind", COLUMN_TEXT},
	{"address", "address", COLUMN_TEXT},
	{"coordinates", "coordinates", COLUMN_TEXT},
	{"time zone", "time_zone", COLUMN_TEXT},
	{"sells at the till", "sells_at_till", COLUMN_TEXT},
	{"ships", "ships", COLUMN_TEXT},
	{"hands over pickups", "hands_over_pickups", COLUMN_TEXT},
	{"takes returns", "takes_returns", COLUMN_TEXT},
	{"parcels a day", "daily_ship_capacity", COLUMN_TEXT},
	{"minutes to accept a pickup", "pickup_accept_minutes", COLUMN_NO_ZERO},
	{"minutes until it is ready", "pickup_ready_minutes", COLUMN_NO_ZERO},
	{"minutes it is kept", "pickup_hold_minutes", COLUMN_NO_ZERO},
	{"minutes until a parcel leaves", "ship_minutes", COLUMN_NO_ZERO},
	{"safety stock", "safety_stock", COLUMN_TEXT},
	{"disabled", "disabled", COLUMN_TEXT},
	{"created", "create_time", COLUMN_TEXT},
	{"updated", "update_time", COLUMN_TEXT},
};

static struct {
	char *name, *kind, *time_zone, *safety_stock, *ship_capacity, *coordinates;
	char *accept_within, *ready_within, *keep_for, *ship_within;
	int no_till, no_ship, pickups, no_returns, disabled;
} given;

static const struct poptOption put_options[] = {
	{"name", 0, POPT_ARG_STRING, &given.name, 0, "for people", "TEXT"},
	{"kind", 0, POPT_ARG_STRING, &given.kind, 0, "store (default), warehouse, virtual", "KIND"},
	{"time-zone", 0, POPT_ARG_STRING, &given.time_zone, 0, "such as Europe/London", "ZONE"},
	{"no-till", 0, POPT_ARG_NONE, &given.no_till, 0,
		"does not sell at the till (warehouses never do)", NULL},
	{"no-ship", 0, POPT_ARG_NONE, &given.no_ship, 0, "does not ship", NULL},
	{"pickups", 0, POPT_ARG_NONE, &given.pickups, 0, "hands over pickups", NULL},
	{"no-returns", 0, POPT_ARG_NONE, &given.no_returns, 0, "takes no returns", NULL},
	{"ship-capacity", 0, POPT_ARG_STRING, &given.ship_capacity, 0, "parcels a day, 0: no limit",
		"N"},
	{"safety-stock", 0, POPT_ARG_STRING, &given.safety_stock, 0, "default for every item here",
		"QUANTITY"},
	{"coordinates", 0, POPT_ARG_STRING, &given.coordinates, 0, "such as 53.797,-1.543", "LAT,LON"},
	{"accept-within", 0, POPT_ARG_STRING, &given.accept_within, 0, "pickups, such as 30m (1h)",
		"TIME"},
	{"ready-within", 0, POPT_ARG_STRING, &given.ready_within, 0, "pickups (4h)", "TIME"},
	{"keep-for", 0, POPT_ARG_STRING, &given.keep_for, 0, "ready pickups (7d)", "TIME"},
	{"ship-within", 0, POPT_ARG_STRING, &given.ship_within, 0, "parcels (1d)", "TIME"},
	{"disabled", 0, POPT_ARG_NONE, &given.disabled, 0, "promises nothing", NULL},
	POPT_TABLEEND,
};

static enum exit_code show_location(struct cli *cli, ProtobufCMessage *response)
{
	if (!response)
		return cli->exit_code;
	enum exit_code code =
		view_document(cli, response, "location", VIEW_COLUMNS(fields), NULL, NULL, 0);
	protobuf_c_message_free_unpacked(response, NULL);
	return code;
}

/* A time in whole minutes; false after a message. */
static bool read_minutes(struct cli *cli, const char *text, int32_t *minutes)
{
	int64_t ms;
	if (!text)
		return true;
	if (!parse_duration_ms(text, &ms) || ms % 60000 || ms / 60000 > INT32_MAX) {
		usage_error(cli, "'%s' is not a time of whole minutes such as 30m, 4h, 7d", text);
		return false;
	}
	*minutes = (int32_t)(ms / 60000);
	return true;
}

/* Where it is, and how long things take there; false after a message. */
static bool read_place_and_times(struct cli *cli, Stockbook__V1__Location *location)
{
	double latitude, longitude;
	if (given.coordinates) {
		if (!parse_coordinates(given.coordinates, &latitude, &longitude)) {
			usage_error(cli, "'%s' is not LATITUDE,LONGITUDE such as 53.797,-1.543",
				given.coordinates);
			return false;
		}
		location->coordinates = coordinates_of(&cli->arena, latitude, longitude);
	}
	return read_minutes(cli, given.accept_within, &location->pickup_accept_minutes) &&
		   read_minutes(cli, given.ready_within, &location->pickup_ready_minutes) &&
		   read_minutes(cli, given.keep_for, &location->pickup_hold_minutes) &&
		   read_minutes(cli, given.ship_within, &location->ship_minutes);
}

static enum exit_code put(struct cli *cli)
{
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	Stockbook__V1__PutLocationRequest request = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	request.location = &location;
	location.code = cli->arguments[0];
	location.name = text_of(given.name);
	location.time_zone = text_of(given.time_zone);
	int kind = STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	if (given.kind && !parse_enum(&stockbook__v1__location_kind__descriptor, given.kind, &kind))
		return usage_error(cli, "kind '%s' is not one of %s", given.kind,
			enum_words(&cli->arena, &stockbook__v1__location_kind__descriptor));
	location.kind = (Stockbook__V1__LocationKind)kind;
	location.sells_at_till =
		!given.no_till && kind == STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE;
	location.ships = !given.no_ship;
	location.hands_over_pickups = given.pickups;
	location.takes_returns = !given.no_returns;
	location.disabled = given.disabled;
	int64_t safety_stock;
	if (!read_place_and_times(cli, &location))
		return EXIT_CODE_USAGE;
	if (given.ship_capacity && !parse_integer(given.ship_capacity, &location.daily_ship_capacity))
		return usage_error(cli, "ship capacity '%s' is not a whole number", given.ship_capacity);
	if (given.safety_stock) {
		if (!parse_integer(given.safety_stock, &safety_stock))
			return usage_error(cli, "safety stock '%s' is not a whole number", given.safety_stock);
		location.safety_stock = int64_value(&cli->arena, safety_stock);
	}
	return show_location(cli, cli_call(cli, "LocationService", "PutLocation", &request.base));
}

static enum exit_code show(struct cli *cli)
{
	Stockbook__V1__GetLocationRequest request = STOCKBOOK__V1__GET_LOCATION_REQUEST__INIT;
	request.code = cli->arguments[0];
	return show_location(cli, cli_call(cli, "LocationService", "GetLocation", &request.base));
}

static const struct poptOption list_options[] = {LIST_LIMIT_OPTION, POPT_TABLEEND};

static enum exit_code list(struct cli *cli)
{
	Stockbook__V1__ListLocationsRequest request = STOCKBOOK__V1__LIST_LOCATIONS_REQUEST__INIT;
	return view_list(cli, "LocationService", "ListLocations", &request.base, "locations",
		view_limit, VIEW_COLUMNS(columns));
}

static const struct command commands[] = {
	{"put", "CODE", "Creates a location, or replaces all that is said of it.",
		"What is not switched off is on: a store sells at the till, ships and takes returns.\n",
		"location put LEEDS --name 'Leeds, Briggate' --time-zone Europe/London\n"
		"location put DC1 --kind warehouse --safety-stock 5\n"
		"location put YORK --pickups --coordinates 53.960,-1.087 --ready-within 2h",
		put_options, 1, 1, put},
	{"show", "CODE", "Shows a location.", NULL, "location show LEEDS", NULL, 1, 1, show},
	{"list", "", "Lists locations in the order of their codes.", NULL, "location list",
		list_options, 0, 0, list},
};

const struct noun noun_location = {.name = "location",
	.summary = "Stores, warehouses and virtual pools.",
	NOUN_COMMANDS(commands)};
