-- The book, first part.
--
-- Every table but the small reference tables (location, location_group, channel, token, setting)
-- has `part` first in its primary key, so that the tables can be distributed by it. There are no
-- foreign keys, no triggers and no sequences: foreign keys alone nearly double the cost of a
-- reserve, and ids are made by the service. What they would guard is guarded by the service's
-- transactions, by the checks below, and proven by `verify`.
--
-- Text is compared by its bytes (COLLATE "C"): the service sorts its locks the same way.

-- The number of parts and other facts that are fixed when the database is made.
CREATE TABLE setting (
	name text COLLATE "C" PRIMARY KEY,
	value text COLLATE "C" NOT NULL
);

-- How many events each part has had. Advanced as the last lock of every transaction, so that the
-- events of a part are in commit order and without gaps.
CREATE TABLE part_head (
	part integer PRIMARY KEY,
	sequence bigint NOT NULL DEFAULT 0 CHECK (sequence >= 0)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE item (
	part integer NOT NULL,
	sku text COLLATE "C" NOT NULL CHECK (sku <> ''),
	name text COLLATE "C" NOT NULL,
	aliases text[] COLLATE "C" NOT NULL,
	safety_stock bigint CHECK (safety_stock >= 0),
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (part, sku)
);

CREATE INDEX item_by_sku ON item (sku);

CREATE TABLE item_alias (
	part integer NOT NULL,
	alias text COLLATE "C" NOT NULL CHECK (alias <> ''),
	sku text COLLATE "C" NOT NULL,
	PRIMARY KEY (part, alias)
);

CREATE TABLE location (
	code text COLLATE "C" PRIMARY KEY CHECK (code <> ''),
	part integer NOT NULL CHECK (part > 0),
	name text COLLATE "C" NOT NULL,
	kind integer NOT NULL,
	sells_at_till boolean NOT NULL,
	ships boolean NOT NULL,
	hands_over_pickups boolean NOT NULL,
	takes_returns boolean NOT NULL,
	daily_ship_capacity bigint NOT NULL CHECK (daily_ship_capacity >= 0),
	disabled boolean NOT NULL,
	safety_stock bigint CHECK (safety_stock >= 0),
	profile bytea NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);

CREATE TABLE location_group (
	code text COLLATE "C" PRIMARY KEY CHECK (code <> ''),
	name text COLLATE "C" NOT NULL,
	locations text[] COLLATE "C" NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);

CREATE TABLE channel (
	code text COLLATE "C" PRIMARY KEY CHECK (code <> ''),
	name text COLLATE "C" NOT NULL,
	kind integer NOT NULL,
	location_group text COLLATE "C" NOT NULL,
	safety_stock bigint CHECK (safety_stock >= 0),
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);

CREATE TABLE token (
	name text COLLATE "C" PRIMARY KEY CHECK (name <> ''),
	hash bytea NOT NULL CHECK (length(hash) = 32),
	role integer NOT NULL CHECK (role BETWEEN 1 AND 5),
	locations text[] COLLATE "C" NOT NULL,
	created_at timestamptz NOT NULL,
	revoked_at timestamptz
);

CREATE UNIQUE INDEX token_by_hash ON token (hash);

-- The balances of a SKU at a location: the sum of its movements, kept with them.
-- No indexed column changes in a sale, so that updates stay within their page.
CREATE TABLE stock (
	part integer NOT NULL,
	sku text COLLATE "C" NOT NULL,
	location text COLLATE "C" NOT NULL,
	available bigint NOT NULL,
	reserved bigint NOT NULL CHECK (reserved >= 0),
	allocated bigint NOT NULL CHECK (allocated >= 0),
	picked bigint NOT NULL CHECK (picked >= 0),
	damaged bigint NOT NULL CHECK (damaged >= 0),
	quality_control bigint NOT NULL CHECK (quality_control >= 0),
	on_hold bigint NOT NULL CHECK (on_hold >= 0),
	in_transit bigint NOT NULL CHECK (in_transit >= 0),
	in_shortage boolean NOT NULL,
	safety_stock bigint CHECK (safety_stock >= 0),
	version bigint NOT NULL,
	PRIMARY KEY (part, sku, location),
	CONSTRAINT stock_on_hand_not_negative CHECK (
		available + reserved + allocated + picked + damaged + quality_control + on_hold >= 0),
	CONSTRAINT stock_in_bounds CHECK (
		available + reserved + allocated + picked + damaged + quality_control + on_hold
			<= 1000000000000),
	CONSTRAINT stock_shortage CHECK (in_shortage = (available < 0))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX stock_by_sku ON stock (sku, location);

CREATE INDEX stock_by_location ON stock (location, sku);

CREATE INDEX stock_in_shortage ON stock (location, sku) WHERE in_shortage;

-- status: 1 HELD, 2 CONFIRMED, 3 RELEASED, 4 EXPIRED.
CREATE TABLE reservation (
	part integer NOT NULL,
	id uuid NOT NULL,
	status integer NOT NULL CHECK (status BETWEEN 1 AND 4),
	owner text COLLATE "C" NOT NULL,
	customer text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	line_sku text[] COLLATE "C" NOT NULL,
	line_location text[] COLLATE "C" NOT NULL,
	line_quantity bigint[] NOT NULL CHECK (0 < ALL (line_quantity)),
	hold_until timestamptz NOT NULL,
	order_id uuid,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (part, id),
	CONSTRAINT reservation_lines_match CHECK (
		cardinality(line_sku) = cardinality(line_quantity)
		AND cardinality(line_location) = cardinality(line_quantity)),
	CONSTRAINT reservation_confirmed_is_an_order CHECK ((status = 2) = (order_id IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX reservation_held_until ON reservation (part, hold_until) WHERE status = 1;

CREATE INDEX reservation_held_by_owner ON reservation (owner) WHERE status = 1 AND owner <> '';

CREATE INDEX reservation_held_by_customer ON reservation (customer)
	WHERE status = 1 AND customer <> '';

-- status: 1 OPEN, 2 PARTIALLY_FULFILLED, 3 FULFILLED, 4 CANCELLED.
CREATE TABLE customer_order (
	part integer NOT NULL,
	id uuid NOT NULL,
	status integer NOT NULL CHECK (status BETWEEN 1 AND 4),
	channel text COLLATE "C" NOT NULL,
	customer text COLLATE "C" NOT NULL,
	reference text COLLATE "C" NOT NULL,
	currency text COLLATE "C" NOT NULL,
	reservation_id uuid,
	line_count integer NOT NULL CHECK (line_count BETWEEN 1 AND 10000),
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (part, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX customer_order_by_customer ON customer_order (customer, id) WHERE customer <> '';

CREATE INDEX customer_order_by_reference ON customer_order (reference, id) WHERE reference <> '';

CREATE TABLE order_line (
	part integer NOT NULL,
	order_id uuid NOT NULL,
	line integer NOT NULL CHECK (line BETWEEN 1 AND 10000),
	sku text COLLATE "C" NOT NULL,
	method integer NOT NULL,
	unit_price bigint NOT NULL CHECK (unit_price >= 0),
	ordered bigint NOT NULL CHECK (ordered > 0),
	open bigint NOT NULL CHECK (open >= 0),
	allocated bigint NOT NULL CHECK (allocated >= 0),
	picked bigint NOT NULL CHECK (picked >= 0),
	fulfilled bigint NOT NULL CHECK (fulfilled >= 0),
	cancelled bigint NOT NULL CHECK (cancelled >= 0),
	returned bigint NOT NULL CHECK (returned >= 0),
	allocation_location text[] COLLATE "C" NOT NULL,
	allocation_allocated bigint[] NOT NULL,
	allocation_picked bigint[] NOT NULL,
	allocation_fulfilled bigint[] NOT NULL,
	PRIMARY KEY (part, order_id, line),
	CONSTRAINT order_line_adds_up CHECK (
		ordered = open + allocated + picked + fulfilled + cancelled),
	CONSTRAINT order_line_returns_what_was_fulfilled CHECK (returned <= fulfilled),
	CONSTRAINT order_line_allocations_match CHECK (
		cardinality(allocation_location) = cardinality(allocation_allocated)
		AND cardinality(allocation_location) = cardinality(allocation_picked)
		AND cardinality(allocation_location) = cardinality(allocation_fulfilled))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- status: 1 RECEIVED, 2 CLOSED.
CREATE TABLE goods_return (
	part integer NOT NULL,
	id uuid NOT NULL,
	status integer NOT NULL CHECK (status BETWEEN 1 AND 2),
	location text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	customer text COLLATE "C" NOT NULL,
	order_id uuid,
	reference text COLLATE "C" NOT NULL,
	currency text COLLATE "C" NOT NULL,
	line_count integer NOT NULL CHECK (line_count BETWEEN 1 AND 10000),
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (part, id)
) WITH (fillfactor = 90);

CREATE INDEX goods_return_by_order ON goods_return (order_id, id) WHERE order_id IS NOT NULL;

CREATE INDEX goods_return_by_customer ON goods_return (customer, id) WHERE customer <> '';

CREATE TABLE return_line (
	part integer NOT NULL,
	return_id uuid NOT NULL,
	line integer NOT NULL CHECK (line BETWEEN 1 AND 10000),
	order_line integer NOT NULL CHECK (order_line BETWEEN 0 AND 10000),
	sku text COLLATE "C" NOT NULL,
	quantity bigint NOT NULL CHECK (quantity > 0),
	waiting bigint NOT NULL CHECK (waiting >= 0),
	restocked bigint NOT NULL CHECK (restocked >= 0),
	damaged bigint NOT NULL CHECK (damaged >= 0),
	destroyed bigint NOT NULL CHECK (destroyed >= 0),
	unit_price bigint NOT NULL CHECK (unit_price >= 0),
	PRIMARY KEY (part, return_id, line),
	CONSTRAINT return_line_adds_up CHECK (quantity = waiting + restocked + damaged + destroyed)
) WITH (fillfactor = 90);

-- The ledger: only ever added to. States as in stockbook.v1.StockState: 1 to 8 at a location,
-- 9 to 11 outside.
CREATE TABLE movement (
	part integer NOT NULL,
	sequence bigint NOT NULL CHECK (sequence > 0),
	at timestamptz NOT NULL,
	sku text COLLATE "C" NOT NULL,
	from_location text COLLATE "C" NOT NULL,
	from_state integer NOT NULL CHECK (from_state BETWEEN 1 AND 11),
	to_location text COLLATE "C" NOT NULL,
	to_state integer NOT NULL CHECK (to_state BETWEEN 1 AND 11),
	quantity bigint NOT NULL CHECK (quantity > 0),
	reason integer NOT NULL,
	document_line integer NOT NULL,
	change_sequence bigint NOT NULL,
	PRIMARY KEY (part, sequence),
	CONSTRAINT movement_from_somewhere CHECK ((from_state >= 9) = (from_location = '')),
	CONSTRAINT movement_to_somewhere CHECK ((to_state >= 9) = (to_location = '')),
	CONSTRAINT movement_moves CHECK (from_state <> to_state OR from_location <> to_location)
);

CREATE INDEX movement_by_sku ON movement (sku, at, part, sequence);

-- The history of documents: one row a step, in the same sequence as the movements that it closes.
CREATE TABLE change (
	part integer NOT NULL,
	sequence bigint NOT NULL CHECK (sequence > 0),
	at timestamptz NOT NULL,
	document_kind integer NOT NULL,
	document_id uuid,
	document_code text COLLATE "C" NOT NULL,
	step text COLLATE "C" NOT NULL,
	status_before text COLLATE "C" NOT NULL,
	status_after text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	actor text COLLATE "C" NOT NULL,
	request_id uuid,
	note text COLLATE "C" NOT NULL,
	movements integer NOT NULL CHECK (movements >= 0),
	PRIMARY KEY (part, sequence)
);

CREATE INDEX change_by_document ON change (document_id, part, sequence)
	WHERE document_id IS NOT NULL;

-- Requests that took effect, and what was answered.
CREATE TABLE request (
	part integer NOT NULL,
	request_id uuid NOT NULL,
	fingerprint bytea NOT NULL,
	response bytea NOT NULL,
	parts bigint[] NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (part, request_id)
);

CREATE INDEX request_by_time ON request USING brin (at);

-- For people with SQL: each movement with all that it names.
CREATE VIEW ledger AS
SELECT m.part, m.sequence, m.at, m.sku, m.from_location, m.from_state, m.to_location, m.to_state,
	m.quantity, m.reason, c.document_kind, c.document_id, m.document_line, c.step, c.channel,
	c.actor, c.request_id
FROM movement m
JOIN change c ON c.part = m.part AND c.sequence = m.change_sequence;

GRANT SELECT ON ALL TABLES IN SCHEMA stockbook TO stockbook_service;

GRANT INSERT ON ALL TABLES IN SCHEMA stockbook TO stockbook_service;

GRANT UPDATE, DELETE ON item, item_alias, location, location_group, channel, token, stock,
	reservation, customer_order, order_line, goods_return, return_line, request
	TO stockbook_service;

GRANT UPDATE ON part_head TO stockbook_service;

-- The ledger and the facts of the database are beyond the service's reach.
REVOKE INSERT ON setting, part_head, ledger FROM stockbook_service;
