/* Starts programs many times, one after the other in turns, and prints how long each start took from fork to reaped, as JSON.
 *
 * usage: spawn-loop ROUNDS WARM-UP COMMAND… [-- COMMAND…]…
 *
 * Node's own way of starting a process costs more than a shell does; here it is one vfork and one execve. The commands take
 * turns, so that whatever else the machine does falls on all of them alike. Ends with 1 when a command does not exit with 0. */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { MOST_COMMANDS = 8, MOST_ROUNDS = 20000 };

extern char **environ;

static uint64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static uint64_t run(char **argv) {
	pid_t pid;
	int status;
	uint64_t start = now();
	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0) {
		perror(argv[0]);
		exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "spawn-loop: `%s` ended with status %d\n", argv[0], status);
		exit(1);
	}
	return now() - start;
}

int main(int argc, char **argv) {
	if (argc < 4) return 2;
	int rounds = atoi(argv[1]), warm_up = atoi(argv[2]);
	if (rounds < 1 || rounds > MOST_ROUNDS || warm_up < 0) return 2;
	char **commands[MOST_COMMANDS];
	int count = 0;
	commands[count++] = &argv[3];
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0) continue;
		argv[i] = NULL;
		if (count == MOST_COMMANDS || argv[i + 1] == NULL) return 2;
		commands[count++] = &argv[i + 1];
	}
	uint64_t *times[MOST_COMMANDS];
	for (int c = 0; c < count; c++) {
		times[c] = calloc((size_t)rounds, sizeof(uint64_t));
		if (times[c] == NULL) return 1;
	}
	for (int r = -warm_up; r < rounds; r++)
		for (int c = 0; c < count; c++) {
			uint64_t took = run(commands[c]);
			if (r >= 0) times[c][r] = took;
		}
	printf("[");
	for (int c = 0; c < count; c++) {
		qsort(times[c], (size_t)rounds, sizeof(uint64_t), compare);
		printf("%s{\"least\":%llu,\"p50\":%llu,\"p95\":%llu,\"p99\":%llu}", c == 0 ? "" : ",", (unsigned long long)times[c][0], (unsigned long long)times[c][rounds / 2], (unsigned long long)times[c][rounds * 95 / 100], (unsigned long long)times[c][rounds * 99 / 100]);
	}
	printf("]\n");
	return 0;
}
