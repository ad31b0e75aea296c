"""The rival: the rows of a reserve, written as a service without a lane would write them - one
plain SQL transaction a call, one statement a table and a line, by pgbench with prepared statements.

It writes what Stockbook writes (balances, reservation, movements, change, part head, request), takes
its locks in one order, and refuses when there is too little. Ids are ordered by time, which is
cheaper for PostgreSQL than random ones.
"""

UUID = ("(lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || "
        "substr(md5(random()::text || clock_timestamp()::text), 1, 19))::uuid")

HOLD = """
SELECT part AS part_{i}, available AS available_{i} FROM stockbook.stock
 WHERE sku = 'S' || lpad((:sku_{i})::text, 7, '0') AND location = 'L' || lpad((:place)::text, 4, '0')
 FOR NO KEY UPDATE
\\gset
UPDATE stockbook.stock SET available = available - 1, reserved = reserved + 1, version = version + 1
 WHERE part = :part_{i} AND sku = 'S' || lpad((:sku_{i})::text, 7, '0')
   AND location = 'L' || lpad((:place)::text, 4, '0') AND available >= 1;
"""

MOVE = """
INSERT INTO stockbook.movement VALUES (:part_0, :head - {after}, now(),
 'S' || lpad((:sku_{i})::text, 7, '0'), 'L' || lpad((:place)::text, 4, '0'), 1,
 'L' || lpad((:place)::text, 4, '0'), 2, 1, 2, 0, :head);
"""


def script(skus, locations, lines):
    """A pgbench script: one reserve a transaction."""
    # Ascending SKUs within a transaction: one lock order, no deadlocks.
    text = [f"\\set place random(1, {locations})"]
    if lines > 1:
        text.append(f"\\set base random(1, {skus - 997 * (lines - 1)})" if skus > 997 * lines
                    else "\\set base 1")
    for i in range(lines):
        if lines > 1:
            step = 997 if skus > 997 * lines else 1
            text.append(f"\\set sku_{i} :base + {i * step}")
        else:
            text.append(f"\\set sku_{i} random(1, {skus})")
    text.append("BEGIN;")
    text += [HOLD.format(i=i) for i in range(lines)]
    sku_list = ", ".join(f"'S' || lpad((:sku_{i})::text, 7, '0')" for i in range(lines))
    places = ", ".join("'L' || lpad((:place)::text, 4, '0')" for _ in range(lines))
    ones = ", ".join("1" for _ in range(lines))
    text.append(f"SELECT {UUID} AS reservation_id, {UUID} AS request_id\n\\gset")
    text.append(
        "INSERT INTO stockbook.reservation VALUES (:part_0, (:reservation_id)::uuid, 1, 'basket', '', "
        f"'web', ARRAY[{sku_list}], ARRAY[{places}], ARRAY[{ones}]::bigint[], "
        "now() + interval '15 minutes', NULL, now(), now());")
    text.append(
        f"UPDATE stockbook.part_head SET sequence = sequence + {lines + 1} WHERE part = :part_0 "
        "RETURNING sequence AS head\n\\gset")
    text += [MOVE.format(i=i, after=lines - i) for i in range(lines)]
    text.append(
        "INSERT INTO stockbook.change VALUES (:part_0, :head, now(), 8, (:reservation_id)::uuid, '', "
        f"'reserve', '', 'HELD', 'web', 'bench', (:request_id)::uuid, '', {lines});")
    text.append(
        "INSERT INTO stockbook.request VALUES (:part_0, (:request_id)::uuid, "
        "'\\x00112233445566778899aabbccddeeff', decode(repeat('00', 110), 'hex'), "
        "ARRAY[:part_0]::bigint[], now());")
    text.append("COMMIT;")
    return "\n".join(text) + "\n"
