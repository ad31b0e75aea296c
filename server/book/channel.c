/* Channels: put, get, list. */
#include "book/channel.h"

#include "book/availability.h"
#include "book/page.h"
#include "stockbook/v1/channel.pb-c.h"

static Stockbook__V1__Channel *make_channel(struct arena *arena, const struct channel_row *row)
{
	Stockbook__V1__Channel *channel = arena_alloc(arena, sizeof(*channel));
	stockbook__v1__channel__init(channel);
	channel->code = arena_string(arena, row->code);
	channel->name = arena_string(arena, row->name);
	channel->kind = (Stockbook__V1__ChannelKind)row->kind;
	channel->location_group = arena_string(arena, row->location_group);
	channel->safety_stock = make_count(arena, row->safety_stock);
	channel->create_time = make_timestamp(arena, row->created_at);
	channel->update_time = make_timestamp(arena, row->updated_at);
	channel->plans_shipments = row->plans_shipments;
	channel->strategy = (Stockbook__V1__SourcingStrategy)row->strategy;
	channel->delivery_days = row->delivery_days;
	channel->delivery_km_per_day = row->delivery_km_per_day;
	channel->exclusions =
		arena_alloc_array(arena, row->excluded_location.count, sizeof(*channel->exclusions));
	for (size_t i = 0; i < row->excluded_location.count; i++) {
		Stockbook__V1__ChannelExclusion *exclusion = arena_alloc(arena, sizeof(*exclusion));
		stockbook__v1__channel_exclusion__init(exclusion);
		exclusion->location = arena_string(arena, row->excluded_location.items[i]);
		exclusion->method = (Stockbook__V1__FulfilmentMethod)row->excluded_method.items[i];
		channel->exclusions[channel->n_exclusions++] = exclusion;
	}
	return channel;
}

static enum verdict check_exclusions(struct run *run, const Stockbook__V1__Channel *channel)
{
	enum verdict verdict = VERDICT_DONE;
	for (size_t i = 0; i < channel->n_exclusions; i++) {
		char *field = arena_printf(run->arena, "channel.exclusions[%zu].location", i);
		enum verdict one =
			check_location(run, channel->exclusions[i]->location, LOCATION_ANY, false, field);
		if (one == VERDICT_REFUSED)
			return one;
		if (one == VERDICT_NEED)
			verdict = one;
	}
	return verdict;
}

static enum verdict check_channel(struct run *run, const Stockbook__V1__Channel *channel)
{
	if (channel->safety_stock &&
		(channel->safety_stock->value < 0 || channel->safety_stock->value > QUANTITY_MAX))
		return refuse_field(run, "channel.safety_stock", "must be from 0 to %lld",
			(long long)QUANTITY_MAX);
	enum verdict exclusions = check_exclusions(run, channel);
	if (channel->location_group[0] == '\0' || exclusions == VERDICT_REFUSED)
		return exclusions;
	const struct location_group_row *group;
	enum lookup found = find_location_group(run, channel->location_group, ACCESS_PEEK, &group);
	if (found == LOOKUP_NEEDED)
		return VERDICT_NEED;
	if (found == LOOKUP_FOUND)
		return exclusions;
	refuse(run, STOCKBOOK__V1__REASON__REASON_LOCATION_GROUP_NOT_FOUND,
		"location group '%s' not found", channel->location_group);
	refuse_with(run, "location_group", "%s", channel->location_group);
	refuse_with(run, "field", "channel.location_group");
	return VERDICT_REFUSED;
}

static void fill_exclusions(struct arena *arena, struct channel_row *row,
	const Stockbook__V1__Channel *channel)
{
	size_t count = channel->n_exclusions;
	const char **locations = arena_alloc_array(arena, count, sizeof(*locations));
	int64_t *methods = arena_alloc_array(arena, count, sizeof(*methods));
	for (size_t i = 0; i < count; i++) {
		locations[i] = arena_string(arena, channel->exclusions[i]->location);
		methods[i] = (int64_t)channel->exclusions[i]->method;
	}
	row->excluded_location = (struct text_list){locations, count};
	row->excluded_method = (struct count_list){methods, count};
}

