/*
 * Workset: rows by key in one open-addressing table, an undo log of whole rows, needs and events.
 * Owned by one batch; knows nothing of where rows come from.
 */
#include "book/workset_private.h"

#include <string.h>
#include <xxhash.h>

#include "book/scan.h"

struct workset *workset_new(struct arena *arena)
{
	struct workset *set = arena_alloc(arena, sizeof(*set));
	set->arena = arena;
	set->slot_count = SLOT_COUNT_MIN;
	set->slots = arena_alloc_array(arena, set->slot_count, sizeof(struct row *));
	set->search_chains = SEARCH_CHAINS_MIN;
	set->searches = arena_alloc_array(arena, set->search_chains, sizeof(struct need *));
	return set;
}

struct arena *workset_arena(struct workset *set)
{
	return set->arena;
}

static struct kin *kin_of(struct workset *set)
{
	if (!set->kin)
		set->kin = arena_alloc(set->arena, sizeof(*set->kin));
	return set->kin;
}

/* ---- Rows by key ---- */

static struct row **slot_of(const struct workset *set, const struct table *table, const void *key,
	uint64_t hash)
{
	size_t mask = set->slot_count - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct row *row = set->slots[i];
		if (!row ||
			(row->key_hash == hash && row->table == table && row_key_equal(table, row, key)))
			return &set->slots[i];
	}
}

static void slots_grow(struct workset *set)
{
	struct row **old = set->slots;
	size_t old_count = set->slot_count;
	set->slot_count *= 2;
	set->slots = arena_alloc_array(set->arena, set->slot_count, sizeof(struct row *));
	for (size_t i = 0; i < old_count; i++)
		if (old[i])
			*slot_of(set, old[i]->table, old[i], old[i]->key_hash) = old[i];
}

static uint64_t prefix_hash(const struct table *table, const void *key, size_t prefix_count)
{
	uint64_t hash = (uint64_t)(table - tables) + 1;
	for (size_t i = 0; i < prefix_count; i++) {
		const struct field *field = &table->fields[i];
		const void *value = row_field(key, field);
		size_t size = field->type == FIELD_UUID ? sizeof(struct uuid) : sizeof(int32_t);
		CHECK(field->type == FIELD_UUID || field->type == FIELD_INT4);
		hash = XXH3_64bits_withSeed(value, size, hash);
	}
	return hash;
}

/* Rows whose key begins with their parent's part and id. */
static bool has_parent(const struct table *table)
{
	return table->key_count > PARENT_FIELDS && table->fields[1].type == FIELD_UUID;
}

/* The row's place; made as ROW_UNKNOWN when there is none. */
static struct row *row_place(struct workset *set, const struct table *table, const void *key)
{
	uint64_t hash = row_key_hash(table, key);
	struct row **slot = slot_of(set, table, key, hash);
	if (*slot)
		return *slot;
	struct row *row = row_new(table, set->arena);
	for (size_t i = 0; i < table->key_count; i++) {
		const struct field *field = &table->fields[i];
		void *to = (char *)row + field->offset;
		const void *from = row_field(key, field);
		if (field->type == FIELD_TEXT)
			*(const char **)to = arena_string(set->arena, *(const char *const *)from);
		else if (field->type == FIELD_UUID)
			*(struct uuid *)to = *(const struct uuid *)from;
		else if (field->type == FIELD_INT4)
			*(int32_t *)to = *(const int32_t *)from;
		else
			*(int64_t *)to = *(const int64_t *)from;
	}
	row->key_hash = hash;
	if (has_parent(table)) {
		struct row **chain =
			&kin_of(set)->children[prefix_hash(table, row, PARENT_FIELDS) % FAMILY_CHAINS];
		row->sibling = *chain;
		*chain = row;
	}
	*slot = row;
	if (++set->row_count * 2 > set->slot_count)
		slots_grow(set);
	return row;
}

/* ---- Needs ---- */

static struct need *need_add(struct workset *set, enum need_kind kind, const struct table *table)
{
	struct need *need = arena_alloc(set->arena, sizeof(*need));
	need->kind = kind;
	need->table = table;
	set->needs =
		arena_grow(set->arena, set->needs, set->need_count, &set->need_capacity, sizeof(need));
	set->needs[set->need_count++] = need;
	return need;
}

static void need_row(struct workset *set, struct row *row, enum access access)
{
	uint8_t wanted = (uint8_t)(1 + access);
	if (row->needed == 0)
		need_add(set, NEED_ROW, row->table)->key = row;
	if (row->needed < wanted)
		row->needed = wanted;
}

