/* Cork: what a thread sends leaves together, and only where that was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/tcp.h> /* for more of struct tcp_info than <netinet/tcp.h> has */
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/cork.h"

/* The kernel sends by itself what is held back for 200 ms, and this process may be held up: what
 * must happen is that it works once in so many trials. */
#define TRIALS 50

struct pair {
	int sends;
	int receives;
};

static void pair_open(struct pair *pair)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listens = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(listens >= 0 && bind(listens, (struct sockaddr *)&address, size) == 0);
	CHECK(listen(listens, 1) == 0 && getsockname(listens, (struct sockaddr *)&address, &size) == 0);
	pair->sends = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(pair->sends >= 0 && connect(pair->sends, (struct sockaddr *)&address, size) == 0);
	pair->receives = accept(listens, NULL, NULL);
	CHECK(pair->receives >= 0);
	const int on = 1; /* as gRPC has it */
	CHECK(setsockopt(pair->sends, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	close(listens);
}

static void pair_close(struct pair *pair)
{
	close(pair->sends);
	close(pair->receives);
}

static void send_letter(int socket, char letter)
{
	struct iovec piece = {.iov_base = &letter, .iov_len = 1};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
	assert_int_equal(sendmsg(socket, &message, MSG_NOSIGNAL), 1);
}

static uint32_t packets_sent(const struct pair *pair)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	CHECK(getsockopt(pair->sends, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
	return info.tcpi_segs_out;
}

static void expect_text(const struct pair *pair, const char *text, size_t size)
{
	char got[16];
	CHECK(size <= sizeof(got));
	assert_int_equal(recv(pair->receives, got, size, MSG_WAITALL), size);
	assert_memory_equal(got, text, size);
}

static void what_is_sent_waits_for_the_flush_and_leaves_in_one_packet(void **state)
{
	(void)state;
	struct pair pair;
	pair_open(&pair);
	bool once = false;
	cork_begin();
	for (int i = 0; i < TRIALS && !once; i++) {
		uint32_t before = packets_sent(&pair);
		send_letter(pair.sends, 'a');
		send_letter(pair.sends, 'b');
		send_letter(pair.sends, 'c');
		bool waits = packets_sent(&pair) == before;
		cork_flush();
		once = waits && packets_sent(&pair) == before + 1;
		expect_text(&pair, "abc", 3);
	}
	cork_end();
	assert_true(once);
	pair_close(&pair);
}

static void the_outermost_end_flushes(void **state)
{
	(void)state;
	struct pair pair;
	pair_open(&pair);
	bool once = false;
	for (int i = 0; i < TRIALS && !once; i++) {
		cork_begin();
		cork_begin();
		uint32_t before = packets_sent(&pair);
		send_letter(pair.sends, 'a');
		cork_end();
		send_letter(pair.sends, 'b');
		once = packets_sent(&pair) == before;
		cork_end();
		once = once && packets_sent(&pair) == before + 1;
		expect_text(&pair, "ab", 2);
	}
	assert_true(once);
	pair_close(&pair);
}

static void outside_of_it_each_message_leaves_at_once(void **state)
{
	(void)state;
	struct pair pair;
	pair_open(&pair);
	uint32_t before = packets_sent(&pair);
	send_letter(pair.sends, 'a');
	assert_true(packets_sent(&pair) > before);
	before = packets_sent(&pair);
	send_letter(pair.sends, 'b');
	assert_true(packets_sent(&pair) > before);
	expect_text(&pair, "ab", 2);
	pair_close(&pair);
}

static void *send_from_another_thread(void *data)
{
	send_letter(((struct pair *)data)->sends, 'a');
	return NULL;
}

static void another_thread_sends_as_ever(void **state)
{
	(void)state;
	struct pair pair;
	pthread_t thread;
	pair_open(&pair);
	cork_begin();
	uint32_t before = packets_sent(&pair);
	CHECK(pthread_create(&thread, NULL, send_from_another_thread, &pair) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	assert_true(packets_sent(&pair) > before);
	cork_end();
	expect_text(&pair, "a", 1);
	pair_close(&pair);
}

static void sockets_that_are_gone_or_no_tcp_do_no_harm(void **state)
{
	(void)state;
	int unix_pair[2];
	struct pair pair;
	pair_open(&pair);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, unix_pair) == 0);
	cork_begin();
	send_letter(pair.sends, 'a');
	pair_close(&pair);
	send_letter(unix_pair[0], 'b');
	char got = 0;
	assert_int_equal(recv(unix_pair[1], &got, 1, 0), 1);
	assert_int_equal(got, 'b');
	cork_end();
	close(unix_pair[0]);
	close(unix_pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_waits_for_the_flush_and_leaves_in_one_packet),
		cmocka_unit_test(the_outermost_end_flushes),
		cmocka_unit_test(outside_of_it_each_message_leaves_at_once),
		cmocka_unit_test(another_thread_sends_as_ever),
		cmocka_unit_test(sockets_that_are_gone_or_no_tcp_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
