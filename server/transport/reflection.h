/*
 * grpc.reflection.v1 and v1alpha: the API described to clients that have no proto files. The two
 * versions have the same messages but for their package, so one code answers both.
 */
#ifndef STOCKBOOK_TRANSPORT_REFLECTION_H
#define STOCKBOOK_TRANSPORT_REFLECTION_H

struct transport_call;

/* Takes a new ServerReflectionInfo stream. */
void reflection_open(struct transport_call *call);

#endif
