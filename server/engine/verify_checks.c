/*
 * Verify's checks. Each question has the same frame: `wrong` gives one text for each finding,
 * `looked_at` counts what was compared.
 */
#include "engine/verify_checks.h"

static const enum db_type types[] = {DB_INT4};

#define QUESTION(name_, with, looked_at, wrong)                                                    \
	{                                                                                              \
		.name = "verify " name_,                                                                   \
		.sql = "WITH " with "wrong(finding) AS MATERIALIZED (" wrong ") "                          \
			   "SELECT (" looked_at ")::int8, (SELECT count(*) FROM wrong), "                      \
			   "ARRAY(SELECT finding FROM wrong LIMIT $1)",                                        \
		.parameter_count = ARRAY_COUNT(types), .parameter_types = types,                           \
	}

/* Balances as the ledger has them. */
#define MOVED                                                                                      \
	"moved AS MATERIALIZED (SELECT sku, location,"                                                 \
	" sum(quantity) FILTER (WHERE state = 1) AS available,"                                        \
	" sum(quantity) FILTER (WHERE state = 2) AS reserved,"                                         \
	" sum(quantity) FILTER (WHERE state = 3) AS allocated,"                                        \
	" sum(quantity) FILTER (WHERE state = 4) AS picked,"                                           \
	" sum(quantity) FILTER (WHERE state = 5) AS damaged,"                                          \
	" sum(quantity) FILTER (WHERE state = 6) AS quality_control,"                                  \
	" sum(quantity) FILTER (WHERE state = 7) AS on_hold,"                                          \
	" sum(quantity) FILTER (WHERE state = 8) AS in_transit"                                        \
	" FROM (SELECT sku, to_location AS location, to_state AS state, quantity"                      \
	" FROM movement WHERE to_state <= 8"                                                           \
	" UNION ALL SELECT sku, from_location, from_state, -quantity"                                  \
	" FROM movement WHERE from_state <= 8) m GROUP BY sku, location), "

#define STATE_VALUES                                                                               \
	"(VALUES ('available', s.available, m.available), ('reserved', s.reserved, m.reserved),"       \
	" ('allocated', s.allocated, m.allocated), ('picked', s.picked, m.picked),"                    \
	" ('damaged', s.damaged, m.damaged),"                                                          \
	" ('quality_control', s.quality_control, m.quality_control),"                                  \
	" ('on_hold', s.on_hold, m.on_hold), ('in_transit', s.in_transit, m.in_transit))"              \
	" AS v(state, counter, moved)"

/* What documents own of one state, against the counters. */
#define OWNERS(state, owned)                                                                       \
	"SELECT format('sku ''%s'' at location ''%s'': " state " is %s, its owners have %s',"          \
	" sku, location, coalesce(s." state ", 0), coalesce(o.quantity, 0))"                           \
	" FROM stock s FULL JOIN (" owned ") o USING (sku, location)"                                  \
	" WHERE coalesce(s." state ", 0) <> coalesce(o.quantity, 0)"

/* The owners' shares added up. */
#define SHARES(shares)                                                                             \
	"SELECT sku, location, sum(quantity) AS quantity FROM (" shares ") shares"                     \
	" GROUP BY sku, location HAVING sum(quantity) <> 0"

/* What a transfer brings to the location is allocated to the line, and the transfer's own. */
#define ALLOCATED_SHARES                                                                           \
	"SELECT l.sku, a.location, a.allocated - a.awaiting AS quantity FROM order_line l,"            \
	" unnest(l.allocation_location, l.allocation_allocated, l.allocation_awaiting)"                \
	" AS a(location, allocated, awaiting)"                                                         \
	" UNION ALL SELECT l.sku, t.source, l.allocated FROM transfer t"                               \
	" JOIN transfer_line l ON l.part = t.part AND l.transfer_id = t.id WHERE l.allocated <> 0"

/* What is to be put back is no longer the order's. */
#define PICKED_SHARES                                                                              \
	"SELECT l.sku, a.location, a.quantity FROM order_line l,"                                      \
	" unnest(l.allocation_location, l.allocation_picked) AS a(location, quantity)"                 \
	" UNION ALL SELECT l.sku, f.location, l.put_back FROM fulfilment f"                            \
	" JOIN fulfilment_line l ON l.part = f.part AND l.order_id = f.order_id"                       \
	" AND l.fulfilment_id = f.id WHERE l.put_back <> 0"

