/* What must be there before trade begins: places, the channel and, in a chain, their group. */
#include "run.h"

#include <string.h>

#include "cli/parse.h"
#include "stockbook/v1/channel.pb-c.h"
#include "stockbook/v1/location.pb-c.h"

/* True when the document exists or could be made; get and put are methods of one service. */
static bool ensure(struct runner *runner, const char *service, const char *get,
	const ProtobufCMessage *get_request, const char *put, ProtobufCMessage *put_request)
{
	struct stockbook_error error;
	ProtobufCMessage *response =
		stockbook_call(runner->client, stockbook_method(service, get), get_request, 0, &error);
	bool absent = !response && strcmp(stockbook_code_name(error.code), "NOT_FOUND") == 0;
	if (!response && !absent)
		runner_stop(runner, &error);
	stockbook_error_release(&error);
	if (absent)
		response = cli_call(runner->replay->cli, service, put, put_request);
	if (absent && !response) {
		runner->replay->stop = true;
		runner->replay->stop_code = runner->replay->cli->exit_code;
	}
	if (response)
		protobuf_c_message_free_unpacked(response, NULL);
	return response != NULL;
}

static bool ensure_place(struct runner *runner, const struct replay_place *place)
{
	bool chain = replay_is_chain(runner->replay);
	Stockbook__V1__GetLocationRequest get = STOCKBOOK__V1__GET_LOCATION_REQUEST__INIT;
	Stockbook__V1__PutLocationRequest put = STOCKBOOK__V1__PUT_LOCATION_REQUEST__INIT;
	Stockbook__V1__Location location = STOCKBOOK__V1__LOCATION__INIT;
	Stockbook__V1__Coordinates at = STOCKBOOK__V1__COORDINATES__INIT;
	bool store = chain && !place->warehouse;
	get.code = text_of(place->code);
	location.code = text_of(place->code);
	location.name = text_of(store ? "Store of a replayed trade" : "Warehouse of a replayed trade");
	location.kind = store ? STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_STORE
						  : STOCKBOOK__V1__LOCATION_KIND__LOCATION_KIND_WAREHOUSE;
	location.time_zone = text_of("Europe/London");
	location.ships = 1;
	location.takes_returns = 1;
	if (chain) {
		location.hands_over_pickups = store;
		location.sells_at_till = store;
		at.latitude = place->latitude;
		at.longitude = place->longitude;
		location.coordinates = &at;
	}
	put.location = &location;
	return ensure(runner, "LocationService", "GetLocation", &get.base, "PutLocation", &put.base);
}

/* All places of the chain: its warehouses are preferred. */
static bool ensure_group(struct runner *runner)
{
	const struct replay *replay = runner->replay;
	struct arena *arena = &runner->replay->cli->arena;
	size_t stores = (size_t)replay->options->stores;
	Stockbook__V1__GetLocationGroupRequest get = STOCKBOOK__V1__GET_LOCATION_GROUP_REQUEST__INIT;
	Stockbook__V1__PutLocationGroupRequest put = STOCKBOOK__V1__PUT_LOCATION_GROUP_REQUEST__INIT;
	Stockbook__V1__LocationGroup group = STOCKBOOK__V1__LOCATION_GROUP__INIT;
	get.code = text_of(replay->options->channel);
	group.code = text_of(replay->options->channel);
	group.name = text_of("Chain of a replayed trade");
	group.locations = arena_alloc_array(arena, replay->places_count, sizeof(char *));
	for (size_t i = 0; i < replay->places_count; i++)
		group.locations[group.n_locations++] =
			text_of(replay->places[(stores + i) % replay->places_count].code);
	put.location_group = &group;
	return ensure(runner, "LocationService", "GetLocationGroup", &get.base, "PutLocationGroup",
		&put.base);
}

static bool ensure_channel(struct runner *runner)
{
	const struct replay_options *options = runner->replay->options;
	Stockbook__V1__GetChannelRequest get = STOCKBOOK__V1__GET_CHANNEL_REQUEST__INIT;
	Stockbook__V1__PutChannelRequest put = STOCKBOOK__V1__PUT_CHANNEL_REQUEST__INIT;
	Stockbook__V1__Channel channel = STOCKBOOK__V1__CHANNEL__INIT;
	get.code = text_of(options->channel);
	channel.code = text_of(options->channel);
	channel.name = text_of("Replayed trade");
	channel.kind = STOCKBOOK__V1__CHANNEL_KIND__CHANNEL_KIND_WEB;
	if (replay_is_chain(runner->replay)) {
		channel.location_group = text_of(options->channel);
		channel.strategy = STOCKBOOK__V1__SOURCING_STRATEGY__SOURCING_STRATEGY_NEAREST;
	}
	put.channel = &channel;
	return ensure(runner, "ChannelService", "GetChannel", &get.base, "PutChannel", &put.base);
}

bool replay_ensure_places(struct runner *runner)
{
	const struct replay *replay = runner->replay;
	for (size_t i = 0; i < replay->places_count; i++)
		if (!ensure_place(runner, &replay->places[i]))
			return false;
	if (replay_is_chain(replay) && !ensure_group(runner))
		return false;
	return ensure_channel(runner);
}
