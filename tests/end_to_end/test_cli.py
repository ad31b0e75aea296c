"""The command line against a whole server: every noun, every output, what goes wrong and how it is
told."""
import json
import os
import pty
import subprocess

import grpc

import cli
import tap
from cluster import Cluster
from server import Server, end, new_directory

state = {}
STEPS = ["place", "deallocate", "allocate", "pick", "put back", "cancel", "ship"]


def setup():
    cluster = state["cluster"] = Cluster()
    server = state["server"] = Server(database=cluster.uri(), tokens=True)
    state["admin"] = server.admin_token()
    os.environ["STOCKBOOK_TOKEN"] = state["admin"]
    run = state["run"] = cli.Cli(server.target)
    run("location", "put", "LEEDS", "--name", "Leeds, Briggate")
    run("location", "put", "DC1", "--kind", "warehouse", "--safety-stock", "1")
    run("group", "put", "uk", "DC1", "LEEDS")
    run("channel", "put", "web", "--group", "uk")
    run("item", "put", "LAMP", "--name", 'a "green" lamp', "--alias", "5012345678900")
    run("item", "put", "odd:name", "--name", "a code with a colon")
    run("item", "put", "VASE")


def teardown():
    end(state)


def run(*arguments, **more):
    return state["run"](*arguments, **more)


def test_item_is_shown_in_every_output():
    table = run("item", "show", "5012345678900").out
    assert "LAMP" in table and 'a "green" lamp' in table
    document = state["run"].json("item", "show", "LAMP")
    assert document["item"]["sku"] == "LAMP"
    assert document["item"]["aliases"] == ["5012345678900"]
    assert document["item"]["createTime"].endswith("Z")
    csv = run("item", "show", "LAMP", "--output", "csv").out.splitlines()
    assert csv[0] == "sku,name,aliases,safety_stock,create_time,update_time"
    assert csv[1].startswith('LAMP,"a ""green"" lamp",5012345678900,,')


def test_output_is_a_table_in_a_pipe_too_and_the_environment_can_change_that():
    assert run("item", "list").out.startswith("SKU")
    assert run("item", "list", env={"STOCKBOOK_OUTPUT": "csv"}).out.startswith("sku,")
    run("item", "list", "--output", "xml", expect=2)


def test_lists_follow_pages_and_stop_at_the_limit():
    rows = "sku,name\n" + "".join(f"P{number:04},page\n" for number in range(1500))
    run("import", "items", "-", stdin=rows)
    everything = state["run"].json("item", "list", "--prefix", "P")
    assert [item["sku"] for item in everything["items"]] == [f"P{n:04}" for n in range(1500)]
    some = run("item", "list", "--prefix", "P", "--limit", "3", "--output", "csv")
    assert [row["sku"] for row in some.rows()] == ["P0000", "P0001", "P0002"]
    assert "--limit 0" in some.err
    assert state["run"].json("item", "list", "--prefix", "nothing") == {"items": []}


def test_stock_is_received_adjusted_set_held_back_and_explained():
    run("stock", "receive", "LEEDS", "LAMP:10", "odd:name:3", "--reference", "PO-1")
    run("stock", "adjust", "LEEDS", "LAMP:-2", "--reason", "breakage", "--note", "dropped")
    run("stock", "state", "LEEDS", "LAMP:1", "--from", "available", "--to", "quality-control")
    run("stock", "safety", "LEEDS", "LAMP:2")
    level, = state["run"].json("stock", "show", "LAMP", "--location", "LEEDS")["levels"]
    assert level == {"sku": "LAMP", "location": "LEEDS", "available": "7", "qualityControl": "1",
                     "onHand": "8", "safetyStock": "2"}
    explained = state["run"].json("stock", "explain", "LAMP", "LEEDS")
    assert explained["availableToSell"] == "5"
    assert "safety stock" in run("stock", "explain", "LAMP", "LEEDS").out
    run("stock", "safety", "LEEDS", "LAMP:default")
    run("stock", "set", "LEEDS", "odd:name:5", "--expected", "3")
    refused = run("stock", "set", "LEEDS", "odd:name:6", "--expected", "3", expect=1)
    assert "EXPECTATION_FAILED" in refused.err and "actual = 5" in refused.err
    availability = run("stock", "availability", "LAMP", "odd:name", "--channel", "web",
                       "--output", "csv")
    assert [row["available_to_sell"] for row in availability.rows()] == ["7", "5"]
    assert run("stock", "shortages").out == ""