/* NULL when nobody has supplied them. */
static const struct need *family_find(const struct workset *set, const struct table *table,
	uint64_t hash)
{
	const struct need *need = set->kin ? set->kin->families[hash % FAMILY_CHAINS] : NULL;
	while (need && (need->hash != hash || need->table != table))
		need = need->next;
	return need;
}

/* Rows of a family whose children are all here and that is not among them: known to be absent. */
static bool family_is_here(const struct workset *set, const struct row *row)
{
	const struct table *table = row->table;
	if (!has_parent(table))
		return false;
	for (size_t prefix_count = PARENT_FIELDS; prefix_count < table->key_count; prefix_count++) {
		/* Parents are named by part and uuids. */
		enum field_type last = table->fields[prefix_count - 1].type;
		if (last != FIELD_UUID)
			return false;
		if (family_find(set, table, prefix_hash(table, row, prefix_count)))
			return true;
	}
	return false;
}

/* Into its place. */
static void supply(struct row *row, const void *loaded, bool locked)
{
	if (row->locked || row->inserted || row->changed || row->deleted)
		return;
	struct row kept = *row;
	memcpy(row, loaded, row->table->row_size);
	*row = kept;
	row->presence = ROW_PRESENT;
	row->locked = locked;
	if (locked || row->needed == 1 + ACCESS_PEEK)
		row->needed = 0;
}

static void assume(struct workset *set, struct row *row)
{
	const struct stock_row *known = set->recollection(set->recollection_data, row->table, row);
	if (!known)
		return;
	supply(row, known, true);
	set->assumptions = arena_grow(set->arena, set->assumptions, set->assumption_count,
		&set->assumption_capacity, sizeof(*set->assumptions));
	set->assumptions[set->assumption_count++] =
		(struct assumption){.row = row, .version = known->version};
}

enum lookup workset_find(struct workset *set, const struct table *table, const void *key,
	enum access access, const void **row_out)
{
	struct row *row = row_place(set, table, key);
	if (row->presence == ROW_UNKNOWN && row->needed == 0 && family_is_here(set, row)) {
		row->presence = ROW_ABSENT;
		row->locked = true;
	}
	if (row->presence == ROW_UNKNOWN && row->needed == 0 && access == ACCESS_PEEK && set->source &&
		(set->source_has_all || table->kind == TABLE_POLICY)) {
		const void *known = set->source(set->source_data, table, key);
		if (known == workset_absent)
			row->presence = ROW_ABSENT;
		else if (known)
			supply(row, known, false);
	}
	if (row->presence == ROW_UNKNOWN && row->needed == 0 && access == ACCESS_LOCK &&
		set->recollection && table == TABLE(stock))
		assume(set, row);
	if (row->presence == ROW_UNKNOWN || (access == ACCESS_LOCK && !row->locked)) {
		need_row(set, row, access);
		set->missed = true;
		return LOOKUP_NEEDED;
	}
	if (row->presence == ROW_ABSENT)
		return LOOKUP_ABSENT;
	*row_out = row;
	return LOOKUP_FOUND;
}

bool workset_children(struct workset *set, const struct table *table, const void *key,
	size_t prefix_count)
{
	uint64_t hash = prefix_hash(table, key, prefix_count);
	if (family_find(set, table, hash))
		return true;
	set->missed = true;
	for (size_t i = 0; i < set->need_count; i++)
		if (set->needs[i]->kind == NEED_CHILDREN && set->needs[i]->table == table &&
			set->needs[i]->hash == hash)
			return false;
	struct need *need = need_add(set, NEED_CHILDREN, table);
	void *prefix = row_new(table, set->arena);
	row_copy(table, prefix, key, set->arena);
	need->key = prefix;
	need->prefix_count = prefix_count;
	need->hash = hash;
	return false;
}

static void family_add(struct workset *set, struct need *need)
{
	struct need **chain = &kin_of(set)->families[need->hash % FAMILY_CHAINS];
	need->next = *chain;
	*chain = need;
}

void workset_childless(struct workset *set, const struct table *table, const void *key)
{
	struct need *need = arena_alloc(set->arena, sizeof(*need));
	need->kind = NEED_CHILDREN;
	need->table = table;
	need->prefix_count = PARENT_FIELDS;
	need->hash = prefix_hash(table, key, PARENT_FIELDS);
	need->supplied = true;
	family_add(set, need);
}

int workset_row_order(const void *a, const void *b)
{
	const struct row *const *x = a;
	const struct row *const *y = b;
	return row_key_compare((*x)->table, *x, *y);
}

static bool is_child_of(const void *row, const struct table *table, const void *parent)
{
	for (size_t i = 0; i < PARENT_FIELDS; i++)
		if (field_compare(table->fields[i].type, row_field(row, &table->fields[i]),
				row_field(parent, &table->fields[i])) != 0)
			return false;
	return true;
}

