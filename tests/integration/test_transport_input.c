/*
 * What no client library sends: connections that break off, are cut in the middle of a frame, or
 * speak nonsense. The server must drop them, hand nothing of it to the API, and go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <grpc/grpc.h>
#include <grpc/status.h>

#include "integration/grpc_client.h"
#include "integration/transport_server.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS "\0\0\0\x4\0\0\0\0\0"
#define CLOSE_WAIT_S 10
#define BEFORE_HANGUP_MS 10

static struct transport_server server;
static struct grpc_client client;

struct bytes {
	unsigned char data[1024];
	size_t size;
};

static void add(struct bytes *bytes, const void *data, size_t size)
{
	assert_true(bytes->size + size <= sizeof(bytes->data));
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

/* A header that is not indexed, in plain characters. */
static void add_header(struct bytes *bytes, const char *name, const char *value)
{
	unsigned char name_size = (unsigned char)strlen(name);
	unsigned char value_size = (unsigned char)strlen(value);
	add(bytes, "", 1);
	add(bytes, &name_size, 1);
	add(bytes, name, name_size);
	add(bytes, &value_size, 1);
	add(bytes, value, value_size);
}

static void add_frame(struct bytes *bytes, int type, int flags, const struct bytes *payload,
	size_t claimed)
{
	unsigned char head[9] = {(unsigned char)(claimed >> 16), (unsigned char)(claimed >> 8),
		(unsigned char)claimed, (unsigned char)type, (unsigned char)flags, 0, 0, 0, 1};
	add(bytes, head, sizeof(head));
	add(bytes, payload->data, payload->size);
}

static struct bytes opening(void)
{
	struct bytes bytes = {.size = 0};
	add(&bytes, PREFACE, sizeof(PREFACE) - 1);
	add(&bytes, SETTINGS, sizeof(SETTINGS) - 1);
	return bytes;
}

static struct bytes headers_for(const char *method)
{
	struct bytes headers = {.size = 0};
	add_header(&headers, ":method", "POST");
	add_header(&headers, ":scheme", "http");
	add_header(&headers, ":path", method);
	add_header(&headers, ":authority", "localhost");
	add_header(&headers, "te", "trailers");
	add_header(&headers, "content-type", "application/grpc");
	return headers;
}

static int connect_raw(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)transport_port(server.transport)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	struct timeval wait = {.tv_sec = CLOSE_WAIT_S};
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	return fd;
}

/* Sends, says that no more comes, and reads until the server closes or resets. */
static void send_and_hang_up(const struct bytes *bytes)
{
	int fd = connect_raw();
	unsigned char answer[4096];
	assert_int_equal(send(fd, bytes->data, bytes->size, MSG_NOSIGNAL), bytes->size);
	uv_sleep(BEFORE_HANGUP_MS); /* or the server sees the end before it looks at the rest */
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while (recv(fd, answer, sizeof(answer), 0) > 0)
		;
	close(fd);
}

