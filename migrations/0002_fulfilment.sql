-- Every way to the customer: sourcing, pickups, shipments, transfers, work.

ALTER TABLE location
	ADD COLUMN has_coordinates boolean NOT NULL DEFAULT false,
	ADD COLUMN latitude double precision NOT NULL DEFAULT 0 CHECK (latitude BETWEEN -90 AND 90),
	ADD COLUMN longitude double precision NOT NULL DEFAULT 0
		CHECK (longitude BETWEEN -180 AND 180),
	ADD COLUMN pickup_accept_minutes integer NOT NULL DEFAULT 0
		CHECK (pickup_accept_minutes >= 0),
	ADD COLUMN pickup_ready_minutes integer NOT NULL DEFAULT 0 CHECK (pickup_ready_minutes >= 0),
	ADD COLUMN pickup_hold_minutes integer NOT NULL DEFAULT 0 CHECK (pickup_hold_minutes >= 0),
	ADD COLUMN ship_minutes integer NOT NULL DEFAULT 0 CHECK (ship_minutes >= 0);

ALTER TABLE channel
	ADD COLUMN plans_shipments boolean NOT NULL DEFAULT false,
	ADD COLUMN strategy integer NOT NULL DEFAULT 0 CHECK (strategy BETWEEN 0 AND 5),
	ADD COLUMN excluded_location text[] COLLATE "C" NOT NULL DEFAULT '{}',
	ADD COLUMN excluded_method bigint[] NOT NULL DEFAULT '{}',
	ADD COLUMN delivery_days integer NOT NULL DEFAULT 0 CHECK (delivery_days >= 0),
	ADD COLUMN delivery_km_per_day integer NOT NULL DEFAULT 0 CHECK (delivery_km_per_day >= 0),
	ADD CONSTRAINT channel_exclusions_match CHECK (
		cardinality(excluded_location) = cardinality(excluded_method));

CREATE TABLE shelf (
	part integer NOT NULL,
	location text COLLATE "C" NOT NULL,
	sku text COLLATE "C" NOT NULL,
	shelf text COLLATE "C" NOT NULL CHECK (shelf <> ''),
	PRIMARY KEY (part, location, sku)
);

ALTER TABLE stock ADD COLUMN has_quotas boolean NOT NULL DEFAULT false;

-- used may be more than the quota, and is below 0 where what was promised before it was set is
-- given back.
CREATE TABLE quota (
	part integer NOT NULL,
	sku text COLLATE "C" NOT NULL,
	location text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL CHECK (channel <> ''),
	quantity bigint NOT NULL CHECK (quantity >= 0),
	used bigint NOT NULL,
	PRIMARY KEY (part, sku, location, channel)
) WITH (fillfactor = 80);

CREATE TABLE ship_day (
	part integer NOT NULL,
	location text COLLATE "C" NOT NULL,
	day integer NOT NULL,
	parcels bigint NOT NULL CHECK (parcels >= 0),
	PRIMARY KEY (part, location, day)
) WITH (fillfactor = 50);

ALTER TABLE customer_order
	ADD COLUMN fulfilment_count integer NOT NULL DEFAULT 0 CHECK (fulfilment_count >= 0);

-- Of what is allocated at a location, `awaiting` is on a transfer to it.
ALTER TABLE order_line
	ADD COLUMN pickup_location text COLLATE "C" NOT NULL DEFAULT '',
	ADD COLUMN allocation_awaiting bigint[];

UPDATE order_line
SET allocation_awaiting = array_fill(0::bigint, ARRAY[cardinality(allocation_location)]);

ALTER TABLE order_line
	ALTER COLUMN allocation_awaiting SET NOT NULL,
	ADD CONSTRAINT order_line_awaiting_matches CHECK (
		cardinality(allocation_location) = cardinality(allocation_awaiting)),
	ADD CONSTRAINT order_line_awaiting_not_negative CHECK (0 <= ALL (allocation_awaiting));

