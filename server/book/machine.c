#include "book/machine.h"

#include <string.h>

#include "book/order.h"
#include "book/pickup.h"
#include "book/reservation.h"
#include "book/return.h"
#include "book/shipment.h"
#include "book/transfer.h"

const struct machine *const machines[] = {
	&reservation_machine,
	&order_machine,
	&pickup_machine,
	&shipment_machine,
	&transfer_machine,
	&return_machine,
	NULL,
};

/* ---- Names ---- */

/* The API's name without the enum's prefix, which is that of its first value, UNSPECIFIED. */
const char *machine_status_name(const struct machine *machine, int status)
{
	if (status == 0)
		return "";
	const ProtobufCEnumValue *none = protobuf_c_enum_descriptor_get_value(machine->statuses, 0);
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(machine->statuses, status);
	CHECK(none && value);
	return value->name + strlen(none->name) - strlen("UNSPECIFIED");
}

const char *machine_step_name(const struct machine *machine, int step)
{
	CHECK(step >= 0 && step < machine->step_count && machine->steps[step]);
	return machine->steps[step];
}

/* ---- The table ---- */

bool machine_has_step(const struct machine *machine, int from, int step)
{
	for (const struct transition *t = machine->transitions; t->to; t++)
		if (t->from == from && t->step == step)
			return true;
	return false;
}

bool machine_may_lead(const struct machine *machine, int from, int step, int to)
{
	for (const struct transition *t = machine->transitions; t->to; t++)
		if (t->from == from && t->step == step && t->to == to)
			return true;
	return false;
}

int machine_target(const struct machine *machine, int from, int step)
{
	int target = 0;
	for (const struct transition *t = machine->transitions; t->to; t++) {
		if (t->from != from || t->step != step)
			continue;
		CHECK(target == 0); /* the lines decide, and not the table */
		target = t->to;
	}
	CHECK(target != 0);
	return target;
}

/* ---- Steps ---- */

enum verdict machine_check(struct run *run, const struct machine *machine, int status, int step,
	const struct uuid *id)
{
	if (machine_has_step(machine, status, step))
		return VERDICT_DONE;
	char *text = run_id_text(run, id);
	refuse(run, STOCKBOOK__V1__REASON__REASON_WRONG_STATUS, "%s '%s' is %s: no %s",
		machine->document, text, machine_status_name(machine, status),
		machine_step_name(machine, step));
	refuse_with(run, arena_printf(run->arena, "%s_id", machine->document), "%s", text);
	refuse_with(run, "status", "%s", machine_status_name(machine, status));
	return VERDICT_REFUSED;
}

void machine_note(struct run *run, const struct machine *machine,
	const struct machine_change *change)
{
	CHECK(machine_may_lead(machine, change->before, change->step, change->after));
	note_change(run, &(struct step){
						 .kind = machine->kind,
						 .part = change->part,
						 .document_id = change->id,
						 .step = machine_step_name(machine, change->step),
						 .status_before = machine_status_name(machine, change->before),
						 .status_after = machine_status_name(machine, change->after),
						 .location = change->location,
						 .channel = change->channel,
						 .note = change->note,
					 });
}