const void *const *workset_family(struct workset *set, const struct table *table, const void *key,
	size_t *count)
{
	CHECK(has_parent(table));
	uint64_t hash = prefix_hash(table, key, PARENT_FIELDS);
	const void **rows = NULL;
	size_t capacity = 0;
	*count = 0;
	for (struct row *row = kin_of(set)->children[hash % FAMILY_CHAINS]; row; row = row->sibling) {
		if (row->table != table || row->presence != ROW_PRESENT || !is_child_of(row, table, key))
			continue;
		rows = arena_grow(set->arena, rows, *count, &capacity, sizeof(*rows));
		rows[(*count)++] = row;
	}
	if (*count > 1)
		qsort(rows, *count, sizeof(*rows), workset_row_order);
	return rows;
}

static struct need **search_chain(const struct workset *set, uint64_t hash)
{
	return &set->searches[hash & (set->search_chains - 1)];
}

static void search_link(struct workset *set, struct need *need)
{
	struct need **chain = search_chain(set, need->hash);
	need->next = *chain;
	*chain = need;
}

/* A document of ten thousand lines may look for something of each. */
static void searches_grow(struct workset *set)
{
	struct need **old = set->searches;
	size_t old_chains = set->search_chains;
	set->search_chains *= 2;
	set->searches = arena_alloc_array(set->arena, set->search_chains, sizeof(struct need *));
	for (size_t i = 0; i < old_chains; i++)
		for (struct need *need = old[i], *next; need; need = next) {
			next = need->next;
			search_link(set, need);
		}
}

/* The answered need for this scan, or NULL after noting it as needed. */
static const struct need *scan_ask(struct workset *set, enum need_kind kind,
	const struct scan *scan, const char *sum_field)
{
	uint64_t hash = scan_hash(scan, (uint64_t)kind);
	for (struct need *need = *search_chain(set, hash); need; need = need->next)
		if (need->hash == hash && need->kind == kind && scan_equal(need->scan, scan) &&
			(kind != NEED_SUM || strcmp(need->sum_field, sum_field) == 0))
			return need->supplied ? need : NULL;
	struct need *need = need_add(set, kind, scan->shape->table);
	need->scan = scan_copy(scan, set->arena);
	need->sum_field = sum_field;
	need->hash = hash;
	search_link(set, need);
	if (++set->search_count > set->search_chains)
		searches_grow(set);
	return NULL;
}

/* It is as if it had not been asked for. */
static void scan_forget(struct workset *set, struct need *need)
{
	struct need **link = search_chain(set, need->hash);
	while (*link != need)
		link = &(*link)->next;
	*link = need->next;
	set->search_count--;
}

const struct scan_result *workset_scan(struct workset *set, const struct scan *scan)
{
	CHECK(scan->limit > 0);
	const struct need *need = scan_ask(set, NEED_SCAN, scan, NULL);
	set->missed = set->missed || !need;
	return need ? &need->result : NULL;
}

bool workset_sum(struct workset *set, const struct scan *scan, const char *field, int64_t *sum)
{
	const struct need *need = scan_ask(set, NEED_SUM, scan, field);
	set->missed = set->missed || !need;
	if (!need)
		return false;
	*sum = need->sum;
	return true;
}

struct need *const *workset_needs(struct workset *set, size_t *count)
{
	*count = set->need_count;
	return set->needs;
}

void workset_keep_needs(struct workset *set, bool (*keep)(const struct need *need, void *data),
	void *data)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->need_count; i++) {
		struct need *need = set->needs[i];
		if (keep(need, data)) {
			set->needs[kept++] = need;
		} else if (need->kind == NEED_ROW) {
			/* The key is the row itself: its place in the set. */
			(*slot_of(set, need->table, need->key, ((const struct row *)need->key)->key_hash))
				->needed = 0;
		} else if (need->kind == NEED_SCAN || need->kind == NEED_SUM) {
			scan_forget(set, need);
		}
	}
	set->need_count = kept;
}

void workset_set_source(struct workset *set, workset_source *source, void *data)
{
	set->source = source;
	set->source_data = data;
}

/* The address is all that is asked about. */
static const char absent;
const void *const workset_absent = &absent;

void workset_set_memory(struct workset *set, workset_source *source, void *data)
{
	workset_set_source(set, source, data);
	set->source_has_all = true;
}

void workset_set_recollection(struct workset *set, workset_source *source, void *data)
{
	set->recollection = source;
	set->recollection_data = data;
}

static int assumption_order(const void *a, const void *b)
{
	const struct assumption *x = a;
	const struct assumption *y = b;
	return workset_row_order(&x->row, &y->row);
}

