"""The rivals: the rows of a reserve, written without a service, by pgbench with prepared statements.

    sql        a plain transaction, one statement a table and a line, as a service without a lane
               writes it
    function   one call of a PL/pgSQL function
    statement  one statement that does it all, for baskets of one line

Each writes what Stockbook writes (balances, reservation, movements, change, part head, request), takes
its locks in one order, the part's head as late as it can, and refuses when there is too little. What
is said in their favour: they look no request id up, know every channel and location, and make ids
that are ordered by time, which is cheaper for PostgreSQL than random ones.
"""

LINE_STEP_MAX = 997  # as in calls.c: lines of a basket lie far apart

UUID = ("(lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || "
        "substr(md5(random()::text || clock_timestamp()::text), 1, 19))::uuid")

PLACE = "'L' || lpad((:place)::text, 4, '0')"
# Longer than any run: nothing expires while it is measured.
HOLD = "interval '1 day'"
RESERVATION = ("stockbook.reservation (part, id, status, owner, customer, channel, line_sku, "
               "line_location, line_quantity, hold_until, order_id, created_at, updated_at)")
MOVEMENT = ("stockbook.movement (part, sequence, at, sku, from_location, from_state, to_location, "
            "to_state, quantity, reason, document_line, change_sequence)")
CHANGE = ("stockbook.change (part, sequence, at, document_kind, document_id, document_code, step, "
          "status_before, status_after, channel, actor, request_id, note, movements)")
REQUEST = "stockbook.request (part, request_id, fingerprint, response, parts, at)"
# As many bytes as ours has.
FINGERPRINT = "'\\x00112233445566778899aabbccddeeff'::bytea"
RESPONSE_BYTES = 110


def sku(name):
    return f"'S' || lpad((:{name})::text, 7, '0')"


def response(lines):
    return f"decode(repeat('00', {RESPONSE_BYTES + 16 * (lines - 1)}), 'hex')"


