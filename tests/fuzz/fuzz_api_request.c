/* The fuzzer of requests; see api_request.h. */
#include "fuzz/api_request.h"

/* Fuzzers are programs of one file, and a test runs the same over a fixed corpus. */
#include "fuzz/api_request.c" /* NOLINT(bugprone-suspicious-include) */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	api_request_open();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct api_request_counts counts;
	api_request_run(data, size, &counts);
	return 0;
}

/* Bytes alone seldom become a request: every eighth is made anew by the method's descriptor. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
	if (seed % 8 == 0)
		return api_request_make(seed, data, size_max);
	return LLVMFuzzerMutate(data, size, size_max);
}
