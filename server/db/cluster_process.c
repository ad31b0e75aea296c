/* The embedded cluster: processes. Blocks; main thread, but for cluster_spawn(), also the loop's. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "db/cluster_private.h"
#include "observe/log.h"

#define LEFTOVER_FAST_MS 30000
#define LEFTOVER_IMMEDIATE_MS 10000

void cluster_sleep_ms(int64_t ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

/* Between fork and exec: nothing that allocates or locks, other threads may hold the locks. */
static void child_run(const struct cluster *cluster, const char *path, const char *const *arguments,
	int log, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* A Ctrl-C on the terminal is for the server, which stops PostgreSQL when it has drained. */
	setsid();
	const struct cluster_user *user = &cluster->user;
	if (user->changes && (setgroups((size_t)user->group_count, user->groups) != 0 ||
							 setgid(user->gid) != 0 || setuid(user->uid) != 0))
		_exit(126);
	/* After setuid, which forgets it. Fast shutdown when the server is killed. */
	prctl(PR_SET_PDEATHSIG, SIGINT);
	if (getppid() != parent)
		_exit(126);
	umask(077);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (chdir(cluster->directory) != 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 ||
		dup2(log, 2) < 0)
		_exit(126);
	execv(path, (char *const *)(uintptr_t)arguments);
	_exit(127);
}

pid_t cluster_spawn(struct cluster *cluster, const char *path, const char *const *arguments)
{
	int log = open(cluster->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return -1;
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		child_run(cluster, path, arguments, log, parent);
	close(log);
	return pid;
}

int cluster_run(struct cluster *cluster, const char *path, const char *const *arguments)
{
	pid_t pid = cluster_spawn(cluster, path, arguments);
	int status;
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool cluster_end_child(pid_t pid, int signal, int64_t timeout_ms)
{
	kill(pid, signal);
	for (int64_t waited_ms = 0; waited_ms <= timeout_ms; waited_ms += 10) {
		pid_t ended = waitpid(pid, NULL, WNOHANG);
		if (ended == pid || (ended < 0 && errno == ECHILD))
			return true;
		cluster_sleep_ms(10);
	}
	return false;
}

/* A pid in a file proves little: the process must work in our data folder, as postmasters do. */
static bool is_our_postmaster(const struct cluster *cluster, pid_t pid)
{
	struct stat ours, theirs;
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
	return stat(cluster->data, &ours) == 0 && stat(path, &theirs) == 0 &&
		   ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static const char *pid_file(struct cluster *cluster)
{
	return arena_printf(cluster->arena, "%s/postmaster.pid", cluster->data);
}

static pid_t leftover_pid(struct cluster *cluster)
{
	long pid = 0;
	FILE *file = fopen(pid_file(cluster), "re");
	if (!file)
		return 0;
	if (fscanf(file, "%ld", &pid) != 1)
		pid = 0;
	fclose(file);
	return pid > 1 && is_our_postmaster(cluster, (pid_t)pid) ? (pid_t)pid : 0;
}

/* PostgreSQL does not start while the process in its pid file lives, were it a zombie that nobody
 * waits for, or another program that got the number after a restart of the machine. We hold the
 * folder's lock and have looked: there is no postmaster. So the number is replaced by that of its
 * parent to be, which it ignores. The rest of the file stays: by it PostgreSQL sees whether
 * processes of the dead postmaster are still at work. */
static bool disarm_pid_file(struct cluster *cluster)
{
	char rest[4096];
	FILE *file = fopen(pid_file(cluster), "r+e");
	if (!file)
		return errno == ENOENT;
	(void)fscanf(file, "%*d");
	size_t size = fread(rest, 1, sizeof(rest), file);
	rewind(file);
	bool fine = ftruncate(fileno(file), 0) == 0 && fprintf(file, "%d", (int)getpid()) > 0 &&
				fwrite(rest, 1, size, file) == size;
	return fclose(file) == 0 && fine;
}

static bool end_stranger(struct cluster *cluster, pid_t pid, int signal, int64_t timeout_ms)
{
	kill(pid, signal);
	for (int64_t waited_ms = 0; waited_ms <= timeout_ms; waited_ms += 20) {
		if (kill(pid, 0) != 0 || !is_our_postmaster(cluster, pid))
			return true;
		cluster_sleep_ms(20);
	}
	return false;
}

bool cluster_end_leftover(struct cluster *cluster, const char **error)
{
	pid_t pid = leftover_pid(cluster);
	if (pid != 0) {
		log_warning("stopping the database that a killed server left behind",
			log_integer("pid", pid));
		if (!end_stranger(cluster, pid, SIGINT, LEFTOVER_FAST_MS) &&
			!end_stranger(cluster, pid, SIGQUIT, LEFTOVER_IMMEDIATE_MS)) {
			*error = arena_printf(cluster->arena,
				"folder '%s' is served by process %d, which does not end: stop it first",
				cluster->directory, (int)pid);
			return false;
		}
	}
	if (disarm_pid_file(cluster))
		return true;
	*error = arena_printf(cluster->arena, "file '%s' cannot be written: %s", pid_file(cluster),
		strerror(errno));
	return false;
}

const char *cluster_log_end(struct cluster *cluster)
{
	char text[1500];
	FILE *file = fopen(cluster->log, "re");
	if (!file)
		return "";
	if (fseek(file, -(long)sizeof(text) + 1, SEEK_END) != 0)
		rewind(file);
	size_t size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	return arena_string(cluster->arena, text);
}
