/* SQLSTATE to fault: the one place that knows. Codes are in PostgreSQL's manual, appendix A. */
#include "db/fault.h"

#include <string.h>

const char *fault_kind_name(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_NONE:
		return "none";
	case FAULT_DOWN:
		return "down";
	case FAULT_LOST:
		return "lost";
	case FAULT_DEADLINE:
		return "deadline";
	case FAULT_RETRY:
		return "retry";
	case FAULT_CONSTRAINT:
		return "constraint";
	case FAULT_BUG:
		return "bug";
	}
	return "unknown";
}

static bool is_one_of(const char *sqlstate, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp(sqlstate, list[i], strlen(list[i])) == 0)
			return true;
	return false;
}

/* States after which the transaction is surely rolled back and the same batch may succeed. */
static const char *const retried[] = {
	"40001", /* serialization failure */
	"40P01", /* deadlock */
	"55P03", /* lock not available, lock_timeout */
	"53",    /* out of disk, memory, connections */
	"25006", /* read-only transaction: a primary that was demoted */
	"26000", /* a prepared statement that the server does not know */
	"0A000", /* cached plan must not change result type: a table was altered under us */
};

/* The session ended with these: whether a COMMIT before it was carried out is not known. */
static const char *const lost[] = {
	"57P01", /* admin shutdown, pg_terminate_backend */
	"57P02", /* crash shutdown */
	"57P03", /* cannot connect now */
	"57P05", /* idle session timeout */
	"25P03", /* idle in transaction timeout */
	"08",    /* connection exceptions */
	"40003", /* statement completion unknown */
	"57014", /* query cancelled by someone: a COMMIT may have been on its way */
};

static const char *const spoiling[] = {"25006", "26000", "0A000", "57P", "25P03", "08", "57014"};

enum fault_kind fault_from_sqlstate(const char *sqlstate)
{
	if (!sqlstate || !*sqlstate || is_one_of(sqlstate, lost, ARRAY_COUNT(lost)))
		return FAULT_LOST;
	if (is_one_of(sqlstate, retried, ARRAY_COUNT(retried)))
		return FAULT_RETRY;
	return strncmp(sqlstate, "23", 2) == 0 ? FAULT_CONSTRAINT : FAULT_BUG;
}

bool fault_spoils_session(const char *sqlstate)
{
	return sqlstate && is_one_of(sqlstate, spoiling, ARRAY_COUNT(spoiling));
}