def test_reservation_goes_all_its_ways():
    made = state["run"].json("reserve", "create", "--owner", "basket-1", "--channel", "web",
                             "--hold-for", "30m", "LAMP:2")
    reservation = made["reservation"]["id"]
    assert made["reservation"]["lines"] == [{"sku": "LAMP", "location": "LEEDS", "quantity": "2"}]
    assert reservation in run("reserve", "list", "--owner", "basket-1").out
    run("reserve", "extend", reservation, "--hold-for", "1h")
    run("reserve", "replace", reservation, "LAMP:3@LEEDS")
    assert "HELD" in run("reserve", "show", reservation).out
    order = state["run"].json("reserve", "confirm", reservation, "--price", "LAMP=2.55GBP")["order"]
    assert order["total"] == {"minorUnits": "765", "currencyCode": "GBP"}
    assert "WRONG_STATUS" in run("reserve", "release", reservation, expect=1).err
    other = state["run"].json("reserve", "create", "--owner", "b", "LAMP:1@LEEDS")
    run("reserve", "release", other["reservation"]["id"])
    partial = run("reserve", "create", "--owner", "b", "--allow-partial", "LAMP:100@LEEDS")
    assert "came out short" in partial.out
    run("reserve", "release", partial.out.split()[1])
    run("order", "cancel", order["id"])


def test_order_goes_all_its_ways():
    placed = state["run"].json("order", "place", "--channel", "web", "--customer", "17850",
                               "--reference", "R-1", "LAMP:3@LEEDS=2.55GBP", "odd:name:1=1GBP")
    order = placed["order"]["id"]
    assert placed["order"]["status"] == "ORDER_STATUS_OPEN"
    run("order", "deallocate", order, "1:1")
    run("order", "allocate", order, "1:1@LEEDS")
    run("order", "pick", order, "1:2")
    run("order", "put-back", order, "1:1")
    run("order", "cancel", order, "2:1", "--note", "changed his mind")
    run("order", "ship", order, "--pick-first", "--carrier", "DPD", "--tracking", "123")
    shown = run("order", "show", order).out
    assert "FULFILLED" in shown and "7.65 GBP" in shown
    assert order in run("order", "list", "--customer", "17850").out
    assert order in run("order", "list", "--reference", "R-1").out
    steps = [row["step"] for row in run("ledger", "history", order, "--output", "csv").rows()]
    assert steps == STEPS, steps
    back = state["run"].json("return", "create", "DC1", "--order", order, "#1:1")["goodsReturn"]
    assert back["lines"][0]["waiting"] == "1"
    inspected = run("return", "inspect", back["id"], "1:1", "--disposition", "damaged").out
    assert "CLOSED" in inspected
    assert back["id"] in run("return", "list", "--order", order).out
    assert "2.55 GBP" in run("return", "show", back["id"]).out
    blind = run("return", "create", "LEEDS", "--customer", "17850", "--disposition", "restock",
                "LAMP:1=2.00GBP")
    assert "2.00 GBP" in blind.out
    too_many = run("return", "create", "DC1", "--order", order, "#1:5", expect=1)
    assert "RETURN_EXCEEDS_FULFILLED" in too_many.err


def test_till_sale_is_never_refused_and_the_ledger_tells_it():
    run("order", "place", "--carry-out", "VASE:2@LEEDS=120JPY")
    moves = run("ledger", "movements", "--sku", "VASE", "--output", "csv").rows()
    assert [(row["reason"], row["quantity"]) for row in moves] == [("FOUND", "2"), ("SALE", "2")]
    assert run("ledger", "on-hand-at", "VASE", "LEEDS", "2020-01-01", "--output", "csv").rows() == [
        {"sku": "VASE", "location": "LEEDS", "on_hand": "0"}]


def test_refusal_names_lines_and_the_way_out():
    refused = run("reserve", "create", "--owner", "b", "--channel", "web", "LAMP:1000", "VASE:1",
                  expect=1)
    assert "OUT_OF_STOCK" in refused.err
    assert "lines[0].sku = LAMP" in refused.err and "lines[1].sku = VASE" in refused.err
    assert "hint: 'stockbook stock explain" in refused.err
    unknown = run("stock", "receive", "LEEDS", "NOPE:1", expect=1)
    assert "ITEM_NOT_FOUND" in unknown.err and "stockbook item put" in unknown.err