def draw(skus, locations, lines):
    """Ascending SKUs within a transaction: one lock order, no deadlocks."""
    step = max(1, min(LINE_STEP_MAX, skus // (2 * lines)))
    span = step * (lines - 1)
    text = [f"\\set place random(1, {locations})",
            f"\\set sku_0 random(1, {max(1, skus - span)})"]
    text += [f"\\set sku_{i} :sku_0 + {i * step}" for i in range(1, lines)]
    return text


def plain(skus, locations, lines):
    text = [*draw(skus, locations, lines), "BEGIN;"]
    for i in range(lines):
        ids = f", {UUID} AS reservation_id, {UUID} AS request_id" if i == 0 else ""
        text.append(
            f"SELECT part AS part_{i}, available AS available_{i}{ids} FROM stockbook.stock "
            f"WHERE sku = {sku(f'sku_{i}')} AND location = {PLACE} FOR NO KEY UPDATE\n\\gset")
        text.append(
            "UPDATE stockbook.stock SET available = available - 1, reserved = reserved + 1, "
            f"version = version + 1 WHERE part = :part_{i} AND sku = {sku(f'sku_{i}')} "
            f"AND location = {PLACE} AND available >= 1;")
    skus_listed = ", ".join(sku(f"sku_{i}") for i in range(lines))
    places = ", ".join([PLACE] * lines)
    ones = ", ".join(["1"] * lines)
    text.append(
        f"INSERT INTO {RESERVATION} VALUES (:part_0, (:reservation_id)::uuid, 1, 'basket', '', 'web', "
        f"ARRAY[{skus_listed}], ARRAY[{places}], ARRAY[{ones}]::bigint[], now() + {HOLD}, NULL, now(), "
        "now());")
    text.append(
        f"INSERT INTO {REQUEST} VALUES (:part_0, (:request_id)::uuid, {FINGERPRINT}, "
        f"{response(lines)}, ARRAY[:part_0]::bigint[], now());")
    text.append(
        f"UPDATE stockbook.part_head SET sequence = sequence + {lines + 1} WHERE part = :part_0 "
        "RETURNING sequence AS head\n\\gset")
    for i in range(lines):
        text.append(
            f"INSERT INTO {MOVEMENT} VALUES (:part_0, :head - {lines - i}, now(), {sku(f'sku_{i}')}, "
            f"{PLACE}, 1, {PLACE}, 2, 1, 2, {i}, :head);")
    text.append(
        f"INSERT INTO {CHANGE} VALUES (:part_0, :head, now(), 8, (:reservation_id)::uuid, '', "
        f"'reserve', '', 'HELD', 'web', 'bench', (:request_id)::uuid, '', {lines});")
    text.append("COMMIT;")
    return "\n".join(text) + "\n"


FUNCTION = f"""
CREATE SCHEMA IF NOT EXISTS bench;
CREATE OR REPLACE FUNCTION bench.reserve(at_location text, skus text[]) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
	in_part integer;
	head bigint;
	count integer := cardinality(skus);
	wanted text;
	reservation_id uuid := {UUID};
	request_id uuid := {UUID};
BEGIN
	SELECT part INTO in_part FROM stockbook.location WHERE code = at_location;
	FOREACH wanted IN ARRAY skus LOOP
		UPDATE stockbook.stock
		SET available = available - 1, reserved = reserved + 1, version = version + 1
		WHERE part = in_part AND sku = wanted AND location = at_location AND available >= 1;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'sku ''%'' is out of stock', wanted;
		END IF;
	END LOOP;
	INSERT INTO {RESERVATION} VALUES (in_part, reservation_id, 1, 'basket', '', 'web', skus,
		array_fill(at_location, ARRAY[count]), array_fill(1::bigint, ARRAY[count]), now() + {HOLD},
		NULL, now(), now());
	INSERT INTO {REQUEST} VALUES (in_part, request_id, {FINGERPRINT},
		decode(repeat('00', {RESPONSE_BYTES} + 16 * (count - 1)), 'hex'), ARRAY[in_part]::bigint[],
		now());
	UPDATE stockbook.part_head SET sequence = sequence + count + 1 WHERE part = in_part
	RETURNING sequence INTO head;
	INSERT INTO {MOVEMENT}
	SELECT in_part, head - count + line - 1, now(), line_sku, at_location, 1, at_location, 2, 1, 2,
		line - 1, head
	FROM unnest(skus) WITH ORDINALITY AS lines (line_sku, line);
	INSERT INTO {CHANGE} VALUES (in_part, head, now(), 8, reservation_id, '', 'reserve', '', 'HELD',
		'web', 'bench', request_id, '', count);
	RETURN reservation_id;
END
$$;
"""


def function(skus, locations, lines):
    listed = ", ".join(sku(f"sku_{i}") for i in range(lines))
    return "\n".join([*draw(skus, locations, lines),
                      f"SELECT bench.reserve({PLACE}, ARRAY[{listed}]);"]) + "\n"


def statement(skus, locations, lines):
    if lines != 1:
        raise ValueError("the one statement is for baskets of one line")
    return "\n".join([*draw(skus, locations, 1), f"""
WITH ids AS MATERIALIZED (SELECT {UUID} AS reservation_id, {UUID} AS request_id),
taken AS (
	UPDATE stockbook.stock s
	SET available = s.available - 1, reserved = s.reserved + 1, version = s.version + 1
	FROM stockbook.location l
	WHERE l.code = {PLACE} AND s.part = l.part AND s.sku = {sku('sku_0')} AND s.location = {PLACE}
		AND s.available >= 1
	RETURNING s.part, s.sku, s.location),
held AS (
	INSERT INTO {RESERVATION}
	SELECT part, reservation_id, 1, 'basket', '', 'web', ARRAY[sku], ARRAY[location],
		ARRAY[1]::bigint[], now() + {HOLD}, NULL, now(), now()
	FROM taken, ids),
known AS (
	INSERT INTO {REQUEST}
	SELECT part, request_id, {FINGERPRINT}, {response(1)}, ARRAY[part]::bigint[], now()
	FROM taken, ids),
head AS (
	UPDATE stockbook.part_head h SET sequence = h.sequence + 2 FROM taken t WHERE h.part = t.part
	RETURNING h.part, h.sequence, t.sku, t.location),
moved AS (
	INSERT INTO {MOVEMENT}
	SELECT part, sequence - 1, now(), sku, location, 1, location, 2, 1, 2, 0, sequence FROM head)
INSERT INTO {CHANGE}
SELECT part, sequence, now(), 8, reservation_id, '', 'reserve', '', 'HELD', 'web', 'bench', request_id,
	'', 1
FROM head, ids;"""]) + "\n"


SIDES = {"sql": plain, "function": function, "statement": statement}
