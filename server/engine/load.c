/* Load: needs grouped into statements, in the global lock order. */
#include "engine/load.h"

#include "engine/bind.h"
#include "engine/live.h"
#include "engine/optimism.h"

enum part_kind { PART_ROWS, PART_CHILDREN, PART_SCAN, PART_SUM };

/* One statement of the round. */
struct load_part {
	enum part_kind kind;
	const struct table *table;
	bool locked;
	size_t statement;  /* index in the batch */
	struct need *need; /* SCAN, SUM */
	const void **keys; /* ROWS */
	size_t key_count;
};

static bool is_lock(const struct need *need)
{
	return need->kind == NEED_ROW && ((const struct row *)need->key)->needed == 1 + ACCESS_LOCK;
}

/* ---- Which needs are met in this round ---- */

struct choice {
	bool stock_waits;
	size_t statements_left; /* for scans and sums, which take one each */
};

static bool is_chosen(const struct need *need, void *data)
{
	struct choice *choice = data;
	if (choice->stock_waits && is_lock(need) && need->table == TABLE(stock))
		return false;
	if (need->kind != NEED_SCAN && need->kind != NEED_SUM)
		return true;
	if (choice->statements_left == 0)
		return false;
	choice->statements_left--;
	return true;
}

/* Something that leads to more stock rows: a document to be locked, its lines, a search. */
static bool leads_to_stock(const struct need *need)
{
	return need->kind != NEED_ROW || (is_lock(need) && need->table < TABLE(stock));
}

static void choose(struct load *load)
{
	size_t count;
	struct need *const *needs = workset_needs(load->set, &count);
	struct choice choice = {.statements_left = LOAD_STATEMENTS_MAX - 4 * TABLE_COUNT};
	size_t statements = 0;
	for (size_t i = 0; i < count; i++) {
		choice.stock_waits |= load->hold_stock_back && leads_to_stock(needs[i]);
		statements += needs[i]->kind == NEED_SCAN || needs[i]->kind == NEED_SUM;
	}
	if (choice.stock_waits || statements > choice.statements_left)
		workset_keep_needs(load->set, is_chosen, &choice);
}

/* ---- Statements ---- */

static int key_order(const void *a, const void *b)
{
	const struct row *const *x = a;
	const struct row *const *y = b;
	return row_key_compare((*x)->table, *x, *y);
}

static struct load_part *part_new(struct load *load, enum part_kind kind, const struct table *table,
	size_t statement)
{
	load->parts = arena_grow(workset_arena(load->set), load->parts, load->part_count,
		&load->part_capacity, sizeof(*load->parts));
	struct load_part *part = &load->parts[load->part_count++];
	*part = (struct load_part){.kind = kind, .table = table, .statement = statement};
	return part;
}

static void keys_note(struct load *load, const void **keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		load->keys = arena_grow(workset_arena(load->set), load->keys, load->key_count,
			&load->key_capacity, sizeof(*load->keys));
		load->keys[load->key_count++] = keys[i];
	}
}

/* In the global order, of all that is locked. */
static bool is_ahead(const struct load *load, const struct row *row)
{
	const struct row *highest = load->highest;
	return !highest || row->table > highest->table ||
		   (row->table == highest->table && row_key_compare(row->table, row, highest) > 0);
}

/* Behind a row that is locked already nobody may wait: another transaction could have the one and
 * wait for the other. If it cannot be had at once the batch starts again, and takes them in order. */
static enum sql_lock lock_mode(const struct load *load, const struct row *first)
{
	if (!load->locks)
		return SQL_LOCK_NONE;
	return is_ahead(load, first) ? SQL_LOCK_WAIT : SQL_LOCK_TRY;
}

/* All rows of one table that are to be locked, or to be peeked. */
static void add_rows(struct load *load, struct need *const *needs, size_t count,
	const struct table *table, bool lock)
{
	struct arena *arena = workset_arena(load->set);
	const void **keys = NULL;
	size_t key_count = 0, capacity = 0;
	for (size_t i = 0; i < count; i++) {
		if (needs[i]->kind != NEED_ROW || needs[i]->table != table || is_lock(needs[i]) != lock)
			continue;
		keys = arena_grow(arena, keys, key_count, &capacity, sizeof(*keys));
		keys[key_count++] = needs[i]->key;
	}
	if (key_count == 0)
		return;
	qsort(keys, key_count, sizeof(*keys), key_order);
	enum sql_lock mode = lock ? lock_mode(load, keys[0]) : SQL_LOCK_NONE;
	if (lock) {
		keys_note(load, keys, key_count);
		if (is_ahead(load, keys[key_count - 1]))
			load->highest = keys[key_count - 1];
	}
	size_t statement = sql_add_load(load->sql, load->batch, table, keys, key_count, mode);
	struct load_part *part = part_new(load, PART_ROWS, table, statement);
	part->locked = lock;
	part->keys = keys;
	part->key_count = key_count;
}