def test_repeated_request_id_acts_once():
    request = "0193a000-0000-7000-8000-000000000001"
    first = run("stock", "receive", "DC1", "LAMP:5", "--request-id", request).out
    assert run("stock", "receive", "DC1", "LAMP:5", "--request-id", request).out == first
    reused = run("stock", "receive", "DC1", "LAMP:6", "--request-id", request, expect=1)
    assert "REQUEST_ID_REUSED" in reused.err
    level, = state["run"].json("stock", "show", "LAMP", "--location", "DC1")["levels"]
    assert level["available"] == "5"


def test_wrong_usage_says_what_is_wrong_and_exits_with_2():
    for arguments, words in (
            (["nonsense"], "no noun 'nonsense'"),
            (["item", "nonsense"], "no command 'nonsense'"),
            (["item", "show"], "arguments missing"),
            (["item", "show", "a", "b"], "one argument too many"),
            (["item", "list", "--colour"], "--colour"),
            (["stock", "receive", "LEEDS", "LAMP"], "'LAMP' is not SKU:QUANTITY"),
            (["stock", "receive", "LEEDS", "LAMP:1", "--state", "broken"], "'broken' is not one of"),
            (["order", "place", "LAMP:1=2.555GBP"], "=PRICE"),
            (["order", "place", "LAMP:99999999999999999999"], "=PRICE"),
            (["reserve", "create", "LAMP:1", "--hold-for", "soon"], "'soon' is not a time"),
            (["ledger", "on-hand-at", "LAMP", "LEEDS", "2026-02-30"], "is not a time"),
            (["item", "list", "--deadline", "later"], "deadline 'later'"),
            (["call", "Nope/Nope"], "no method 'Nope/Nope'"),
            (["call", "ItemService/GetItem", "{"], "not JSON"),
            (["call", "ItemService/GetItem", '{"sku": 7}'], "sku: must be text"),
            (["call", "ItemService/GetItem", '{"skuu": "7"}'], "skuu: there is no such field"),
            (["call", "OrderService/PlaceOrder", '{"lines": [{"quantity": "x"}]}'],
             "lines[0].quantity: must be a whole number")):
        result = run(*arguments, expect=2)
        assert words in result.err, (arguments, result.err)
        assert result.out == "", arguments


def test_wrong_fields_are_named_by_the_server():
    wrong = run("stock", "receive", "LEEDS", "LAMP:-1", expect=2)
    assert "lines[0].quantity" in wrong.err and "INVALID_FIELD" in wrong.err
    assert "request_id" in run("item", "put", "X", "--request-id", "no-uuid", expect=2).err


def test_help_is_there_at_every_level_with_examples():
    for arguments in (["--help"], ["item", "--help"], ["reserve", "create", "--help"],
                      ["verify", "--help"], ["import", "--help"], ["replay", "--help"]):
        out = run(*arguments).out
        assert "Usage: stockbook" in out and "Examples:" in out, arguments
    assert "Exit codes:" in run("--help").out
    assert run(expect=2).out.startswith("Usage: stockbook")
    assert run("--version").out.startswith("stockbook ")


def test_any_method_is_called_in_json():
    assert "ReservationService/Reserve\n" in run("call").out
    echoed = run("call", "ServerService/Echo", '{"payload": "aGVsbG8="}').out
    assert json.loads(echoed) == {"payload": "aGVsbG8="}
    request = {"location": {"code": "FAR", "kind": "LOCATION_KIND_STORE", "ships": True,
                            "coordinates": {"latitude": 53.8, "longitude": -1.1},
                            "openingHours": [{"weekday": 1, "openMinute": 540,
                                              "closeMinute": 1020}],
                            "safetyStock": "3", "address": {"lines": ["1 \"Sea\" Road", "é"]}}}
    answer = json.loads(run("call", "LocationService/PutLocation", "-",
                            stdin=json.dumps(request)).out)
    for name, value in request["location"].items():
        assert answer["location"][name] == value, name
    checks = run("call", "LedgerService/Verify", '{"findingsMax": 1}').out
    assert checks.count('"check"') > 5


