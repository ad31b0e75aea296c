/* Log lines as they leave: text, JSON, foreign bytes, too much of it, and the request's tag. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "observe/log.h"
#include "observe/metrics.h"

static int ends[2];
static char text[2 * LOG_LINE_BYTES_MAX];

static const char *line(void)
{
	ssize_t size = read(ends[0], text, sizeof(text) - 1);
	assert_true(size > 0);
	text[size] = '\0';
	assert_int_equal(text[size - 1], '\n');
	return text;
}

static json_t *json_line(void)
{
	json_error_t error;
	json_t *root = json_loads(line(), JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s: %s", error.text, text);
	return root;
}

static const char *member(json_t *root, const char *name)
{
	return json_string_value(json_object_get(root, name));
}

static void text_lines_name_their_fields(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("connection is ready", log_text("connection", "lane 0"), log_text("role", "service"),
		log_text("none", NULL), log_integer("attempts", -3), log_number("share", 0.25),
		log_flag("first", true), log_text("empty", ""));
	assert_non_null(strstr(line(), " INFO  connection is ready connection=\"lane 0\" role=service "
								   "attempts=-3 share=0.25 first=true empty=\"\"\n"));
	assert_null(strstr(text, "\033"));
	log_info("first\nsecond\tcolumn\n");
	assert_non_null(strstr(line(), " first\n    second\\tcolumn\n"));
}

static void json_lines_are_json(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_warning("a \"quote\"\n", log_text("path", "C:\\x\t\001"), log_integer("n", INT64_MAX),
		log_number("infinite", 1e308 * 10), log_flag("no", false), log_text("name", "größe"));
	json_t *root = json_line();
	assert_string_equal(member(root, "level"), "warning");
	assert_string_equal(member(root, "message"), "a \"quote\"\n");
	assert_string_equal(member(root, "path"), "C:\\x\t\001");
	assert_string_equal(member(root, "name"), "größe");
	assert_true(json_integer_value(json_object_get(root, "n")) == INT64_MAX);
	assert_true(json_is_null(json_object_get(root, "infinite")));
	assert_true(json_is_false(json_object_get(root, "no")));
	assert_int_equal(strlen(member(root, "time")), strlen("2026-11-21T22:20:32.123456Z"));
	json_decref(root);
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_info("x",
		log_text("latin", "gr\xf6\xdf"
						  "e"),
		log_text("overlong", "\xc0\xaf"), log_text("surrogate", "\xed\xa0\x80"),
		log_text("cut", "\xe2\x82"));
	json_t *root = json_line();
	assert_string_equal(member(root, "latin"), "gr\xef\xbf\xbd\xef\xbf\xbd"
											   "e");
	assert_string_equal(member(root, "cut"), "\xef\xbf\xbd\xef\xbf\xbd");
	json_decref(root);
}

static void too_long_a_line_is_cut_and_still_json(void **state)
{
	(void)state;
	static char long_text[3 * LOG_LINE_BYTES_MAX];
	memset(long_text, '"', sizeof(long_text) - 1);
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_info(long_text, log_text("after", "lost"));
	json_t *root = json_line();
	assert_true(strlen(member(root, "message")) > LOG_LINE_BYTES_MAX / 3);
	assert_null(json_object_get(root, "after"));
	json_decref(root);
	assert_true(strlen(text) <= LOG_LINE_BYTES_MAX);
	log_info("m", log_text("before", "kept"), log_text("long", long_text), log_integer("n", 1));
	root = json_line();
	assert_string_equal(member(root, "before"), "kept");
	assert_null(json_object_get(root, "long"));
	assert_true(json_is_true(json_object_get(root, "cut")));
	json_decref(root);
	assert_true(strlen(text) <= LOG_LINE_BYTES_MAX);
	log_open(ends[1], LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("m", log_text("long", long_text));
	assert_non_null(strstr(line(), " ...\n"));
	assert_true(strlen(text) <= LOG_LINE_BYTES_MAX);
}

static void lines_carry_the_request_of_their_thread(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_set_request("r-42");
	log_info("inside");
	json_t *root = json_line();
	assert_string_equal(member(root, "request"), "r-42");
	json_decref(root);
	log_set_request(NULL);
	log_info("outside");
	root = json_line();
	assert_null(json_object_get(root, "request"));
	json_decref(root);
}

static void levels_above_the_set_one_are_silent(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_JSON, LOG_LEVEL_WARNING);
	assert_false(log_enabled(LOG_LEVEL_INFO));
	log_info("not this");
	log_error("but this");
	json_t *root = json_line();
	assert_string_equal(member(root, "message"), "but this");
	json_decref(root);
}

static void what_is_no_terminal_gets_json(void **state)
{
	(void)state;
	log_open(ends[1], LOG_FORMAT_AUTO, LOG_LEVEL_INFO);
	log_info("x");
	json_decref(json_line());
}

static char *dump(void)
{
	char *written = NULL;
	size_t size;
	FILE *file = open_memstream(&written, &size);
	assert_non_null(file);
	metrics_dump(file);
	fclose(file);
	return written;
}

static void metrics_are_counted_once_per_name_and_labels(void **state)
{
	(void)state;
	struct metric *reserve = metric_counter("calls_total", "Calls", "method=\"Reserve\"");
	metric_set(metric_gauge("open", "Open", NULL), 7);
	struct metric *release = metric_counter("calls_total", "Calls", "method=\"Release\"");
	assert_ptr_equal(reserve, metric_counter("calls_total", "Calls", "method=\"Reserve\""));
	metric_add(reserve, 2);
	metric_add(release, 1);
	char *written = dump();
	assert_string_equal(written,
		"# HELP calls_total Calls\n# TYPE calls_total counter\n"
		"calls_total{method=\"Reserve\"} 2\ncalls_total{method=\"Release\"} 1\n"
		"# HELP open Open\n# TYPE open gauge\nopen 7\n");
	free(written);
	metrics_reset();
}

static void timings_fall_into_buckets(void **state)
{
	(void)state;
	struct metric *timing = metric_timing("trip_seconds", "Trips", NULL);
	for (int i = 0; i < 99; i++)
		metric_observe(timing, 150);
	metric_observe(timing, 90000000);
	assert_int_equal(metric_value(timing), 100);
	assert_int_equal(metric_quantile(timing, 0.5), 200);
	assert_true(metric_quantile(timing, 1) == INT64_MAX);
	char *written = dump();
	assert_non_null(strstr(written, "trip_seconds_bucket{le=\"0.0001\"} 0\n"));
	assert_non_null(strstr(written, "trip_seconds_bucket{le=\"0.0002\"} 99\n"));
	assert_non_null(strstr(written, "trip_seconds_bucket{le=\"+Inf\"} 100\n"));
	assert_non_null(strstr(written, "trip_seconds_sum 90.01485\n"));
	assert_non_null(strstr(written, "trip_seconds_count 100\n"));
	free(written);
	metrics_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines_name_their_fields),
		cmocka_unit_test(json_lines_are_json),
		cmocka_unit_test(bytes_that_are_no_text_are_replaced),
		cmocka_unit_test(too_long_a_line_is_cut_and_still_json),
		cmocka_unit_test(lines_carry_the_request_of_their_thread),
		cmocka_unit_test(levels_above_the_set_one_are_silent),
		cmocka_unit_test(what_is_no_terminal_gets_json),
		cmocka_unit_test(metrics_are_counted_once_per_name_and_labels),
		cmocka_unit_test(timings_fall_into_buckets),
	};
	if (pipe(ends) != 0)
		return 1;
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