static void fill_channel(struct run *run, struct channel_row *row,
	const Stockbook__V1__Channel *channel)
{
	struct arena *arena = workset_arena(run->set);
	row->name = arena_string(arena, channel->name);
	row->kind = (int32_t)channel->kind;
	row->location_group = arena_string(arena, channel->location_group);
	row->safety_stock = channel->safety_stock ? channel->safety_stock->value : COUNT_NONE;
	row->plans_shipments = channel->plans_shipments;
	row->strategy = (int32_t)channel->strategy;
	row->delivery_days = channel->delivery_days;
	row->delivery_km_per_day = channel->delivery_km_per_day;
	fill_exclusions(arena, row, channel);
	row->updated_at = run->now_us;
}

static enum verdict put_channel(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__PutChannelRequest *request = message;
	Stockbook__V1__PutChannelResponse *response = answer;
	const struct channel_row *before;
	enum verdict verdict = check_channel(run, request->channel);
	if (verdict == VERDICT_REFUSED)
		return verdict;
	enum lookup found = find_channel(run, request->channel->code, ACCESS_LOCK, &before);
	if (verdict == VERDICT_NEED || found == LOOKUP_NEEDED)
		return VERDICT_NEED;

	struct channel_row *row;
	if (found == LOOKUP_FOUND) {
		row = workset_edit(run->set, before);
	} else {
		row = row_new(TABLE(channel), workset_arena(run->set));
		row->code = arena_string(workset_arena(run->set), request->channel->code);
		row->created_at = run->now_us;
		row = workset_insert(run->set, row);
	}
	fill_channel(run, row, request->channel);
	note_change(run, &(struct step){
						 .kind = STOCKBOOK__V1__DOCUMENT_KIND__DOCUMENT_KIND_CHANNEL,
						 .document_code = row->code,
						 .step = "put",
					 });
	response->channel = make_channel(run->arena, row);
	response->created = found == LOOKUP_ABSENT;
	return VERDICT_DONE;
}

/* Channels belong to no part. */
static int32_t route_put_channel(const void *message, const struct book_limits *limits)
{
	(void)message;
	(void)limits;
	return 0;
}

static enum verdict get_channel(struct run *run, const void *message, void *answer)
{
	const Stockbook__V1__GetChannelRequest *request = message;
	Stockbook__V1__GetChannelResponse *response = answer;
	const struct channel_row *channel;
	if (request->code[0] == '\0')
		return refuse_field(run, "code", "must not be empty");
	enum verdict verdict = require_channel(run, request->code, "code", &channel);
	if (verdict != VERDICT_DONE)
		return verdict;
	response->channel = make_channel(run->arena, channel);
	return VERDICT_DONE;
}

/* clang-format off */
static const struct scan_shape channels_by_code = {
	.name = "channels_by_code",
	.table = TABLE(channel),
	.order = {"code"},
};
/* clang-format on */

static void *list_channel(struct run *run, const void *row)
{
	return make_channel(run->arena, row);
}

static enum verdict list_channels(struct run *run, const void *request, void *response)
{
	struct scan scan = {.shape = &channels_by_code};
	return page_list(run, request, &scan, list_channel, response);
}

/* clang-format off */
const struct operation channel_operations[] = {
	{
		.name = "ChannelService/PutChannel",
		.request = &stockbook__v1__put_channel_request__descriptor,
		.response = &stockbook__v1__put_channel_response__descriptor,
		.run = put_channel,
		.route = route_put_channel,
		.writes = true,
	},
	{
		.name = "ChannelService/GetChannel",
		.request = &stockbook__v1__get_channel_request__descriptor,
		.response = &stockbook__v1__get_channel_response__descriptor,
		.run = get_channel,
	},
	{
		.name = "ChannelService/ListChannels",
		.request = &stockbook__v1__list_channels_request__descriptor,
		.response = &stockbook__v1__list_channels_response__descriptor,
		.run = list_channels,
	},
	{0},
};
/* clang-format on */
