/* The one table of all operations: each noun's own table, in the order of the API's files. */
#include "book/operations.h"

#include <string.h>

#include "book/adjustment.h"
#include "book/availability.h"
#include "book/channel.h"
#include "book/item.h"
#include "book/ledger.h"
#include "book/location.h"
#include "book/order.h"
#include "book/pickup.h"
#include "book/promise.h"
#include "book/quota.h"
#include "book/reservation.h"
#include "book/return.h"
#include "book/shipment.h"
#include "book/stock.h"
#include "book/token.h"
#include "book/transfer.h"
#include "book/work.h"

/* clang-format off */
static const struct operation *const nouns[] = {
	item_operations,
	location_operations,
	channel_operations,
	availability_operations,
	stock_operations,
	quota_operations,
	adjustment_operations,
	reservation_operations,
	sourcing_operations,
	order_operations,
	pickup_operations,
	shipment_operations,
	return_operations,
	transfer_operations,
	work_operations,
	ledger_operations,
	token_operations,
};
/* clang-format on */

const struct operation *operation_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(nouns); i++)
		for (const struct operation *operation = nouns[i]; operation->name; operation++)
			if (strcmp(operation->name, name) == 0)
				return operation;
	return NULL;
}

const struct operation *operation_at(size_t index)
{
	for (size_t i = 0; i < ARRAY_COUNT(nouns); i++)
		for (const struct operation *operation = nouns[i]; operation->name; operation++)
			if (index-- == 0)
				return operation;
	return NULL;
}
