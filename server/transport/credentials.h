/*
 * TLS: the server's certificate and, for mutual TLS, the authority that signs callers'. Read once
 * at start; what is wrong with the files is said in words.
 */
#ifndef STOCKBOOK_TRANSPORT_CREDENTIALS_H
#define STOCKBOOK_TRANSPORT_CREDENTIALS_H

#include <stddef.h>

#include <grpc/grpc.h>

#include "base/check.h"
#include "transport/transport.h"

/* Plaintext when no certificate is set. NULL: `error` says what is wrong. */
MUST_USE grpc_server_credentials *credentials_new(const struct transport_settings *settings,
	char *error, size_t error_size);

#endif
