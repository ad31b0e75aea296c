#include "engine/following.h"

static bool pays(const struct following *following, const struct following_window *window)
{
	int64_t events = window->followed_anyway ? 0 : window->events;
	return window->reads >= following->reads_min / 4 &&
		   window->confirmed * FOLLOWING_EVENTS_OF_A_READ >= events;
}

static bool gets_better(struct following *following, const struct following_window *window)
{
	if (window->confirmed <= following->most)
		return false;
	following->most = window->confirmed;
	return true;
}

static void end(struct following *following, bool for_want_of_reads)
{
	following->follows = false;
	if (for_want_of_reads)
		return;
	uint32_t length = following->pause_length > 0 ? 2 * following->pause_length : 2;
	if (length > FOLLOWING_PAUSE_WINDOWS_MAX)
		length = FOLLOWING_PAUSE_WINDOWS_MAX;
	following->pause = following->pause_length = length;
}

bool following_decide(struct following *following, const struct following_window *window)
{
	if (following->follows) {
		following->windows++;
		bool better = gets_better(following, window);
		if (pays(following, window)) {
			following->lean = 0;
			following->pause_length /= 2;
		} else if (better) {
			following->lean = 0;
		} else if (++following->lean >= FOLLOWING_LEAN_WINDOWS &&
				   following->windows >= FOLLOWING_TRIAL_WINDOWS) {
			end(following, window->reads < following->reads_min / 4);
		}
	} else if (following->pause > 0) {
		following->pause--;
	} else if (window->reads >= following->reads_min) {
		following->follows = true;
		following->windows = following->lean = 0;
		following->most = 0;
	}
	return following->follows;
}
