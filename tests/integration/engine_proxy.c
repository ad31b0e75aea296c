#include "engine_proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/database.h"

#define SOCKET_NAME ".s.PGSQL.5432"

struct proxy_link {
	struct proxy *proxy;
	struct proxy_link *next;
	uv_pipe_t client;
	uv_pipe_t server;
	uv_connect_t connect;
	bool doomed; /* ends with the COMMIT's answer */
	bool closing;
	int open;
};

struct passing {
	uv_write_t write;
	char bytes[];
};

static void on_link_closed(uv_handle_t *handle)
{
	struct proxy_link *link = handle->data;
	if (--link->open == 0)
		free(link);
}

static void link_close(struct proxy_link *link)
{
	if (link->closing)
		return;
	link->closing = true;
	for (struct proxy_link **at = &link->proxy->links; *at; at = &(*at)->next)
		if (*at == link) {
			*at = link->next;
			break;
		}
	uv_close((uv_handle_t *)&link->client, on_link_closed);
	uv_close((uv_handle_t *)&link->server, on_link_closed);
}

static void on_passed(uv_write_t *write, int status)
{
	(void)status;
	free(write->data);
}

static void pass_on(uv_pipe_t *to, const char *bytes, size_t size)
{
	struct passing *passing = malloc(sizeof(*passing) + size);
	assert_non_null(passing);
	memcpy(passing->bytes, bytes, size);
	passing->write.data = passing;
	uv_buf_t buffer = uv_buf_init(passing->bytes, (unsigned)size);
	if (uv_write(&passing->write, (uv_stream_t *)to, &buffer, 1, on_passed) != 0)
		free(passing);
}

static void allocate(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
	(void)handle;
	*buffer = uv_buf_init(malloc(size), (unsigned)size);
}

static bool contains(const char *bytes, size_t size, const char *pattern, size_t pattern_size)
{
	for (size_t i = 0; i + pattern_size <= size; i++)
		if (memcmp(bytes + i, pattern, pattern_size) == 0)
			return true;
	return false;
}

static void from_client(struct proxy_link *link, const char *bytes, size_t size)
{
	struct proxy *proxy = link->proxy;
	static const char bind[] = "\0commit"; /* portal "", statement "commit" */
	if (proxy->frozen)
		return;
	if (contains(bytes, size, bind, sizeof(bind))) {
		if (proxy->drop_commits > 0) {
			proxy->drop_commits--;
			proxy->dropped++;
			link_close(link);
			return;
		}
		if (proxy->swallow_commits > 0) {
			proxy->swallow_commits--;
			link->doomed = true;
		}
	}
	pass_on(&link->server, bytes, size);
}

static void from_server(struct proxy_link *link, const char *bytes, size_t size)
{
	static const char complete[] = "COMMIT";
	/* What was decided from memory did not hold: there is no COMMIT in this answer. */
	static const char in_vain[] = "division by zero";
	if (link->proxy->frozen)
		return;
	bool vain = (link->doomed || link->proxy->refuse_hopes > 0) &&
				contains(bytes, size, in_vain, sizeof(in_vain));
	if (link->doomed && vain) {
		link->doomed = false;
		link->proxy->swallow_commits++;
	}
	if (vain && link->proxy->refuse_hopes > 0) {
		link->proxy->refuse_hopes--;
		pass_on(&link->client, bytes, size);
		link_close(link);
		return;
	}
	if (!link->doomed) {
		pass_on(&link->client, bytes, size);
	} else if (contains(bytes, size, complete, sizeof(complete))) {
		link->proxy->swallowed++;
		link_close(link);
	}
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
	struct proxy_link *link = stream->data;
	if (size < 0)
		link_close(link);
	else if (size > 0 && stream == (uv_stream_t *)&link->client)
		from_client(link, buffer->base, (size_t)size);
	else if (size > 0)
		from_server(link, buffer->base, (size_t)size);
	free(buffer->base);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct proxy_link *link = connect->data;
	if (link->closing)
		return;
	if (status != 0) {
		link_close(link);
		return;
	}
	uv_read_start((uv_stream_t *)&link->client, allocate, on_read);
	uv_read_start((uv_stream_t *)&link->server, allocate, on_read);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct proxy *proxy = listener->data;
	assert_int_equal(status, 0);
	struct proxy_link *link = calloc(1, sizeof(*link));
	assert_non_null(link);
	link->proxy = proxy;
	link->open = 2;
	uv_pipe_init(proxy->loop, &link->client, 0);
	uv_pipe_init(proxy->loop, &link->server, 0);
	link->client.data = link->server.data = link->connect.data = link;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&link->client), 0);
	link->next = proxy->links;
	proxy->links = link;
	uv_pipe_connect(&link->connect, &link->server, proxy->upstream, on_connected);
}

void proxy_listen(struct proxy *proxy)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/" SOCKET_NAME, proxy->directory);
	remove(path);
	proxy->listener = malloc(sizeof(*proxy->listener));
	assert_non_null(proxy->listener);
	uv_pipe_init(proxy->loop, proxy->listener, 0);
	proxy->listener->data = proxy;
	assert_int_equal(uv_pipe_bind(proxy->listener, path), 0);
	assert_int_equal(uv_listen((uv_stream_t *)proxy->listener, 64, on_connection), 0);
}

void proxy_open(struct proxy *proxy, uv_loop_t *loop, const char *upstream)
{
	*proxy = (struct proxy){.loop = loop};
	snprintf(proxy->directory, sizeof(proxy->directory), "%s", test_directory());
	snprintf(proxy->upstream, sizeof(proxy->upstream), "%s/" SOCKET_NAME, upstream);
	proxy_listen(proxy);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

void proxy_shut(struct proxy *proxy)
{
	if (proxy->listener)
		uv_close((uv_handle_t *)proxy->listener, free_handle);
	proxy->listener = NULL;
	while (proxy->links)
		link_close(proxy->links);
}
