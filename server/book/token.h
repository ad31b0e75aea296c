/* Tokens: the calls of their service, and what the API itself asks about them. */
#ifndef STOCKBOOK_BOOK_TOKEN_H
#define STOCKBOOK_BOOK_TOKEN_H

#include "book/run.h"

#define TOKEN_HASH_SIZE 32 /* SHA-256 */

/* "TokenService/CreateToken" takes a StoreTokenRequest (stockbook/internal/v1/token.proto);
 * "Internal/FindToken" and "Internal/FindAdmin" are no RPCs. */
extern const struct operation token_operations[];

#endif