def test_verify_proves_the_book():
    assert run("verify").out.endswith("the book is right\n")
    checks = state["run"].json("verify")
    assert all(int(check.get("wrong", 0)) == 0 for check in checks) and len(checks) > 5


def test_token_limits_what_may_be_done():
    made = run("token", "create", "till-1", "--role", "store", "--location", "LEEDS")
    secret = made.out.split("secret")[1].strip()
    assert "only once" in made.err
    run("stock", "receive", "LEEDS", "LAMP:1", "--token", secret)
    elsewhere = run("stock", "receive", "DC1", "LAMP:1", "--token", secret, expect=4)
    assert "LOCATION_NOT_ALLOWED" in elsewhere.err
    assert "till-1" in run("token", "list").out
    run("token", "revoke", "till-1")
    missing = run("item", "list", env={"STOCKBOOK_TOKEN": ""}, expect=4)
    assert "TOKEN_INVALID" in missing.err and "stockbook token create" in missing.err


def test_absent_server_is_told_with_the_way_out():
    for server in ("127.0.0.1:1", "unix:/nowhere/socket"):
        absent = run("item", "list", "--server", server, expect=3)
        assert f"cannot connect to '{server}'" in absent.err and "tools/dev run" in absent.err
        assert "outcome unknown" not in absent.err


def test_unanswered_change_tells_how_to_repeat_it():
    server = state["server"]
    server.freeze()
    try:
        unknown = run("stock", "receive", "DC1", "VASE:4", "--deadline", "700ms", expect=3)
    finally:
        server.thaw()
    request = unknown.err.split("--request-id ")[1].split()[0]
    run("stock", "receive", "DC1", "VASE:4", "--request-id", request)
    run("stock", "receive", "DC1", "VASE:4", "--request-id", request)
    level, = state["run"].json("stock", "show", "VASE", "--location", "DC1")["levels"]
    assert level["available"] == "4"


def on_terminal(arguments, env):
    """What the command writes when standard output is a terminal of 40 columns."""
    parent, child = pty.openpty()
    subprocess.run(["stty", "cols", "40"], stdin=child, check=True)
    with subprocess.Popen([cli.PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=child,
                          stderr=subprocess.PIPE, env=state["run"].environment(env)) as process:
        os.close(child)
        written = b""
        try:
            while chunk := os.read(parent, 65536):
                written += chunk
        except OSError:
            pass
        assert process.wait(30) == 0
    os.close(parent)
    return written.decode()


def test_terminal_gets_colours_and_fitting_tables_and_no_color_takes_them_away():
    arguments = ["location", "show", "LEEDS"]
    assert "Briggate" in on_terminal(arguments, {"TERM": "xterm"})
    table = ["item", "list", "--limit", "2"]
    assert "\033[" in on_terminal(table, {"TERM": "xterm"})
    plain = on_terminal(table, {"TERM": "xterm", "NO_COLOR": "1"})
    assert "\033[" not in plain
    assert all(len(line) <= 40 for line in plain.replace("\r", "").splitlines())
    assert "\033[" not in run(*table).out
    # What may not be cut stands one below the other.
    levels = on_terminal(["stock", "show", "--location", "LEEDS"], {"TERM": "dumb"})
    assert "AVAILABLE" in levels
    assert all(len(line) <= 40 for line in levels.replace("\r", "").splitlines()), levels


def test_tls_is_spoken_with_the_authority_named():
    folder = new_directory("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem",
                    "-out", "cert.pem"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    ca = os.path.join(folder, "cert.pem")
    with open(ca, "rb") as file:
        trusting = grpc.ssl_channel_credentials(file.read())
    with Server("--tls-certificate", ca, "--tls-key", os.path.join(folder, "key.pem"),
                database=state["cluster"].uri(), credentials=trusting) as server:
        speak = cli.Cli(server.target)
        assert "0." in speak("server", "info", "--ca", ca).out
        assert "0." in speak("server", "info", env={"STOCKBOOK_CA": ca}).out
        assert "cannot connect" in speak("server", "info", "--deadline", "2s", expect=3).err
        assert "cannot read '/no/ca.pem'" in speak("server", "info", "--ca", "/no/ca.pem",
                                                   expect=2).err


if __name__ == "__main__":
    tap.main()
