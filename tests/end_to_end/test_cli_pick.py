"""Picking with the command line: one walk for many orders, with a scanner at a terminal or at the
other end of a pipe; nothing that was scanned is lost."""
import tap
from floor import accepted, json, level, run, setup, state, teardown


def status(pickup):
    return json("pickup", "show", pickup)["pickup"]["status"].removeprefix("PICKUP_STATUS_")


def line(pickup, number):
    lines = json("pickup", "show", pickup)["pickup"]["lines"]
    found, = [line for line in lines if line["line"] == number]
    return {name: int(value) for name, value in found.items() if str(value).isdigit()}


def work(*more):
    return json("work", "list", "pick", *more)["work"]


def test_walk_is_one_list_in_the_order_of_the_shelves_for_many_orders():
    first = accepted("1001", "LAMP:2", "VASE:1")
    second = accepted("1002", "VASE:2", "MUG:1")
    out = run("pick").out
    assert "2 to pick at LEEDS, 6 units, claimed by anna" in out
    walk = [row.split() for row in out.split("the walk:")[1].strip().splitlines()]
    assert [row[0] for row in walk] == ["SHELF", "A-01", "B-02", "C-03"], out
    assert walk[1][1] == "VASE" and walk[1][-3:] == ["3", "1:1", "2:2"], walk
    assert {entry["claimedBy"] for entry in work()} == {"anna"}
    other = run("pick", env={"STOCKBOOK_WORKER": "ben"}).out
    assert other == "nothing to pick at LEEDS\n"
    assert len(json("pick")["work"]) == 2
    done = run("pick", "--done")
    assert "next: stockbook pickup ready " + first[-6:] in done.err
    assert status(first) == status(second) == "PICKED"
    state["floor"].prove()


def test_scans_through_a_pipe_are_counted_and_recorded():
    pickup = accepted("1003", "LAMP:3", "VASE:2", "MUG:4")
    codes = ["VASE", "5012345678917", "3*LAMP", "4", "MUG", "done"]
    result = run("pick", "--scan", stdin="\n".join(codes) + "\n")
    assert "ok 1/9  VASE Blue vase" in result.out
    assert "ok 5/9  3 x LAMP Green lamp" in result.out
    assert "ok 9/9  4 x MUG Red mug" in result.out
    assert "\a" not in result.out and "\033" not in result.out
    assert status(pickup) == "PICKED"
    assert f"next: stockbook pickup ready {pickup[-6:]}" in result.err


def test_wrong_scans_are_told_and_change_nothing():
    pickup = accepted("1004", "LAMP:1")
    codes = ["VASE", "no-such-code", "2*LAMP", "LAMP", "LAMP", "undo", "undo", "undo", "short",
             "0*LAMP", "help", "LAMP", "done"]
    out = run("pick", "--scan", stdin="\n".join(codes) + "\n").out
    for words in ("'VASE' is not on this list (Blue vase)", "nobody knows 'no-such-code'",
                  "'LAMP': 0 of 1 are there already", "'LAMP': 1 of 1 are there already",
                  "<- 0/1  LAMP Green lamp: taken back", "there is nothing to undo",
                  "say which code", "'0*LAMP' is no quantity", "damaged CODE"):
        assert words in out, (words, out)
    assert out.count("!! WRONG:") == 8, out
    assert status(pickup) == "PICKED"
    assert line(pickup, 1)["picked"] == 1


def test_code_that_only_the_server_knows_is_looked_up():
    run("item", "put", "LAMP", "--name", "Green lamp", "--alias", "5012345678900", "--alias",
        "OLD-LAMP", "--alias", "9999")
    pickup = accepted("1005", "LAMP:2")
    run("pick", "--scan", stdin="OLD-LAMP\n5012345678900\ndone\n")
    assert line(pickup, 1)["picked"] == 2


def test_short_and_damaged_goods_are_recorded_with_their_remedy():
    pickup = accepted("1006", "LAMP:4", "VASE:2", "MUG:1")
    before = level("LAMP")
    codes = ["VASE", "damaged VASE", "2*LAMP", "damaged LAMP", "short LAMP", "MUG", "done"]
    result = run("pick", "--scan", "--remedy", "re-source", stdin="\n".join(codes) + "\n")
    assert "-- 2/7  VASE Blue vase: damaged" in result.out
    assert "-- 6/7  LAMP Green lamp: short" in result.out
    assert "RE_SOURCE" in result.out
    shown = line(pickup, 1)
    assert (shown["picked"], shown["dropped"]) == (2, 2), shown
    after = level("LAMP")
    assert after["damaged"] == before.get("damaged", 0) + 1
    assert before["onHand"] - after["onHand"] == 1
    assert "LAMP" in run("work", "list", "recount", "--output", "json").out
    run("recount", f"LAMP:{after['onHand'] + 1}")
    assert json("work", "list", "recount")["work"] == []
    state["floor"].prove()


