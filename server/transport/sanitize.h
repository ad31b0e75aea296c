/*
 * What ThreadSanitizer cannot see inside the uninstrumented gRPC library: a batch that was started
 * happens before its tag comes out of the completion queue. Nothing in an ordinary build.
 */
#ifndef STOCKBOOK_TRANSPORT_SANITIZE_H
#define STOCKBOOK_TRANSPORT_SANITIZE_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STOCKBOOK_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define STOCKBOOK_TSAN 1
#endif

#ifdef STOCKBOOK_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define tag_release(tag) __tsan_release(tag)
#define tag_acquire(tag) __tsan_acquire(tag)
#else
#define tag_release(tag) ((void)(tag))
#define tag_acquire(tag) ((void)(tag))
#endif

#endif
