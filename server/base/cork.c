/* Cork: sendmsg() in the C library's place, and the sockets that hold something back. */
#include "base/cork.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/check.h"

/* Sockets that one thread sends on before it flushes; what is sent on others leaves at once. */
#define SOCKETS_MAX 64U

static _Thread_local struct {
	unsigned depth;
	unsigned count;
	int sockets[SOCKETS_MAX];
} cork;

typedef ssize_t sender(int socket, const struct msghdr *message, int flags);

void cork_begin(void)
{
	cork.depth++;
}

void cork_end(void)
{
	CHECK(cork.depth > 0);
	if (--cork.depth == 0)
		cork_flush();
}

void cork_flush(void)
{
	int saved = errno;
	while (cork.count > 0) {
		/* Fails where it is no TCP socket, or none any more: nothing was held back then. */
		const int off = 0;
		(void)setsockopt(cork.sockets[--cork.count], IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
	}
	errno = saved;
}

/* The last one is the likeliest. False: there is no room. */
static bool remember(int socket)
{
	for (unsigned i = cork.count; i-- > 0;)
		if (cork.sockets[i] == socket)
			return true;
	if (cork.count == SOCKETS_MAX)
		return false;
	cork.sockets[cork.count++] = socket;
	return true;
}

/* The one behind ours: the C library's, or a sanitizer's. */
static sender *next_sender(void)
{
	static _Atomic(sender *) known;
	sender *next = atomic_load_explicit(&known, memory_order_relaxed);
	if (!next) {
		*(void **)(void *)&next = dlsym(RTLD_NEXT, "sendmsg");
		CHECK(next != NULL);
		atomic_store_explicit(&known, next, memory_order_relaxed);
	}
	return next;
}

/* Weak: a program that has one of its own keeps it, and only loses what is gained here. */
__attribute__((weak)) ssize_t sendmsg(int socket, const struct msghdr *message, int flags)
{
	if (cork.depth > 0 && remember(socket))
		flags |= MSG_MORE;
	return next_sender()(socket, message, flags);
}