#define IN_TRANSIT_SHARES                                                                          \
	"SELECT l.sku, t.destination AS location, l.in_transit AS quantity FROM transfer t"            \
	" JOIN transfer_line l ON l.part = t.part AND l.transfer_id = t.id WHERE l.in_transit <> 0"

const struct verify_check verify_checks[] = {
	{"counters", "every balance is the sum of its movements",
		QUESTION("counters", MOVED, "SELECT count(*) FROM stock",
			"SELECT format('sku ''%s'' at location ''%s'': %s is %s, its movements say %s', sku,"
			" location, v.state, coalesce(v.counter, 0), coalesce(v.moved, 0))"
			" FROM stock s FULL JOIN moved m USING (sku, location), LATERAL " STATE_VALUES
			" WHERE coalesce(v.counter, 0) <> coalesce(v.moved, 0)")},
	{"conservation", "per sku, everything that ever came in is somewhere or went out",
		QUESTION("conservation",
			"came AS (SELECT sku, sum(CASE WHEN from_state >= 9 THEN quantity ELSE 0 END)"
			" - sum(CASE WHEN to_state >= 9 THEN quantity ELSE 0 END) AS quantity"
			" FROM movement GROUP BY sku),"
			" stands AS (SELECT sku, sum(available + reserved + allocated + picked + damaged"
			" + quality_control + on_hold + in_transit) AS quantity FROM stock GROUP BY sku), ",
			"SELECT count(*) FROM came",
			"SELECT format('sku ''%s'': %s came in and did not leave, %s is there', sku,"
			" coalesce(c.quantity, 0), coalesce(s.quantity, 0))"
			" FROM came c FULL JOIN stands s USING (sku)"
			" WHERE coalesce(c.quantity, 0) <> coalesce(s.quantity, 0)")},
	{"between locations", "what leaves one location for another arrives in its ledger at once",
		QUESTION("between",
			"passed AS (SELECT sku, sum(CASE WHEN to_state = 12 THEN quantity ELSE -quantity END)"
			" AS quantity, count(*) AS movements FROM movement"
			" WHERE from_state = 12 OR to_state = 12 GROUP BY sku), ",
			"SELECT coalesce(sum(movements), 0) FROM passed",
			"SELECT format('sku ''%s'': %s left one location and arrived at none', sku, quantity)"
			" FROM passed WHERE quantity <> 0")},
	{"reserved units", "every RESERVED unit is owned by one HELD reservation",
		QUESTION("reserved", "", "SELECT count(*) FROM reservation WHERE status = 1",
			OWNERS("reserved",
				"SELECT l.sku, l.location, sum(l.quantity) AS quantity FROM reservation r,"
				" unnest(r.line_sku, r.line_location, r.line_quantity)"
				" AS l(sku, location, quantity) WHERE r.status = 1 GROUP BY l.sku, l.location"))},
	{"allocated units", "every ALLOCATED unit is owned by one order line or transfer",
		QUESTION("allocated", "", "SELECT count(*) FROM order_line",
			OWNERS("allocated", SHARES(ALLOCATED_SHARES)))},
	{"picked units", "every PICKED unit is owned by one order line, or is to be put back",
		QUESTION("picked", "", "SELECT count(*) FROM order_line",
			OWNERS("picked", SHARES(PICKED_SHARES)))},
	{"units in transit", "every IN_TRANSIT unit is on an open transfer to its location",
		QUESTION("in transit", "", "SELECT count(*) FROM transfer_line",
			OWNERS("in_transit", SHARES(IN_TRANSIT_SHARES)))},
	{"order lines",
		"ordered = open + allocated + picked + fulfilled + cancelled, returned <= "
		"fulfilled, and the allocations add up",
		QUESTION("order lines", "", "SELECT count(*) FROM order_line",
			"SELECT format('order ''%s'' line %s: its quantities do not add up', order_id, line)"
			" FROM order_line WHERE ordered <> open + allocated + picked + fulfilled + cancelled"
			" OR returned > fulfilled"
			" OR allocated <> (SELECT coalesce(sum(q), 0) FROM unnest(allocation_allocated) q)"
			" OR picked <> (SELECT coalesce(sum(q), 0) FROM unnest(allocation_picked) q)"
			" OR fulfilled <> (SELECT coalesce(sum(q), 0) FROM unnest(allocation_fulfilled) q)"
			" OR EXISTS (SELECT 1 FROM unnest(allocation_allocated, allocation_awaiting) AS"
			" a(allocated, awaiting) WHERE a.awaiting < 0 OR a.awaiting > a.allocated)")},
	{"orders", "every order has all of its lines, every line its order",
		QUESTION("orders",
			"held AS (SELECT part, order_id AS id, count(*) AS lines, min(line) AS least,"
			" max(line) AS most FROM order_line GROUP BY part, order_id), ",
			"SELECT count(*) FROM customer_order",
			"SELECT format('order ''%s'': it says %s lines, there are %s', id,"
			" coalesce(o.line_count, 0), coalesce(h.lines, 0))"
			" FROM customer_order o FULL JOIN held h USING (part, id)"
			" WHERE o.line_count IS DISTINCT FROM h.lines OR h.least <> 1 OR h.most <> h.lines")},
	{"fulfilments", "every pickup and shipment has its order and all of its lines, which add up",
		QUESTION("fulfilments",
			"held AS (SELECT part, order_id, fulfilment_id AS id, count(*) AS lines,"
			" bool_and(quantity = awaiting + to_pick + picked + done + put_back + dropped) AS adds_up"
			" FROM fulfilment_line GROUP BY 1, 2, 3),"
			" counted AS (SELECT part, order_id AS id, count(*) AS fulfilments FROM fulfilment"
			" GROUP BY 1, 2), ",
			"SELECT count(*) FROM fulfilment",
			"SELECT format('fulfilment ''%s'': it says %s lines, there are %s that add up', id,"
			" coalesce(f.line_count, 0), CASE WHEN h.adds_up THEN h.lines ELSE 0 END)"
			" FROM fulfilment f FULL JOIN held h USING (part, order_id, id)"
			" WHERE f.line_count IS DISTINCT FROM h.lines OR NOT h.adds_up"
			" UNION ALL SELECT format('order ''%s'': it says %s fulfilments, there are %s', id,"
			" coalesce(o.fulfilment_count, 0), coalesce(c.fulfilments, 0))"
			" FROM (SELECT * FROM customer_order WHERE fulfilment_count > 0) o"
			" FULL JOIN counted c USING (part, id)"
			" WHERE o.fulfilment_count IS DISTINCT FROM c.fulfilments")},
	/* Free units (in no fulfilment) are the order's own: its figure may be larger, not smaller. A
	 * pickup or shipment that is over counts nothing of these. */
	{"fulfilment units",
		"what pickups and shipments hold of a line, its order has at their location",
		QUESTION("fulfilment units",
			"held AS (SELECT l.part, l.order_id, l.line, f.location, sum(l.to_pick + l.awaiting)"
			" AS allocated, sum(l.awaiting) AS awaiting, sum(l.picked) AS picked"
			" FROM fulfilment f JOIN fulfilment_line l ON l.part = f.part"
			" AND l.order_id = f.order_id AND l.fulfilment_id = f.id"
			" GROUP BY 1, 2, 3, 4 HAVING sum(l.to_pick + l.awaiting + l.picked) > 0),"
			" allotted AS (SELECT l.part, l.order_id, l.line, a.* FROM order_line l,"
			" unnest(l.allocation_location, l.allocation_allocated, l.allocation_awaiting,"
			" l.allocation_picked) AS a(location, allocated, awaiting, picked)"
			" WHERE a.allocated + a.picked > 0), ",
			"SELECT count(*) FROM held",
			"SELECT format('order ''%s'' line %s at location ''%s'': allocated %s (awaiting %s),"
			" picked %s; its fulfilments have %s (%s), %s', order_id, line, location,"
			" coalesce(a.allocated, 0), coalesce(a.awaiting, 0), coalesce(a.picked, 0),"
			" coalesce(h.allocated, 0), coalesce(h.awaiting, 0), coalesce(h.picked, 0))"
			" FROM allotted a FULL JOIN held h USING (part, order_id, line, location)"
			" WHERE coalesce(a.allocated, 0) < coalesce(h.allocated, 0)"
			" OR coalesce(a.awaiting, 0) <> coalesce(h.awaiting, 0)"
			" OR coalesce(a.picked, 0) < coalesce(h.picked, 0)")},
	{"transfers",
		"every transfer has all of its lines, which add up; what is over holds nothing; what is on"
		" its way to a pickup is awaited there",
		QUESTION("transfers",
			"held AS (SELECT part, transfer_id AS id, count(*) AS lines,"
			" sum(open + allocated + in_transit) AS under_way,"
			" bool_and(requested = open + allocated + in_transit + received + damaged + lost"
			" + returned + cancelled) AS adds_up FROM transfer_line GROUP BY 1, 2),"
			" coming AS (SELECT t.order_id, t.fulfilment_id, l.order_line AS line,"
			" sum(l.allocated + l.in_transit) AS quantity FROM transfer t"
			" JOIN transfer_line l ON l.part = t.part AND l.transfer_id = t.id"
			" WHERE t.order_id IS NOT NULL AND l.order_line <> 0 GROUP BY 1, 2, 3"
			" HAVING sum(l.allocated + l.in_transit) <> 0), ",
			"SELECT count(*) FROM transfer",
			"SELECT format('transfer ''%s'' of status %s: it says %s lines, there are %s that add up,"
			" with %s under way', id, t.status, coalesce(t.line_count, 0),"
			" CASE WHEN h.adds_up THEN h.lines ELSE 0 END, coalesce(h.under_way, 0))"
			" FROM transfer t FULL JOIN held h USING (part, id)"
			" WHERE t.line_count IS DISTINCT FROM h.lines OR NOT h.adds_up"
			" OR (t.status >= 5 AND h.under_way <> 0)"
			" UNION ALL SELECT format('order ''%s'' line %s: its pickup ''%s'' awaits %s, transfers"
			" bring %s', order_id, line, fulfilment_id, coalesce(f.awaiting, 0),"
			" coalesce(c.quantity, 0))"
			" FROM (SELECT * FROM fulfilment_line WHERE awaiting <> 0) f"
			" FULL JOIN coming c USING (order_id, fulfilment_id, line)"
			" WHERE coalesce(f.awaiting, 0) <> coalesce(c.quantity, 0)")},
	{"work", "all work is of a document that is there and not over",
		QUESTION("work", "", "SELECT count(*) FROM work",
			"SELECT format('work %s of document ''%s'' at location ''%s'': there is nothing to do',"
			" w.kind, w.document_id, w.location) FROM work w WHERE w.kind <> 11"
			" AND NOT EXISTS (SELECT 1 FROM fulfilment f WHERE f.part = w.part"
			" AND f.id = w.document_id AND f.location = w.location"
			" AND (w.kind = 7 OR f.status NOT IN (CASE f.kind WHEN 13 THEN 7 ELSE 4 END,"
			" CASE f.kind WHEN 13 THEN 9 ELSE 5 END, CASE f.kind WHEN 13 THEN 9 ELSE 6 END,"
			" CASE f.kind WHEN 13 THEN 9 ELSE 8 END)))"
			" AND NOT EXISTS (SELECT 1 FROM transfer t WHERE t.part = w.part"
			" AND t.id = w.document_id AND t.status < 5"
			" AND w.location = CASE w.kind WHEN 10 THEN t.destination ELSE t.source END)")},
	{"quotas", "every quota is of stock that knows it has quotas",
		QUESTION("quotas", "", "SELECT count(*) FROM quota",
			"SELECT format('sku ''%s'' at location ''%s'': has_quotas is %s, there are %s', sku,"
			" location, coalesce(s.has_quotas, false), coalesce(q.quotas, 0))"
			" FROM (SELECT * FROM stock WHERE has_quotas) s FULL JOIN"
			" (SELECT part, sku, location, count(*) AS quotas FROM quota GROUP BY 1, 2, 3) q"
			" USING (part, sku, location) WHERE s.sku IS NULL OR q.sku IS NULL")},
	{"returns",
		"every return has all of its lines; what came back of an order's line is what the "
		"line says",
		QUESTION("returns",
			"held AS (SELECT part, return_id AS id, count(*) AS lines FROM return_line"
			" GROUP BY part, return_id),"
			" back AS (SELECT r.order_id, l.order_line AS line, sum(l.quantity) AS quantity"
			" FROM goods_return r JOIN return_line l ON l.part = r.part AND l.return_id = r.id"
			" WHERE r.order_id IS NOT NULL GROUP BY 1, 2), ",
			"SELECT count(*) FROM goods_return",
			"SELECT format('return ''%s'': it says %s lines, there are %s', id,"
			" coalesce(r.line_count, 0), coalesce(h.lines, 0))"
			" FROM goods_return r FULL JOIN held h USING (part, id)"
			" WHERE r.line_count IS DISTINCT FROM h.lines"
			" UNION ALL SELECT format('order ''%s'' line %s: %s returned, its returns have %s',"
			" order_id, line, coalesce(o.returned, 0), coalesce(b.quantity, 0))"
			" FROM (SELECT * FROM order_line WHERE returned <> 0) o"
			" FULL JOIN back b USING (order_id, line)"
			" WHERE coalesce(o.returned, 0) <> coalesce(b.quantity, 0)")},
	{"confirmed reservations", "every CONFIRMED reservation has its order",
		QUESTION("confirmed", "", "SELECT count(*) FROM reservation WHERE status = 2",
			"SELECT format('reservation ''%s'': its order ''%s'' does not exist', r.id,"
			" r.order_id) FROM reservation r WHERE r.status = 2 AND NOT EXISTS"
			" (SELECT 1 FROM customer_order o WHERE o.id = r.order_id)")},
	{"sequences", "every part's events are numbered from 1 to its head, without gaps",
		QUESTION("sequences",
			"events AS (SELECT part, sequence FROM movement"
			" UNION ALL SELECT part, sequence FROM change),"
			" sums AS (SELECT part, count(*) AS events, count(DISTINCT sequence) AS numbers,"
			" min(sequence) AS least, max(sequence) AS most FROM events GROUP BY part), ",
			"SELECT coalesce(sum(events), 0) FROM sums",
			"SELECT format('part %s: its head is %s; %s events with %s numbers from %s to %s',"
			" part, coalesce(h.sequence, 0), coalesce(s.events, 0), coalesce(s.numbers, 0),"
			" coalesce(s.least, 0), coalesce(s.most, 0))"
			" FROM (SELECT * FROM part_head WHERE sequence > 0) h FULL JOIN sums s USING (part)"
			" WHERE h.sequence IS DISTINCT FROM s.events OR s.numbers <> s.events"
			" OR s.least <> 1 OR s.most <> s.events")},
	{"changes", "every movement belongs to a change of its part, just before it",
		QUESTION("changes",
			"named AS (SELECT part, change_sequence AS sequence, count(*) AS movements,"
			" min(sequence) AS least, max(sequence) AS most FROM movement"
			" GROUP BY part, change_sequence), ",
			"SELECT count(*) FROM change",
			"SELECT format('change %s of part %s: it says %s movements, there are %s', sequence,"
			" part, coalesce(c.movements, 0), coalesce(n.movements, 0))"
			" FROM (SELECT * FROM change WHERE movements > 0) c"
			" FULL JOIN named n USING (part, sequence)"
			" WHERE c.movements IS DISTINCT FROM n.movements"
			" OR n.most <> sequence - 1 OR n.least <> sequence - n.movements")},
	{"stock", "every stock row is of an item and a location that exist, and there is one of each",
		QUESTION("stock", "", "SELECT count(*) FROM stock",
			"SELECT format('sku ''%s'' at location ''%s'': item or location does not exist',"
			" s.sku, s.location) FROM stock s"
			" LEFT JOIN item i ON i.sku = s.sku LEFT JOIN location l ON l.code = s.location"
			" WHERE i.sku IS NULL OR l.code IS NULL OR l.part <> s.part"
			" UNION ALL SELECT format('sku ''%s'' at location ''%s'': more than one row', sku,"
			" location) FROM stock GROUP BY sku, location HAVING count(*) > 1")},
	/* A SKU stands in item_alias too, meaning itself (book/item.c), so that the table's key keeps
	 * every text to one meaning. */
	{"aliases", "every sku and every alias means one item that exists",
		QUESTION("aliases",
			"named AS (SELECT i.sku, a.alias FROM item i, unnest(i.aliases || i.sku) AS a(alias)), ",
			"SELECT count(*) FROM item_alias",
			"SELECT format('alias ''%s'' of sku ''%s'': item and alias do not agree', alias, sku)"
			" FROM item_alias a FULL JOIN named n USING (alias, sku)"
			" WHERE a.alias IS NULL OR n.alias IS NULL")},
};

const size_t verify_check_count = ARRAY_COUNT(verify_checks);
