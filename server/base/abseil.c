#include "base/abseil.h"

#include <dlfcn.h>
#include <stddef.h>

/* absl::SetMutexDeadlockDetectionMode(), which C cannot call by its name, as Debian 12 has it. */
#define SET_MODE "_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE"
#define MODE_IGNORE 0

void abseil_skip_deadlock_checks(void)
{
	void (*set_mode)(int mode) = NULL;
	*(void **)(void *)&set_mode = dlsym(RTLD_DEFAULT, SET_MODE);
	if (set_mode)
		set_mode(MODE_IGNORE);
}
