#!/usr/bin/env bash
# The demo trade: loads, loads again without doing anything twice, and what it says to try works.
set -u
source "$STOCKBOOK_SOURCE_DIR/tests/support/tap.sh"

address=127.0.0.1:$STOCKBOOK_TEST_PORT
load=$STOCKBOOK_SOURCE_DIR/tools/demo/load
book() {
	"$STOCKBOOK_CLI" --server "$address" "$@"
}

"$STOCKBOOKD" --embedded "$STOCKBOOK_TEST_DIR/book" --listen "$address" \
	>"$STOCKBOOK_TEST_DIR/log" 2>&1 &
server=$!
trap 'kill -KILL $server 2>/dev/null' EXIT
for ((i = 0; i < 900; i++)); do
	book --deadline 1s server info >/dev/null 2>&1 && break
	kill -0 $server 2>/dev/null || break
	sleep 0.1
done

stock() {
	book stock show --location "$1" --output csv
}

check "the demo trade loads" "$load" "$STOCKBOOK_CLI" "$address"
says "it says so" "the demo trade is loaded"
stock SELBY >"$STOCKBOOK_TEST_DIR/before"
check "it loads again" "$load" "$STOCKBOOK_CLI" "$address"
says "and finds that it is there" "already"
stock SELBY >"$STOCKBOOK_TEST_DIR/after"
check "nothing was done twice" cmp "$STOCKBOOK_TEST_DIR/before" "$STOCKBOOK_TEST_DIR/after"
check "there is something in the warehouse" test "$(wc -l <"$STOCKBOOK_TEST_DIR/after")" -gt 50

mapfile -t commands < <("$load" "$STOCKBOOK_CLI" "$address" | sed -n 's/^  \([^ ].*\)/\1/p')
check "it says what to try" test "${#commands[@]}" -ge 5
for command in "${commands[@]}"; do
	title="works when pasted: stockbook ${command#* --server * }"
	case "$command" in
	*5000*)
		refuse "refused as it should be: ${command#* --server * }" bash -c "$command"
		says "it is out of stock" OUT_OF_STOCK
		;;
	*)
		check "$title" bash -c "$command"
		;;
	esac
done
check "a barcode finds its item" book item show 2000000041001
says "by its name" "Stoneware mug, sea blue"
check "a sale of promised goods is a shortage" book stock shortages
says "of the kite" KITE-RED
check "the book is proven" book verify
says "and says so" "the book is right"

kill -TERM $server
wait $server
status=$?
check "the server ends well" test "$status" = 0
refuse "no sanitizer complained" grep -E 'Sanitizer|runtime error:' "$STOCKBOOK_TEST_DIR/log"
finish