-- Pickups (kind 13) and shipments (kind 14): goods of one order at one location.
-- Pickup status: 1 AWAITING_TRANSFER, 2 REQUESTED, 3 ACCEPTED, 4 PICKING, 5 PICKED, 6 READY,
-- 7 COLLECTED, 8 PUTTING_BACK, 9 CANCELLED. Shipment status: 1 ALLOCATED, 2 PICKED, 3 PACKED,
-- 4 SHIPPED, 5 DELIVERED, 6 LOST, 7 PUTTING_BACK, 8 CANCELLED.
CREATE TABLE fulfilment (
	part integer NOT NULL,
	order_id uuid NOT NULL,
	id uuid NOT NULL,
	kind integer NOT NULL CHECK (kind IN (13, 14)),
	status integer NOT NULL CHECK (status BETWEEN 1 AND CASE kind WHEN 13 THEN 9 ELSE 8 END),
	location text COLLATE "C" NOT NULL CHECK (location <> ''),
	channel text COLLATE "C" NOT NULL,
	customer text COLLATE "C" NOT NULL,
	reference text COLLATE "C" NOT NULL,
	line_count integer NOT NULL CHECK (line_count BETWEEN 1 AND 10000),
	accepted boolean NOT NULL,
	accept_by timestamptz,
	ready_by timestamptz,
	collect_by timestamptz,
	code_hash bytea NOT NULL CHECK (length(code_hash) IN (0, 32)),
	code_failures integer NOT NULL CHECK (code_failures >= 0),
	collected_by text COLLATE "C" NOT NULL,
	parcels integer NOT NULL CHECK (parcels >= 0),
	carrier text COLLATE "C" NOT NULL,
	tracking text COLLATE "C" NOT NULL,
	replaces uuid,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (part, order_id, id),
	CONSTRAINT fulfilment_ready_has_a_deadline CHECK (
		kind <> 13 OR status <> 6 OR collect_by IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX fulfilment_by_id ON fulfilment (part, id);

-- What is not over at a location.
CREATE INDEX fulfilment_by_location ON fulfilment (location, kind, status, id);

-- Ready pickups whose customers did not come.
CREATE INDEX fulfilment_collect_by ON fulfilment (part, collect_by) WHERE kind = 13 AND status = 6;

CREATE TABLE fulfilment_line (
	part integer NOT NULL,
	order_id uuid NOT NULL,
	fulfilment_id uuid NOT NULL,
	line integer NOT NULL CHECK (line BETWEEN 1 AND 10000),
	sku text COLLATE "C" NOT NULL,
	quantity bigint NOT NULL CHECK (quantity > 0),
	awaiting bigint NOT NULL CHECK (awaiting >= 0),
	to_pick bigint NOT NULL CHECK (to_pick >= 0),
	picked bigint NOT NULL CHECK (picked >= 0),
	done bigint NOT NULL CHECK (done >= 0),
	put_back bigint NOT NULL CHECK (put_back >= 0),
	dropped bigint NOT NULL CHECK (dropped >= 0),
	PRIMARY KEY (part, order_id, fulfilment_id, line),
	CONSTRAINT fulfilment_line_adds_up CHECK (
		quantity = awaiting + to_pick + picked + done + put_back + dropped)
) WITH (fillfactor = 80);

-- status: 1 DRAFT, 2 READY, 3 IN_TRANSIT, 4 PARTIALLY_RECEIVED, 5 RECEIVED, 6 CLOSED_SHORT,
-- 7 CANCELLED.
CREATE TABLE transfer (
	part integer NOT NULL,
	id uuid NOT NULL,
	status integer NOT NULL CHECK (status BETWEEN 1 AND 7),
	source text COLLATE "C" NOT NULL CHECK (source <> ''),
	destination text COLLATE "C" NOT NULL CHECK (destination <> ''),
	order_id uuid,
	fulfilment_id uuid,
	reference text COLLATE "C" NOT NULL,
	carrier text COLLATE "C" NOT NULL,
	tracking text COLLATE "C" NOT NULL,
	line_count integer NOT NULL CHECK (line_count BETWEEN 1 AND 20000),
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (part, id),
	CONSTRAINT transfer_goes_somewhere CHECK (source <> destination)
) WITH (fillfactor = 80);

CREATE INDEX transfer_by_source ON transfer (source, status, id);

CREATE INDEX transfer_by_destination ON transfer (destination, status, id);

CREATE INDEX transfer_by_order ON transfer (order_id, id) WHERE order_id IS NOT NULL;

CREATE TABLE transfer_line (
	part integer NOT NULL,
	transfer_id uuid NOT NULL,
	line integer NOT NULL CHECK (line BETWEEN 1 AND 20000),
	sku text COLLATE "C" NOT NULL,
	order_line integer NOT NULL CHECK (order_line BETWEEN 0 AND 10000),
	requested bigint NOT NULL CHECK (requested > 0),
	open bigint NOT NULL CHECK (open >= 0),
	allocated bigint NOT NULL CHECK (allocated >= 0),
	in_transit bigint NOT NULL CHECK (in_transit >= 0),
	received bigint NOT NULL CHECK (received >= 0),
	damaged bigint NOT NULL CHECK (damaged >= 0),
	lost bigint NOT NULL CHECK (lost >= 0),
	returned bigint NOT NULL CHECK (returned >= 0),
	cancelled bigint NOT NULL CHECK (cancelled >= 0),
	over bigint NOT NULL CHECK (over >= 0),
	PRIMARY KEY (part, transfer_id, line),
	CONSTRAINT transfer_line_adds_up CHECK (requested = open + allocated + in_transit + received
		+ damaged + lost + returned + cancelled)
) WITH (fillfactor = 80);

-- Work that is due. kind: as in stockbook.v1.WorkKind.
CREATE TABLE work (
	part integer NOT NULL,
	document_id uuid NOT NULL,
	kind integer NOT NULL CHECK (kind BETWEEN 1 AND 11),
	location text COLLATE "C" NOT NULL CHECK (location <> ''),
	document_kind integer NOT NULL,
	order_id uuid,
	customer text COLLATE "C" NOT NULL,
	reference text COLLATE "C" NOT NULL,
	sku text COLLATE "C" NOT NULL,
	units bigint NOT NULL CHECK (units >= 0),
	due_at timestamptz NOT NULL,
	claimed_by text COLLATE "C" NOT NULL,
	claimed_until timestamptz,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (part, document_id, kind),
	CONSTRAINT work_claims_have_an_end CHECK ((claimed_by = '') = (claimed_until IS NULL))
) WITH (fillfactor = 80);

CREATE INDEX work_by_location ON work (location, kind, due_at, document_id);

CREATE INDEX work_by_sku ON work (location, sku) WHERE kind = 11;

-- What a worker has.
CREATE INDEX work_by_claimant ON work (location, claimed_by) WHERE claimed_by <> '';

-- State 12: between two locations. What one gives another takes in the same transaction.
ALTER TABLE movement
	DROP CONSTRAINT movement_from_state_check,
	ADD CONSTRAINT movement_from_state_check CHECK (from_state BETWEEN 1 AND 12),
	DROP CONSTRAINT movement_to_state_check,
	ADD CONSTRAINT movement_to_state_check CHECK (to_state BETWEEN 1 AND 12);

ALTER TABLE change ADD COLUMN location text COLLATE "C" NOT NULL DEFAULT '';

GRANT SELECT, INSERT, UPDATE, DELETE ON shelf, quota, ship_day, fulfilment, fulfilment_line,
	transfer, transfer_line, work TO stockbook_service;
