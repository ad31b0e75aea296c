#include "api/position.h"

#include "api/errors.h"

int64_t *position_read(struct api_call *call, const Stockbook__V1__Position *position,
	const char *field)
{
	struct arena *arena = &call->call->arena;
	int32_t parts = call->api->settings.parts + 1;
	int64_t *sequences = arena_alloc_array(arena, (size_t)parts, sizeof(*sequences));
	for (size_t i = 0; i < position->n_parts; i++) {
		const Stockbook__V1__PartSequence *part = position->parts[i];
		if (part->part >= parts) {
			struct refusal refusal = {.reason = STOCKBOOK__V1__REASON__REASON_INVALID_FIELD};
			refusal_add_field(&refusal, arena, arena_printf(arena, "%s.parts[%zu].part", field, i),
				"must be from 0 to %d: the position is of another book", parts - 1);
			error_name_fields(&refusal, arena);
			api_call_finish_refused(call, &refusal);
			return NULL;
		}
		if (part->sequence > sequences[part->part])
			sequences[part->part] = part->sequence;
	}
	return sequences;
}

Stockbook__V1__Position *position_make(struct arena *arena, const int64_t *sequences, int32_t parts)
{
	Stockbook__V1__Position *position = arena_alloc(arena, sizeof(*position));
	stockbook__v1__position__init(position);
	position->parts = arena_alloc_array(arena, (size_t)parts, sizeof(*position->parts));
	for (int32_t i = 0; i < parts; i++) {
		if (sequences[i] == 0)
			continue;
		Stockbook__V1__PartSequence *part = arena_alloc(arena, sizeof(*part));
		stockbook__v1__part_sequence__init(part);
		part->part = i;
		part->sequence = sequences[i];
		position->parts[position->n_parts++] = part;
	}
	return position;
}