def test_what_was_not_scanned_is_left_for_others():
    first = accepted("1007", "LAMP:2")
    second = accepted("1008", "VASE:1")
    out = run("pick", "--scan", stdin="LAMP\ndone\n").out
    assert "released what is left of 2" in out
    assert status(first) == "PICKING" and status(second) == "ACCEPTED"
    assert line(first, 1)["picked"] == 1
    assert {entry.get("claimedBy", "") for entry in work()} == {""}
    run("pick", "--scan", "--rest", "short", "--remedy", "cancel", stdin="LAMP\nDONE\n")
    assert status(first) == "PICKED" and status(second) == "CANCELLED"
    run("recount", f"VASE:{state['floor'].level('VASE')['onHand']}")


def test_end_of_the_input_records_what_was_scanned():
    pickup = accepted("1009", "LAMP:2")
    out = run("pick", "--scan", stdin="LAMP\n").out
    assert "the input ended: what was scanned is recorded, the rest is released" in out
    assert line(pickup, 1)["picked"] == 1
    run("pick", "--done")
    assert status(pickup) == "PICKED"


def test_json_has_what_was_recorded_and_the_talk_is_elsewhere():
    pickup = accepted("1010", "MUG:2")
    result = run("pick", "--scan", "--output", "json", stdin="MUG\nMUG\nVASE\ndone\n")
    recorded = result.json()
    assert recorded["recorded"][0]["pickup"]["id"] == pickup
    assert recorded["released"] == 0
    assert "!! WRONG: 'VASE'" in result.err
    assert json("pick", "--scan", stdin="") == {"recorded": [], "released": 0}


def test_goods_are_said_to_go_into_bags():
    accepted("1011", "LAMP:1")
    accepted("1012", "LAMP:2")
    out = run("pick", "--scan", stdin="LAMP\n2*LAMP\ndone\n").out
    assert "ok 1/3  LAMP Green lamp  > bag 1" in out, out
    assert "ok 3/3  2 x LAMP Green lamp  > bag 2" in out, out


def test_document_that_was_cancelled_meanwhile_does_not_stop_the_others():
    first = accepted("1013", "LAMP:1")
    second = accepted("1014", "VASE:1")
    terminal = state["floor"].terminal("pick", "--scan")
    terminal.expect("0/2 A-01 VASE> ")
    run("pickup", "cancel", first, env={"STOCKBOOK_WORKER": "anna"})
    for code in ("VASE", "LAMP", "done"):
        terminal.send(code)
    out = terminal.finish(expect=1)
    assert "bag 1 (1013) was not recorded" in out and "WRONG_STATUS" in out, out
    assert "NOT RECORDED" in out
    assert status(second) == "PICKED"


def test_terminal_prompts_with_the_next_shelf_and_beeps_at_a_wrong_scan():
    pickup = accepted("1015", "VASE:1", "LAMP:2")
    terminal = state["floor"].terminal("pick", "--scan")
    terminal.expect("0/3 A-01 VASE> ")
    terminal.send("MUG")
    terminal.expect("!! WRONG: 'MUG' is not on this list (Red mug)")
    terminal.expect("0/3 A-01 VASE> ")
    terminal.send("VASE")
    terminal.expect("1/3 B-02 LAMP> ")
    terminal.send("2*LAMP")
    terminal.expect("3/3 say 'done'> ")
    terminal.send("done")
    terminal.finish()
    assert "\a\033[1;31m!! WRONG" in terminal.raw, terminal.raw
    assert "\033[1;32mok\033[0m" in terminal.raw
    assert status(pickup) == "PICKED"


def test_terminal_asks_what_is_to_become_of_the_rest():
    pickup = accepted("1016", "LAMP:3")
    terminal = state["floor"].terminal("pick", "--scan")
    terminal.expect("0/3 B-02 LAMP> ")
    terminal.send("LAMP")
    terminal.send("done")
    terminal.expect("2 were not scanned:\n[b]ack to scanning, [l]ater, [s]hort (b)? ")
    terminal.send("b")
    terminal.expect("1/3 B-02 LAMP> ")
    terminal.send("LAMP")
    terminal.send("done")
    terminal.expect("1 were not scanned:")
    terminal.send("what")
    terminal.expect("1 were not scanned:")
    terminal.send("short")
    terminal.expect("short goods:\n[r]e-source, [o]pen, [c]ancel, [t]ransfer (r)? ")
    terminal.send("c")
    out = terminal.finish()
    assert "CANCEL" in out
    shown = line(pickup, 1)
    assert (shown["picked"], shown["dropped"]) == (2, 1), shown
    run("recount", f"LAMP:{state['floor'].level('LAMP')['onHand']}")


