/* The calls of each mode: an echo, a reserve, a read of availability. Sourced ones: sourced.c. */
#include <string.h>

#include "base/check.h"
#include "bench/load.h"
#include "google/protobuf/duration.pb-c.h"
#include "stockbook/v1/reservation.pb-c.h"
#include "stockbook/v1/server.pb-c.h"
#include "stockbook/v1/stock.pb-c.h"

#define ECHO_BYTES 100
#define RESERVE_LINES_MAX 50
#define CALL_DEADLINE_MS 60000
/* Lines are far apart, so that those of a basket are not neighbours on one page. sql_sides.py
 * draws its SKUs by the same rule. */
#define LINE_STEP_MAX 997

/* "S0000012". Not by printf, whose time would be counted as the client's. */
static void name(char letter, int number, int digits, char text[NAME_SIZE])
{
	CHECK(number >= 0);
	text[0] = letter;
	text[1 + digits] = '\0';
	for (int i = digits; i > 0; i--, number /= 10)
		text[i] = (char)('0' + number % 10);
	CHECK(number == 0);
}

void sku_name(int number, char sku[NAME_SIZE])
{
	name('S', number, 7, sku);
}

void location_name(int number, char location[NAME_SIZE])
{
	name('L', number, 4, location);
}

void load_done(void *context, const ProtobufCMessage *response, const struct stockbook_error *error)
{
	struct caller *caller = context;
	struct load *load = caller->load;
	(void)response;
	note_answer(load, caller->since_ns, error);
	if (!load->again) {
		open_loop_return(caller);
		return;
	}
	caller->since_ns = now_ns();
	if (caller->since_ns < load->end_ns)
		load->make(caller);
}

void load_call(struct caller *caller, const struct stockbook_method *method,
	const ProtobufCMessage *request)
{
	struct load *load = caller->load;
	if (load->session_count > 0)
		stockbook_session_call_async(load->sessions[caller->number % load->session_count], method,
			request, CALL_DEADLINE_MS, load_done, caller);
	else
		stockbook_call_async(load->client, method, request, CALL_DEADLINE_MS, load_done, caller);
}

static int random_up_to(struct load *load, int count)
{
	return (int)(load_random(load) % (uint64_t)count) + 1;
}

static void call_echo(struct caller *caller)
{
	static uint8_t payload[ECHO_BYTES];
	Stockbook__V1__EchoRequest request = STOCKBOOK__V1__ECHO_REQUEST__INIT;
	request.payload = (ProtobufCBinaryData){sizeof(payload), payload};
	load_call(caller, stockbook_method("ServerService", "Echo"), &request.base);
}

/* The first of `lines` SKUs, and how far apart they are. */
static int draw_first_sku(struct load *load, int *step)
{
	*step = load->skus / (2 * load->lines);
	if (*step > LINE_STEP_MAX)
		*step = LINE_STEP_MAX;
	if (*step < 1)
		*step = 1;
	int span = *step * (load->lines - 1);
	return load->skus > span ? random_up_to(load, load->skus - span) : 1;
}

static void call_reserve(struct caller *caller)
{
	struct load *load = caller->load;
	char request_id[STOCKBOOK_REQUEST_ID_SIZE];
	char skus[RESERVE_LINES_MAX][NAME_SIZE];
	char location[NAME_SIZE];
	int step;
	Stockbook__V1__ReserveLine lines[RESERVE_LINES_MAX];
	Stockbook__V1__ReserveLine *pointers[RESERVE_LINES_MAX];
	Stockbook__V1__ReserveRequest request = STOCKBOOK__V1__RESERVE_REQUEST__INIT;
	CHECK(load->lines <= RESERVE_LINES_MAX);
	stockbook_request_id_new(request_id);
	location_name(random_up_to(load, load->locations), location);
	int first = draw_first_sku(load, &step);
	for (int i = 0; i < load->lines; i++) {
		sku_name(first + i * step, skus[i]);
		stockbook__v1__reserve_line__init(&lines[i]);
		lines[i].sku = skus[i];
		lines[i].quantity = 1;
		lines[i].location = location;
		pointers[i] = &lines[i];
	}
	request.request_id = request_id;
	request.owner = (char[]){"basket"};
	request.channel = (char[]){"web"};
	request.lines = pointers;
	request.n_lines = (size_t)load->lines;
	load_call(caller, stockbook_method("ReservationService", "Reserve"), &request.base);
}

/* `lines` SKUs at `places` locations: the first ones of the book, or one of them by chance. */
static void call_availability(struct caller *caller)
{
	struct load *load = caller->load;
	static char skus[LINES_MAX][NAME_SIZE];
	static char locations[LOCATIONS_MAX][NAME_SIZE];
	static char *sku_pointers[LINES_MAX];
	static char *location_pointers[LOCATIONS_MAX];
	Google__Protobuf__Duration staleness = GOOGLE__PROTOBUF__DURATION__INIT;
	Stockbook__V1__GetAvailabilityRequest request = STOCKBOOK__V1__GET_AVAILABILITY_REQUEST__INIT;
	CHECK(load->lines <= LINES_MAX && load->places <= LOCATIONS_MAX);
	int sku = random_up_to(load, load->skus - load->lines + 1);
	int location = random_up_to(load, load->locations - load->places + 1);
	for (int i = 0; i < load->lines; i++) {
		sku_name(sku + i, skus[i]);
		sku_pointers[i] = skus[i];
	}
	for (int i = 0; i < load->places; i++) {
		location_name(location + i, locations[i]);
		location_pointers[i] = locations[i];
	}
	request.skus = sku_pointers;
	request.n_skus = (size_t)load->lines;
	request.locations = location_pointers;
	request.n_locations = (size_t)load->places;
	request.channel = (char[]){"web"};
	staleness.seconds = load->staleness_ms / 1000;
	staleness.nanos = (int32_t)(load->staleness_ms % 1000) * 1000000;
	if (load->staleness_ms)
		request.max_staleness = &staleness;
	load_call(caller, stockbook_method("StockService", "GetAvailability"), &request.base);
}

make_call find_mode(const char *name)
{
	static const struct {
		const char *name;
		make_call make;
	} modes[] = {
		{"echo", call_echo},
		{"reserve", call_reserve},
		{"availability", call_availability},
		{"promise", call_promise},
		{"place", call_place},
	};
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			return modes[i].make;
	return NULL;
}
