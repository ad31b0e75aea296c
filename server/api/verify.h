/* The proof of the book as a stream: the answer of LedgerService/Verify. */
#ifndef STOCKBOOK_API_VERIFY_H
#define STOCKBOOK_API_VERIFY_H

struct api_call;

void verify_answer(struct api_call *call);

#endif