def test_interrupted_picker_loses_nothing():
    pickup = accepted("1017", "LAMP:2", "VASE:1")
    terminal = state["floor"].terminal("pick", "--scan")
    terminal.expect("0/3 A-01 VASE> ")
    terminal.send("VASE")
    terminal.expect("1/3 B-02 LAMP> ")
    terminal.interrupt()
    out = terminal.finish(expect=130)
    assert "stopped: what was scanned is recorded, the rest is released" in out
    assert line(pickup, 2)["picked"] == 1 and line(pickup, 1)["toPick"] == 2
    assert {entry.get("claimedBy", "") for entry in work()} == {""}
    run("pick", "--done")


def test_closed_window_loses_nothing():
    pickup = accepted("1018", "LAMP:2")
    terminal = state["floor"].terminal("pick", "--scan")
    terminal.expect("0/2 B-02 LAMP> ")
    terminal.send("LAMP")
    terminal.expect("1/2 B-02 LAMP> ")
    terminal.hang_up()
    assert line(pickup, 1)["picked"] == 1
    run("pick", "--done")


def test_server_that_does_not_answer_loses_nothing():
    pickup = accepted("1020", "LAMP:2")
    server = state["floor"].server
    terminal = state["floor"].terminal("pick", "--scan", "--deadline", "1s")
    terminal.expect("0/2 B-02 LAMP> ")
    terminal.send("2*LAMP")
    terminal.expect("2/2 say 'done'> ")
    server.freeze()
    try:
        terminal.send("done")
        terminal.expect("no answer, and what was scanned is not recorded yet:")
        terminal.wait_for_prompt()
    finally:
        server.thaw()
    server.wait_until_serving()
    terminal.send("t")
    terminal.finish()
    assert status(pickup) == "PICKED" and line(pickup, 1)["picked"] == 2


def test_picker_who_gives_up_is_told_how_to_record_it_later():
    pickup = accepted("1021", "LAMP:2")
    server = state["floor"].server
    terminal = state["floor"].terminal("pick", "--scan", "--deadline", "1s", columns=250)
    terminal.expect("0/2 B-02 LAMP> ")
    terminal.send("LAMP")
    terminal.send("done")
    terminal.expect("1 were not scanned:")
    terminal.wait_for_prompt()
    server.freeze()
    try:
        terminal.send("later")
        terminal.expect("no answer")
        terminal.wait_for_prompt()
        terminal.send("give up")
        out = terminal.finish(expect=3)
    finally:
        server.thaw()
    server.wait_until_serving()
    command = out.split("when it answers again: stockbook ")[1].splitlines()[0].split()
    assert command[:4] == ["pickup", "pick", pickup, "1:1"], command
    run(*command)
    run(*command)
    assert line(pickup, 1)["picked"] == 1
    run("pick", "--done")


def test_narrow_terminal_shows_the_walk_without_cutting():
    accepted("1019", "LAMP:2", "VASE:1", "MUG:1")
    out = state["floor"].terminal("pick", columns=50).finish()
    assert all(len(row) <= 50 for row in out.splitlines() if not row.startswith("next:")), out
    for word in ("A-01", "B-02", "C-03", "Green lamp", "1019"):
        assert word in out, out
    run("work", "release")


def test_wrong_usage_says_what_to_do():
    for arguments, env, words in (
            (["pick"], {"STOCKBOOK_LOCATION": ""}, "export STOCKBOOK_LOCATION"),
            (["pick"], {"STOCKBOOK_WORKER": ""}, "export STOCKBOOK_WORKER"),
            (["pick", "--remedy", "magic"], {}, "'magic' is not one of OPEN, RE_SOURCE"),
            (["pick", "--rest", "gone"], {}, "neither later nor short")):
        assert words in run(*arguments, env=env, expect=2).err, arguments
    assert "nothing to pick" in run("pick", "no-such", expect=1).err


def test_the_book_is_right_after_all_that():
    state["floor"].prove()


if __name__ == "__main__":
    tap.main()
