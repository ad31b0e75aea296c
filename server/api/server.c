#include "api/server.h"

#include "stockbook/v1/server.pb-c.h"

#include "api/private.h"

void server_echo(struct api_call *call)
{
	const Stockbook__V1__EchoRequest *request = (const Stockbook__V1__EchoRequest *)call->message;
	Stockbook__V1__EchoResponse response = STOCKBOOK__V1__ECHO_RESPONSE__INIT;
	response.payload = request->payload;
	api_call_finish_message(call, &response.base);
}

void server_get_info(struct api_call *call)
{
	const struct api *api = call->api;
	struct arena *arena = &call->call->arena;
	Stockbook__V1__GetServerInfoResponse response = STOCKBOOK__V1__GET_SERVER_INFO_RESPONSE__INIT;
	response.version = arena_string(arena, api->settings.version);
	response.schema_version = api->settings.schema_version;
	response.parts = api->settings.parts;
	response.start_time = make_timestamp(arena, api->started_at_us);
	response.open = api->settings.open;
	api_call_finish_message(call, &response.base);
}
