/* Requests about reservations: short holds, so that many are over when they are confirmed. */
#include "simulation/generator.h"

#include "stockbook/v1/reservation.pb-c.h"

#define MAKE(world, Type, type)                                                                    \
	Stockbook__V1__##Type *type = arena_alloc(world_arena(world), sizeof(*type));                  \
	stockbook__v1__##type##__init(type)

#define LINES_MOST 4

/* NULL, or from less than a second (refused) to some seconds; now and then far too long. */
static Google__Protobuf__Duration *make_hold_for(struct world *world, unsigned absent)
{
	if (world_chance(world, absent))
		return NULL;
	Google__Protobuf__Duration *duration = arena_alloc(world_arena(world), sizeof(*duration));
	google__protobuf__duration__init(duration);
	duration->seconds = world_chance(world, 1) ? INT64_MAX : (int64_t)world_random(world, 20);
	duration->nanos = (int32_t)world_random(world, 1000) * 1000000;
	return duration;
}

static char *make_owner(struct world *world)
{
	return arena_printf(world_arena(world), "basket %d", (int)world_random(world, 6));
}

/* Often the same SKU twice, and often no location: sourced. */
static Stockbook__V1__ReserveLine **make_lines(struct world *world, size_t *count)
{
	*count = 1 + world_random(world, LINES_MOST);
	Stockbook__V1__ReserveLine **lines =
		arena_alloc_array(world_arena(world), LINES_MOST, sizeof(*lines));
	bool sourced = world_chance(world, 50);
	for (size_t i = 0; i < *count; i++) {
		MAKE(world, ReserveLine, reserve_line);
		reserve_line->sku = world_sku(world);
		reserve_line->quantity = world_chance(world, 1) ? QUANTITY_MAX : world_quantity(world, 8);
		if (world_chance(world, sourced ? 10 : 90))
			reserve_line->location = world_location(world);
		lines[i] = reserve_line;
	}
	return lines;
}

/* Mostly one that is held; NULL when there is none. */
static const struct reservation_row *any_reservation(struct world *world)
{
	const struct reservation_row *row = NULL;
	for (int tries = 0; tries < 8; tries++) {
		row = world_row(world, TABLE(reservation));
		if (!row || (row->status == STOCKBOOK__V1__RESERVATION_STATUS__RESERVATION_STATUS_HELD &&
						row->hold_until > world_now_us(world)))
			break;
	}
	return row;
}

static char *make_id(struct world *world)
{
	const struct reservation_row *row = any_reservation(world);
	return row ? world_id(world, &row->id) : NULL;
}

static void *reserve(struct world *world)
{
	MAKE(world, ReserveRequest, reserve_request);
	reserve_request->owner = make_owner(world);
	if (world_chance(world, 50))
		reserve_request->customer =
			arena_printf(world_arena(world), "customer %d", (int)world_random(world, 4));
	if (world_chance(world, 80))
		reserve_request->channel = world_channel(world);
	reserve_request->lines = make_lines(world, &reserve_request->n_lines);
	reserve_request->hold_for = make_hold_for(world, 20);
	reserve_request->allow_partial = world_chance(world, 40);
	return reserve_request;
}

static void *replace(struct world *world)
{
	MAKE(world, ReplaceReservationRequest, replace_reservation_request);
	replace_reservation_request->reservation_id = make_id(world);
	replace_reservation_request->lines = make_lines(world, &replace_reservation_request->n_lines);
	replace_reservation_request->hold_for = make_hold_for(world, 50);
	replace_reservation_request->allow_partial = world_chance(world, 40);
	return replace_reservation_request->reservation_id ? replace_reservation_request : NULL;
}

static void *extend(struct world *world)
{
	MAKE(world, ExtendReservationRequest, extend_reservation_request);
	extend_reservation_request->reservation_id = make_id(world);
	extend_reservation_request->hold_for = make_hold_for(world, 10);
	return extend_reservation_request->reservation_id ? extend_reservation_request : NULL;
}

static void *release(struct world *world)
{
	MAKE(world, ReleaseReservationRequest, release_reservation_request);
	release_reservation_request->reservation_id = make_id(world);
	return release_reservation_request->reservation_id ? release_reservation_request : NULL;
}

static Stockbook__V1__SkuPrice *make_price(struct world *world, const char *sku)
{
	MAKE(world, SkuPrice, sku_price);
	MAKE(world, Money, money);
	sku_price->sku = world_text(world, sku);
	sku_price->unit_price = money;
	money->minor_units = (int64_t)world_random(world, 1000);
	money->currency_code = world_text(world, world_chance(world, 98) ? "GBP" : "EUR");
	return sku_price;
}

static void *confirm(struct world *world)
{
	MAKE(world, ConfirmReservationRequest, confirm_reservation_request);
	/* Late ones as often as others. */
	const struct reservation_row *row =
		world_chance(world, 50) ? any_reservation(world) : world_row(world, TABLE(reservation));
	if (!row)
		return NULL;
	confirm_reservation_request->reservation_id = world_id(world, &row->id);
	confirm_reservation_request->prices =
		arena_alloc_array(world_arena(world), row->line_sku.count, sizeof(void *));
	for (size_t i = 0; i < row->line_sku.count; i++)
		if (world_chance(world, 70))
			confirm_reservation_request->prices[confirm_reservation_request->n_prices++] =
				make_price(world, row->line_sku.items[i]);
	if (world_chance(world, 20))
		confirm_reservation_request->method =
			STOCKBOOK__V1__FULFILMENT_METHOD__FULFILMENT_METHOD_CARRY_OUT;
	confirm_reservation_request->reserve_again = world_chance(world, 50);
	confirm_reservation_request->fulfil = world_chance(world, 30);
	return confirm_reservation_request;
}

static void *get(struct world *world)
{
	MAKE(world, GetReservationRequest, get_reservation_request);
	get_reservation_request->reservation_id = make_id(world);
	return get_reservation_request->reservation_id ? get_reservation_request : NULL;
}

static void *list(struct world *world)
{
	MAKE(world, ListReservationsRequest, list_reservations_request);
	list_reservations_request->page_size = (int32_t)world_random(world, 4);
	list_reservations_request->owner = make_owner(world);
	return list_reservations_request;
}

/* clang-format off */
const struct generator reservation_generators[] = {
	{"ReservationService/Reserve", 24, reserve},
	{"ReservationService/ReplaceReservation", 8, replace},
	{"ReservationService/ExtendReservation", 4, extend},
	{"ReservationService/ReleaseReservation", 6, release},
	{"ReservationService/ConfirmReservation", 10, confirm},
	{"ReservationService/GetReservation", 3, get},
	{"ReservationService/ListReservations", 2, list},
	{0},
};
/* clang-format on */
