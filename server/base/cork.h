/*
 * Cork: what this thread sends between cork_begin() and cork_end() leaves in few pieces, at
 * cork_flush().
 *
 * gRPC makes a system call of each message of each call, and with it TCP makes a packet, for which
 * the other side may wake up: about half of what a small call costs. It offers no way to send the
 * answers of many calls together. So sendmsg(), through which all that it sends goes, is taken over
 * here: corked, it tells the kernel that more will follow.
 *
 * A thread's own affair: other threads send as ever. Nobody waits for anything while he corks, nor
 * lets gRPC wait, which may send before it does: what is held back would stay for 200 ms.
 */
#ifndef STOCKBOOK_BASE_CORK_H
#define STOCKBOOK_BASE_CORK_H

/* May be nested; each begin has its end. */
void cork_begin(void);
/* The outermost flushes. */
void cork_end(void);
/* Sends what is held back. */
void cork_flush(void);

#endif