static void add_children(struct load *load, struct need *const *needs, size_t count,
	const struct table *table, size_t prefix_count)
{
	struct arena *arena = workset_arena(load->set);
	const void **keys = NULL;
	size_t key_count = 0, capacity = 0;
	for (size_t i = 0; i < count; i++) {
		if (needs[i]->kind != NEED_CHILDREN || needs[i]->table != table ||
			needs[i]->prefix_count != prefix_count)
			continue;
		keys = arena_grow(arena, keys, key_count, &capacity, sizeof(*keys));
		keys[key_count++] = needs[i]->key;
	}
	if (key_count == 0)
		return;
	size_t statement =
		sql_add_children(load->sql, load->batch, table, prefix_count, keys, key_count);
	/* Whoever holds their document holds them. */
	part_new(load, PART_CHILDREN, table, statement)->locked = true;
}

static void add_searches(struct load *load, struct need *const *needs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct need *need = needs[i];
		if (need->kind == NEED_SCAN) {
			size_t statement = sql_add_scan(load->sql, load->batch, need->scan);
			part_new(load, PART_SCAN, need->table, statement)->need = need;
		} else if (need->kind == NEED_SUM) {
			size_t statement = sql_add_sum(load->sql, load->batch, need->scan, need->sum_field);
			part_new(load, PART_SUM, need->table, statement)->need = need;
		}
	}
}

bool load_add(struct load *load, struct workset *set, struct db_batch *batch, int64_t now_us)
{
	load->set = set;
	load->batch = batch;
	load->parts = NULL;
	load->part_count = load->part_capacity = 0;
	load->asked_us = now_us;
	load->asked_told = load->live ? live_told(load->live) : 0;
	choose(load);
	size_t count;
	struct need *const *needs = workset_needs(set, &count);
	if (count == 0)
		return false;
	/* Which kinds there are at all: most rounds have two or three of the many. */
	uint32_t locks = 0, peeks = 0, families = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t bit = 1U << (needs[i]->table - tables);
		if (needs[i]->kind == NEED_CHILDREN)
			families |= bit;
		else if (needs[i]->kind == NEED_ROW)
			*(is_lock(needs[i]) ? &locks : &peeks) |= bit;
	}
	for (size_t t = 0; t < TABLE_COUNT; t++)
		if (locks & 1U << t)
			add_rows(load, needs, count, &tables[t], true);
	for (size_t t = 0; t < TABLE_COUNT; t++) {
		if (peeks & 1U << t)
			add_rows(load, needs, count, &tables[t], false);
		for (size_t p = 1; families & 1U << t && p < tables[t].key_count; p++)
			add_children(load, needs, count, &tables[t], p);
	}
	add_searches(load, needs, count);
	return true;
}

/* ---- Answers ---- */

static void absorb_part(struct load *load, const struct load_part *part, int64_t now_us)
{
	const struct db_rows *rows = db_batch_rows(load->batch, part->statement);
	if (part->kind == PART_SUM) {
		workset_supply_sum(load->set, part->need, db_get_int(rows, 0, 0));
		return;
	}
	const void **read = bind_read(part->table, rows, workset_arena(load->set));
	size_t count = db_rows_count(rows);
	if (part->kind == PART_SCAN) {
		workset_supply_scan(load->set, part->need, read, count);
		return;
	}
	if (load->live && part->kind == PART_ROWS && part->table == TABLE(stock) && !part->locked)
		live_loaded(load->live, part->keys, part->key_count, read, count, load->asked_told,
			load->asked_us);
	if (load->recollection && part->kind == PART_ROWS && part->table == TABLE(stock))
		recollection_put(load->recollection, read, count);
	for (size_t i = 0; i < count; i++) {
		workset_supply(load->set, read[i], part->locked);
		/* What is locked is about to change: its commit will tell. */
		if (load->policy && part->table->kind == TABLE_POLICY && !part->locked)
			policy_loaded(load->policy, read[i], load->asked_us, now_us);
	}
}

void load_absorb(struct load *load, int64_t now_us)
{
	for (size_t i = 0; i < load->part_count; i++)
		absorb_part(load, &load->parts[i], now_us);
	workset_needs_met(load->set);
	load->part_count = 0;
}
