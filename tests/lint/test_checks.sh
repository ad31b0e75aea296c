# The checks of the sources find what they are there for, and the count of tests counts.
# shellcheck source=tests/support/tap.sh
. tests/support/tap.sh

lint=$STOCKBOOK_SOURCE_DIR/tests/lint
tally=$STOCKBOOK_SOURCE_DIR/tests/tally
top=$STOCKBOOK_TEST_DIR/checkout
mkdir -p "$top"/server/{base,book,db,api} "$top"/{tools/cli,include/stockbook}

write() {
	mkdir -p "$top/$(dirname "$1")"
	printf '%b' "$2" >"$top/$1"
}
# A file that breaks one rule, the check that must say so, and what it must say.
finds() {
	write "$3" "$4"
	refuse "$1" "$lint/$2" "$top"
	says "$1: the place" "$3:$5"
	rm "$top/$3"
}

write server/book/item.h '#ifndef STOCKBOOK_BOOK_ITEM_H\n#define STOCKBOOK_BOOK_ITEM_H\n#endif\n'
write server/book/item.c '#include "book/item.h"\n\n#include "base/arena.h" /* free() */\n'
write server/db/connection.c '#include <libpq-fe.h>\n#include "book/item.h"\n'
check "sources_in_order_pass" "$lint/layers" "$top"
check "sources_in_style_pass" "$lint/style" "$top"

finds "upward_include_is_found" layers server/book/a.c '\n#include "db/fault.h"\n' \
	"2: includes 'db/fault.h'"
finds "libpq_outside_of_db_is_found" layers server/api/a.c '#include <libpq-fe.h>\n' 1:
finds "grpc_outside_of_transport_is_found" layers server/api/a.c '#include <grpc/grpc.h>\n' 1:
finds "heap_in_the_book_is_found" layers server/book/a.c 'void f(void)\n{\n\tfree(p);\n}\n' \
	'3: calls free()'
finds "clock_in_the_book_is_found" layers server/book/a.c '#include <time.h>\n' 1:
finds "unbounded_copy_is_found" layers server/api/a.c 'void f(void)\n{\n\tstrcpy(a, b);\n}\n' \
	'3: calls strcpy()'
finds "server_header_in_a_tool_is_found" layers tools/cli/a.c '#include "engine/engine.h"\n' 1:
finds "unknown_layer_is_found" layers server/misc/a.c '\n' 1:
finds "long_file_is_found" style server/api/a.c "$(printf 'int a;\\n%.0s' {1..801})" \
	'1: has 801 lines'
finds "long_function_is_found" style server/api/a.c \
	"void f(void)\n{\n$(printf '\\ta++;\\n%.0s' {1..101})}\n" '1: f() has 104 lines'
finds "wrong_guard_is_found" style server/api/a.h '#ifndef A_H\n#define A_H\n#endif\n' 1:
finds "foreign_header_first_is_found" style server/book/item.c '#include <stdio.h>\n' 1:
finds "white_space_at_a_line_s_end_is_found" style server/api/a.c 'int a;\nint b; \n' 2:

# The count. Each case is a program, and what must be said of it.
results=$STOCKBOOK_TEST_DIR/results
counts() {
	local title=$1 expected=$2 status=0
	shift 2
	printf '%s\n' "$@" >"$STOCKBOOK_TEST_DIR/test_case.sh"
	"$tally/run" --name case --source "$STOCKBOOK_TEST_DIR/test_case.sh" --results "$results" \
		--build "$STOCKBOOK_BUILD_DIR" --timeout 2 -- bash "$STOCKBOOK_TEST_DIR/test_case.sh" \
		>/dev/null 2>&1 || status=$?
	output=$("$tally/sum" "$results" case)
	output="$output, status $status"
	says "$title" "$expected"
}
counts "passed_failed_and_skipped_are_counted" "1 passed, 1 failed, 1 skipped, status 1" \
	'echo 1..3; echo ok 1 - a; echo not ok 2 - b; echo "ok 3 - c # SKIP why"'
counts "failure_is_named" "failed: case: b c" 'echo 1..1; echo not ok 1 - b c'
counts "skip_is_named_with_its_reason" "skipped: case: c (no file)" \
	'echo 1..1; echo "ok 1 - c # SKIP no file"'
counts "cmocka_s_skip_is_no_failure" "1 passed, 0 failed, 1 skipped, status 0" \
	'echo 1..2; echo ok 1 - a; echo "not ok 2 # SKIP c"'
counts "nested_results_count_once" "1 passed, 0 failed, status 0" \
	'echo 1..1; echo "    ok 1 - inner"; echo ok 1 - outer'
counts "death_fails_what_did_not_run" "1 passed, 2 failed, status 1" \
	'echo 1..3; echo ok 1 - a; kill -ABRT $$'
counts "death_is_described" "died of SIGSEGV" 'echo 1..3; echo ok 1 - a; kill -SEGV $$'
counts "status_after_the_last_test_is_a_failure" "1 passed, 1 failed, status 1" \
	'echo 1..1; echo ok 1 - a; exit 23'
counts "silence_is_a_failure" "0 passed, 1 failed, status 1" 'true'
counts "status_77_skips_the_program" "skipped: case (not here)" 'echo not here; exit 77'
counts "endless_test_is_ended" "took too long" 'echo 1..1; sleep 60'
counts "left_over_process_does_not_hold_the_test_up" "1 passed, 0 failed, status 0" \
	'sleep 60 & echo 1..1; echo ok 1 - a'
rm -f "$results"/*
refuse "missing_result_is_a_failure" "$tally/sum" "$results" case
says "missing_result_is_counted" "0 passed, 1 failed"

finish
