-- The same rules in fewer words, and narrower indexes.
--
-- PostgreSQL reads a table's checks anew, as text, for every statement that writes to it. Ten
-- comparisons of a column with 0 cost several times one comparison of the least of them; least()
-- passes over NULL, as a check does.
--
-- Each table is read once to prove its new checks, and an index of the ledger is built anew: about
-- two seconds for a million rows in each. The book is not served meanwhile.

ALTER TABLE stock
	DROP CONSTRAINT stock_reserved_check,
	DROP CONSTRAINT stock_allocated_check,
	DROP CONSTRAINT stock_picked_check,
	DROP CONSTRAINT stock_damaged_check,
	DROP CONSTRAINT stock_quality_control_check,
	DROP CONSTRAINT stock_on_hold_check,
	DROP CONSTRAINT stock_in_transit_check,
	DROP CONSTRAINT stock_safety_stock_check,
	DROP CONSTRAINT stock_on_hand_not_negative,
	DROP CONSTRAINT stock_in_bounds,
	ADD CONSTRAINT stock_not_negative CHECK (0 <= least(reserved, allocated, picked, damaged,
		quality_control, on_hold, in_transit, safety_stock)),
	-- From 0 to 1,000,000,000,000: not further from the middle than half of it.
	ADD CONSTRAINT stock_on_hand_in_bounds CHECK (abs(available + reserved + allocated + picked
		+ damaged + quality_control + on_hold - 500000000000) <= 500000000000);

ALTER TABLE order_line
	DROP CONSTRAINT order_line_unit_price_check,
	DROP CONSTRAINT order_line_open_check,
	DROP CONSTRAINT order_line_allocated_check,
	DROP CONSTRAINT order_line_picked_check,
	DROP CONSTRAINT order_line_fulfilled_check,
	DROP CONSTRAINT order_line_cancelled_check,
	DROP CONSTRAINT order_line_returned_check,
	ADD CONSTRAINT order_line_not_negative CHECK (0 <= least(unit_price, open, allocated, picked,
		fulfilled, cancelled, returned));

ALTER TABLE movement
	DROP CONSTRAINT movement_sequence_check,
	DROP CONSTRAINT movement_quantity_check,
	DROP CONSTRAINT movement_from_state_check,
	DROP CONSTRAINT movement_to_state_check,
	ADD CONSTRAINT movement_positive CHECK (0 < least(sequence, quantity)),
	ADD CONSTRAINT movement_states_known CHECK (
		1 <= least(from_state, to_state) AND greatest(from_state, to_state) <= 12);

-- A document has few changes: sorting them is cheaper than an index that holds their order.
CREATE INDEX change_by_document_id ON change (document_id) WITH (deduplicate_items = off)
	WHERE document_id IS NOT NULL;

DROP INDEX change_by_document;

ALTER INDEX change_by_document_id RENAME TO change_by_document;

-- Keys that hardly ever repeat: looking for equal ones in every full page finds none.
ALTER INDEX movement_by_sku SET (deduplicate_items = off);

ALTER INDEX reservation_held_until SET (deduplicate_items = off);

ALTER INDEX reservation_held_by_owner SET (deduplicate_items = off);

ALTER INDEX reservation_held_by_customer SET (deduplicate_items = off);
