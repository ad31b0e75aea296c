"""What the migrations made, read from PostgreSQL's catalog: that the tables can be distributed by
part one day, as Citus asks for it, and that the ledger is beyond the service's reach.

The rules for distribution are those that Citus' documentation and its errors give: every unique
index holds the distribution column, foreign keys go nowhere that is on another node, no triggers,
no row security, sequences of 64 bits.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tap  # noqa: E402
from cluster import Cluster, as_owner  # noqa: E402

# Small tables that every node would hold a copy of, and what belongs to one database alone.
REFERENCE = ("location", "location_group", "channel", "token", "setting", "policy_head")
LOCAL = ("schema_version",)
LEDGER = ("movement", "change")

state = {}


def setup():
    cluster = state["cluster"] = Cluster()
    done = subprocess.run([os.environ["STOCKBOOKD"], "migrate", "--database", cluster.uri()],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def teardown():
    if "cluster" in state:
        state["cluster"].close()


def psql(sql):
    """Rows as lists of text."""
    cluster = state["cluster"]
    done = subprocess.run(
        [os.path.join(cluster.programs, "psql"), "-X", "-q", "-A", "-t", "-F", "\t",
         "-v", "ON_ERROR_STOP=1", cluster.uri(), "-f", "-"],
        input=sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
        cwd=cluster.directory, **as_owner())
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [line.split("\t") for line in done.stdout.splitlines() if line]


def tables(condition="true"):
    return {row[0] for row in psql(f"""
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'stockbook'::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition AND {condition}""")}


def distributed():
    found = tables() - set(REFERENCE) - set(LOCAL)
    assert {"stock", "movement", "change", "reservation", "request"} <= found, found
    return found


def nothing(rows, what):
    assert not rows, f"{what}: {rows}"


def test_every_distributed_table_has_a_part_first_in_its_primary_key():
    first = {row[0] for row in psql("""
        SELECT i.indrelid::regclass::text FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indisprimary AND a.attname = 'part' AND a.attnotnull AND a.attgenerated = ''
        AND a.atttypid = 'int4'::regtype""")}
    first = {name.removeprefix("stockbook.") for name in first}
    nothing(distributed() - first, "no part first in the primary key")


def test_every_unique_index_of_a_distributed_table_holds_the_part():
    rows = psql("""
        SELECT t.relname, c.relname FROM pg_index i
        JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
        WHERE t.relnamespace = 'stockbook'::regnamespace AND (i.indisunique OR i.indisexclusion)
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid
            AND a.attname = 'part' AND a.attnum = ANY (i.indkey::int2[]))""")
    nothing([row for row in rows if row[0] in distributed()], "unique without part")


def test_no_foreign_key_leaves_a_node():
    nothing(psql("""
        SELECT conrelid::regclass, conname FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'stockbook'::regnamespace"""), "foreign keys")


def test_no_triggers_rules_row_security_or_inheritance():
    nothing(psql("""
        SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT tgisinternal AND c.relnamespace = 'stockbook'::regnamespace"""), "triggers")
    nothing(psql("""
        SELECT r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
        WHERE c.relnamespace = 'stockbook'::regnamespace AND c.relkind <> 'v'"""), "rules")
    nothing(tables("c.relrowsecurity"), "row security")
    nothing(psql("""
        SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relnamespace = 'stockbook'::regnamespace AND p.relkind = 'r'"""), "inheritance")


def test_no_sequence_is_smaller_than_64_bits():
    nothing(psql("""
        SELECT c.relname FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
        WHERE c.relnamespace = 'stockbook'::regnamespace AND s.seqtypid <> 'int8'::regtype"""),
            "small sequences")


def test_functions_of_a_part_take_it_first_and_are_not_inlined():
    nothing(psql("""
        SELECT p.proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'stockbook'::regnamespace
        AND 'p_part' = ANY (coalesce(p.proargnames, '{}'))
        AND (p.proargnames[1] <> 'p_part' OR l.lanname <> 'plpgsql')"""), "functions")


def test_text_is_compared_by_its_bytes():
    """The service sorts its locks so, and so must the database."""
    nothing(psql("""
        SELECT a.attrelid::regclass, a.attname FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'stockbook'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
        AND NOT a.attisdropped AND a.attcollation NOT IN (0, '"C"'::regcollation)
        AND c.relname <> 'schema_version'"""), "collation")


def test_the_service_may_not_change_the_ledger():
    for table in LEDGER:
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            assert psql(f"""SELECT has_table_privilege('stockbook_service', 'stockbook.{table}',
                '{right}')""") == [["f"]], (table, right)
        assert psql(f"""SELECT has_table_privilege('stockbook_service', 'stockbook.{table}',
            'INSERT')""") == [["t"]], table
        for attempt in (f"UPDATE stockbook.{table} SET part = part", f"DELETE FROM stockbook.{table}",
                        f"TRUNCATE stockbook.{table}"):
            try:
                psql(f"SET ROLE stockbook_service; {attempt};")
                raise AssertionError(f"allowed: {attempt}")
            except RuntimeError as error:
                assert "permission denied" in str(error), error


def test_the_service_owns_nothing():
    nothing(psql("""
        SELECT relname FROM pg_class WHERE relowner = 'stockbook_service'::regrole
        UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = 'stockbook_service'::regrole"""),
            "owned by the service")
    assert psql("""SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls
        FROM pg_roles WHERE rolname = 'stockbook_service'""") == [["f"]]
    assert psql("SELECT pg_has_role('stockbook_service', 'stockbook_owner', 'MEMBER')") == [["f"]]


def test_the_database_itself_refuses_what_contradicts_the_book():
    """Each would be a bug of the service; the checks stand for the day there is one."""
    stock = "INSERT INTO stockbook.stock VALUES (1, 'A', 'X', {}, {}, 0, 0, 0, 0, 0, 0, {}, NULL, 0)"
    line = ("INSERT INTO stockbook.order_line VALUES (1, gen_random_uuid(), 1, 'A', 1, 0, {}, {}, "
            "0, 0, {}, 0, {}, '{{}}', '{{}}', '{{}}', '{{}}', '', '{{}}')")
    move = "INSERT INTO stockbook.movement VALUES (1, {}, now(), 'A', '{}', {}, '{}', {}, {}, 1, 0, 1)"
    fulfilment_line = ("INSERT INTO stockbook.fulfilment_line VALUES (1, gen_random_uuid(), "
                       "gen_random_uuid(), 1, 'A', {}, {}, {}, 0, {}, {}, 0)")
    transfer = ("INSERT INTO stockbook.transfer VALUES (1, gen_random_uuid(), {}, '{}', '{}', NULL, "
                "NULL, '', '', '', 1, now(), now())")
    transfer_line = ("INSERT INTO stockbook.transfer_line VALUES (1, gen_random_uuid(), 1, 'A', 0, {}, "
                     "{}, {}, {}, 0, 0, 0, 0, 0, 0)")
    work = ("INSERT INTO stockbook.work VALUES (1, gen_random_uuid(), 2, 'X', 13, NULL, '', '', '', 1, "
            "now(), '{}', {}, now())")
    good = (fulfilment_line.format(5, 1, 2, 1, 1), transfer.format(1, "X", "Y"),
            transfer_line.format(3, 1, 1, 1), work.format("", "NULL"), work.format("anna", "now()"),
            stock.format(5, 1, "false"), stock.format(-3, 4, "true"),
            line.format(2, 1, 1, 1), move.format(1, "", 9, "X", 1, 5))
    bad = (
        (stock.format(-5, 1, "true"), "stock_on_hand_in_bounds"),
        (stock.format(5, -1, "false"), "stock_not_negative"),
        (stock.format(-3, 4, "false"), "stock_shortage"),
        (stock.format(10**12, 1, "false"), "stock_on_hand_in_bounds"),
        (line.format(2, 1, 2, 0), "order_line_adds_up"),
        (fulfilment_line.format(5, 1, 2, 1, 0), "fulfilment_line_adds_up"),
        (fulfilment_line.format(5, -1, 4, 1, 1), "fulfilment_line_awaiting_check"),
        (transfer.format(1, "X", "X"), "transfer_goes_somewhere"),
        (transfer.format(8, "X", "Y"), "transfer_status_check"),
        (transfer_line.format(3, 1, 1, 2), "transfer_line_adds_up"),
        (work.format("anna", "NULL"), "work_claims_have_an_end"),
        (line.format(2, 1, 1, 2), "order_line_returns_what_was_fulfilled"),
        (move.format(1, "", 9, "X", 1, 0), "movement_positive"),
        (move.format(1, "Y", 9, "X", 1, 1), "movement_from_somewhere"),
        (move.format(1, "X", 1, "X", 1, 1), "movement_moves"),
        (move.format(0, "", 9, "X", 1, 1), "movement_positive"),
    )
    for statement in good:
        psql(f"BEGIN; {statement}; ROLLBACK;")
    for statement, constraint in bad:
        try:
            psql(f"BEGIN; {statement}; ROLLBACK;")
            raise AssertionError(f"allowed: {statement}")
        except RuntimeError as error:
            assert constraint in str(error), error


if __name__ == "__main__":
    tap.main()
