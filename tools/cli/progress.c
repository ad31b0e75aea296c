#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 24

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, const char *title, const char *unit)
{
	*progress = (struct progress){
		.title = title, .unit = unit, .started_ms = now_ms(), .on = isatty(STDERR_FILENO)};
}

const char *grouped(int64_t number, char buffer[32])
{
	char digits[32];
	snprintf(digits, sizeof(digits), "%" PRId64, number);
	size_t length = strlen(digits);
	char *out = buffer;
	for (size_t i = 0; i < length; i++) {
		*out++ = digits[i];
		if ((length - i) % 3 == 1 && i + 1 < length && digits[i] != '-')
			*out++ = ',';
	}
	*out = '\0';
	return buffer;
}

double progress_seconds(const struct progress *progress)
{
	return (double)(now_ms() - progress->started_ms) / 1000;
}

static int terminal_width(void)
{
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return 80;
}

void progress_show(struct progress *progress, int64_t part, int64_t whole, int64_t done)
{
	int64_t now = now_ms();
	if (!progress->on || now - progress->drawn_ms < 100)
		return;
	progress->drawn_ms = now;
	double seconds = progress_seconds(progress);
	double rate = seconds > 0 ? (double)done / seconds : 0;
	char line[256], number[32], number_2[32];
	int used = snprintf(line, sizeof(line), "%s ", progress->title);
	if (whole > 0) {
		double share = (double)part / (double)whole;
		int full = (int)(share * BAR_WIDTH);
		full = full > BAR_WIDTH ? BAR_WIDTH : full;
		used += snprintf(line + used, sizeof(line) - (size_t)used, "[%.*s%.*s] %3.0f%%  ", full,
			"########################", BAR_WIDTH - full, "........................", share * 100);
		double left = share > 0 ? seconds / share - seconds : 0;
		used += snprintf(line + used, sizeof(line) - (size_t)used, "%d:%02d left  ", (int)left / 60,
			(int)left % 60);
	}
	snprintf(line + used, sizeof(line) - (size_t)used, "%s %s  %s/s", grouped(done, number),
		progress->unit, grouped((int64_t)rate, number_2));
	fprintf(stderr, "\r\033[K%.*s", terminal_width() - 1, line);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->on)
		fputs("\r\033[K", stderr);
	progress->on = 0;
}
