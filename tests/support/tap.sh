# Tests in bash, told as TAP. Source it, then:
#
#   check "two files are equal" cmp a b      passes when the command succeeds
#   refuse "a broken file" tool broken       passes when the command fails
#   skip "the year's file" "not there"
#   finish                                   last line of the file
#
# What a command prints is shown when its test fails, and is in $output afterwards.
tap_number=0
tap_failed=0
output=

tap_result() {
	tap_number=$((tap_number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_number - $2"
	else
		tap_failed=$((tap_failed + 1))
		printf '%s\n' "$output" | sed 's/^/# /'
		echo "not ok $tap_number - $2"
	fi
}

check() {
	local title=$1 status=0
	shift
	output=$("$@" 2>&1) || status=$?
	[ "$status" = 0 ] || output="$output
(status $status of: $*)"
	tap_result "$status" "$title"
}

refuse() {
	local title=$1 status=0
	shift
	output=$("$@" 2>&1) || status=$?
	if [ "$status" = 0 ]; then
		output="$output
(succeeded, but should not: $*)"
		tap_result 1 "$title"
	else
		tap_result 0 "$title"
	fi
}

# says TITLE TEXT: the output of the command before holds the text.
says() {
	case "$output" in
	*"$2"*) tap_result 0 "$1" ;;
	*) tap_result 1 "$1 (expected: $2)" ;;
	esac
}

skip() {
	tap_number=$((tap_number + 1))
	echo "ok $tap_number - $1 # SKIP $2"
}

finish() {
	echo "1..$tap_number"
	[ "$tap_failed" = 0 ]
	exit
}