const struct assumption *workset_assumptions(struct workset *set, size_t *count)
{
	for (size_t i = 0; i < set->assumption_count; i++)
		set->assumptions[i].changed = ((const struct row *)set->assumptions[i].row)->changed;
	if (set->assumption_count > 1)
		qsort(set->assumptions, set->assumption_count, sizeof(*set->assumptions), assumption_order);
	*count = set->assumption_count;
	return set->assumptions;
}

size_t workset_assumption_count(const struct workset *set)
{
	return set->assumption_count;
}

void workset_need_again(struct workset *set, const void *peeked)
{
	const struct row *key = peeked;
	struct row *row = row_place(set, key->table, peeked);
	CHECK(!row->locked && !row->inserted && !row->changed && !row->deleted);
	row->presence = ROW_UNKNOWN;
	need_row(set, row, ACCESS_PEEK);
}

void workset_supply(struct workset *set, const void *loaded, bool locked)
{
	const struct row *from = loaded;
	supply(row_place(set, from->table, loaded), loaded, locked);
}

void workset_supply_scan(struct workset *set, struct need *need, const void *const *rows,
	size_t count)
{
	(void)set;
	need->result = (struct scan_result){rows, count};
	need->supplied = true;
}

void workset_supply_sum(struct workset *set, struct need *need, int64_t sum)
{
	(void)set;
	need->sum = sum;
	need->supplied = true;
}

void workset_needs_met(struct workset *set)
{
	for (size_t i = 0; i < set->need_count; i++) {
		struct need *need = set->needs[i];
		if (need->kind == NEED_ROW) {
			/* The key is the row itself: its place in the set. */
			struct row *row =
				*slot_of(set, need->table, need->key, ((const struct row *)need->key)->key_hash);
			if (row->needed == 0)
				continue;
			/* Asked for and not supplied: not there. A peeked row may have been removed since. */
			row->presence = ROW_ABSENT;
			row->locked = row->needed == 1 + ACCESS_LOCK;
			row->needed = 0;
			continue;
		}
		need->supplied = true;
		if (need->kind == NEED_CHILDREN)
			family_add(set, need);
	}
	set->need_count = 0;
}

/* ---- One run: changes and their undoing ---- */

void workset_begin(struct workset *set)
{
	CHECK(set->run == 0);
	set->run = ++set->runs;
	set->missed = false;
	set->run_events = set->event_count;
	set->saved_count = 0;
}

bool workset_missed(const struct workset *set)
{
	return set->missed;
}

void workset_commit(struct workset *set)
{
	CHECK(set->run != 0);
	CHECK(set->event_open == set->event_count); /* each movement belongs to a change */
	set->run = 0;
}

void workset_undo(struct workset *set)
{
	CHECK(set->run != 0);
	while (set->saved_count > 0) {
		struct saved_row *saved = &set->saved[--set->saved_count];
		uint8_t needed = saved->row->needed; /* needs survive: they are what an undone run is for */
		memcpy(saved->row, saved->copy, saved->row->table->row_size);
		saved->row->needed = needed;
	}
	set->event_count = set->run_events;
	set->event_open = set->run_events;
	set->run = 0;
}

static void row_save(struct workset *set, struct row *row)
{
	CHECK(set->run != 0);
	set->touched |= 1U << (row->table - tables);
	if (row->saved_in == set->run)
		return;
	set->saved = arena_grow(set->arena, set->saved, set->saved_count, &set->saved_capacity,
		sizeof(*set->saved));
	set->saved[set->saved_count++] =
		(struct saved_row){row, arena_copy(set->arena, row, row->table->row_size)};
	row->saved_in = set->run;
}

void *workset_edit(struct workset *set, const void *found)
{
	const struct row *key = found;
	struct row *row = *slot_of(set, key->table, found, key->key_hash);
	CHECK(row == found && row->presence == ROW_PRESENT && row->locked);
	row_save(set, row);
	if (!row->inserted)
		row->changed = true;
	return row;
}

void *workset_insert(struct workset *set, const void *fresh)
{
	const struct row *from = fresh;
	struct row *row = row_place(set, from->table, fresh);
	CHECK(row->presence != ROW_PRESENT);
	CHECK(row->presence == ROW_UNKNOWN || row->locked || family_is_here(set, row));
	row_save(set, row);
	struct row kept = *row;
	memcpy(row, fresh, row->table->row_size);
	*row = kept;
	row->presence = ROW_PRESENT;
	row->locked = true;
	row->needed = 0;
	row->inserted = !kept.deleted;
	row->changed = kept.deleted;
	row->deleted = false;
	return row;
}

void workset_delete(struct workset *set, const void *found)
{
	struct row *row = workset_edit(set, found);
	row->presence = ROW_ABSENT;
	row->deleted = !row->inserted;
	row->inserted = false;
	row->changed = false;
}