static int start(void **state)
{
	(void)state;
	transport_server_start(&server, &(struct transport_settings){.message_bytes_max = 65536});
	grpc_client_open(&client, server.target, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	grpc_client_close(&client);
	transport_server_stop(&server);
	return 0;
}

static void assert_nothing_arrived_and_echo_works(void)
{
	uint8_t *answer;
	size_t size = 0;
	assert_int_equal(atomic_load(&server.api.handled), 0);
	assert_int_equal(grpc_client_unary(&client, METHOD_ECHO, "ok", 2, GRPC_CLIENT_WAIT_MS, &answer,
						 &size),
		GRPC_STATUS_OK);
	assert_int_equal(size, 2);
	free(answer);
	assert_true(transport_server_is_idle(&server));
}

/* ---- */

static void whole_request_made_by_hand_reaches_the_api(void **state)
{
	(void)state;
	/* That the frames of this file are right: or the tests below would prove nothing. */
	struct bytes headers = headers_for(METHOD_HOLD);
	struct bytes message = {.size = 0};
	struct bytes bytes = opening();
	add(&message,
		"\0\0\0\0\x3"
		"abc",
		8);
	add_frame(&bytes, 1, 4, &headers, headers.size);
	add_frame(&bytes, 0, 1, &message, message.size);
	int fd = connect_raw();
	assert_int_equal(send(fd, bytes.data, bytes.size, MSG_NOSIGNAL), bytes.size);
	while (atomic_load(&server.api.handled) == 0)
		uv_sleep(1);
	close(fd); /* and hanging up cancels it */
	assert_true(transport_server_is_idle(&server));
	assert_int_equal(atomic_load(&server.api.cancelled), 1);
}

static void connection_that_says_nothing_is_dropped(void **state)
{
	(void)state;
	send_and_hang_up(&(struct bytes){.size = 0});
	assert_nothing_arrived_and_echo_works();
}

static void nonsense_is_dropped(void **state)
{
	(void)state;
	struct bytes bytes = {.size = 0};
	add(&bytes, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", 35);
	send_and_hang_up(&bytes);
	bytes.size = 512;
	for (size_t i = 0; i < bytes.size; i++)
		bytes.data[i] = (unsigned char)(i * 167 + 13);
	send_and_hang_up(&bytes);
	struct bytes after_preface = opening();
	add(&after_preface, bytes.data, 256);
	send_and_hang_up(&after_preface);
	assert_nothing_arrived_and_echo_works();
}

static void connection_cut_anywhere_reaches_nobody(void **state)
{
	(void)state;
	struct bytes headers = headers_for(METHOD_ECHO);
	struct bytes message = {.size = 0};
	struct bytes whole = opening();
	add(&message,
		"\0\0\0\0\x3"
		"abc",
		8);
	add_frame(&whole, 1, 4, &headers, headers.size);
	add_frame(&whole, 0, 1, &message, message.size);
	for (size_t size = 1; size < whole.size; size += 3) {
		struct bytes cut = whole;
		cut.size = size;
		send_and_hang_up(&cut);
	}
	assert_nothing_arrived_and_echo_works();
}

static void message_shorter_than_it_says_reaches_nobody(void **state)
{
	(void)state;
	static const char *const methods[] = {METHOD_ECHO, METHOD_STREAM};
	for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
		struct bytes headers = headers_for(methods[i]);
		struct bytes message = {.size = 0};
		struct bytes bytes = opening();
		add(&message,
			"\0\0\0\0\x64"
			"abc",
			8); /* 100 bytes are promised */
		add_frame(&bytes, 1, 4, &headers, headers.size);
		add_frame(&bytes, 0, 1, &message, message.size);
		send_and_hang_up(&bytes);
	}
	assert_nothing_arrived_and_echo_works();
}

static void message_that_promises_gigabytes_is_refused(void **state)
{
	(void)state;
	struct bytes headers = headers_for(METHOD_ECHO);
	struct bytes message = {.size = 0};
	struct bytes bytes = opening();
	add(&message,
		"\0\x7f\xff\xff\xff"
		"abc",
		8);
	add_frame(&bytes, 1, 4, &headers, headers.size);
	add_frame(&bytes, 0, 0, &message, message.size);
	send_and_hang_up(&bytes);
	assert_nothing_arrived_and_echo_works();
}

static void compressed_message_is_refused(void **state)
{
	(void)state;
	/* One that would unpack to more than the limit must not even be tried. */
	struct bytes headers = headers_for(METHOD_ECHO);
	struct bytes message = {.size = 0};
	struct bytes bytes = opening();
	add_header(&headers, "grpc-encoding", "gzip");
	add(&message,
		"\x1\0\0\0\x3"
		"abc",
		8);
	add_frame(&bytes, 1, 4, &headers, headers.size);
	add_frame(&bytes, 0, 1, &message, message.size);
	send_and_hang_up(&bytes);
	assert_nothing_arrived_and_echo_works();
}

static void frame_larger_than_allowed_is_refused(void **state)
{
	(void)state;
	struct bytes nothing = {.size = 0};
	struct bytes bytes = opening();
	add_frame(&bytes, 0, 0, &nothing, 0xffffff);
	send_and_hang_up(&bytes);
	assert_nothing_arrived_and_echo_works();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(whole_request_made_by_hand_reaches_the_api),
		TEST(connection_that_says_nothing_is_dropped),
		TEST(nonsense_is_dropped),
		TEST(connection_cut_anywhere_reaches_nobody),
		TEST(message_shorter_than_it_says_reaches_nobody),
		TEST(message_that_promises_gigabytes_is_refused),
		TEST(compressed_message_is_refused),
		TEST(frame_larger_than_allowed_is_refused),
	};
	signal(SIGPIPE, SIG_IGN);
	grpc_init();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	grpc_shutdown();
	return failed;
}
