#include "filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "no system call filter for this processor: x86-64 and aarch64 are known"
#endif

/* Numbers newer than some C libraries' headers; the same on both processors. */
enum {
  NR_IO_URING_SETUP = 425, NR_IO_URING_ENTER = 426, NR_IO_URING_REGISTER = 427,
  NR_OPEN_TREE = 428, NR_MOVE_MOUNT = 429, NR_FSOPEN = 430, NR_FSCONFIG = 431, NR_FSMOUNT = 432, NR_FSPICK = 433,
  NR_CLONE3 = 435, NR_MOUNT_SETATTR = 442, NR_OPEN_TREE_ATTR = 467,
  IOCTL_TIOCSTI = 0x5412, IOCTL_TIOCLINUX = 0x541c, X32_BIT = 0x40000000,
};

/* A new namespace of any kind: the door to mounts and to kernel code that is otherwise out of reach. */
#define NEW_NAMESPACE (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n])) /* low half: both are little endian */
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define FAIL(error) ANSWER(SECCOMP_RET_ERRNO | (error))
/* Two instructions: when the loaded number is `nr`, fail with `error`, else go on. */
#define REFUSE(nr, error) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), FAIL(error)

static const struct sock_filter program[] = {
    /* A foreign instruction set numbers its calls differently: the list below would not hold for it. */
    LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0), ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#if defined(__x86_64__)
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1), FAIL(ENOSYS),
#endif
    /* Keys of other programs of this user. */
    REFUSE(SYS_add_key, EPERM), REFUSE(SYS_request_key, EPERM), REFUSE(SYS_keyctl, EPERM),
    /* Large kernel surfaces that commands do not need. */
    REFUSE(SYS_bpf, EPERM), REFUSE(SYS_perf_event_open, EPERM), REFUSE(SYS_userfaultfd, EPERM),
    /* ENOSYS: programs then fall back to ordinary calls, which the rest of this list sees. */
    REFUSE(NR_IO_URING_SETUP, ENOSYS), REFUSE(NR_IO_URING_ENTER, ENOSYS), REFUSE(NR_IO_URING_REGISTER, ENOSYS),
    /* Undoing the sandbox's mounts. */
    REFUSE(SYS_mount, EPERM), REFUSE(SYS_umount2, EPERM), REFUSE(SYS_pivot_root, EPERM), REFUSE(SYS_setns, EPERM), REFUSE(SYS_unshare, EPERM),
    REFUSE(NR_OPEN_TREE, EPERM), REFUSE(NR_MOVE_MOUNT, EPERM), REFUSE(NR_FSOPEN, EPERM), REFUSE(NR_FSCONFIG, EPERM), REFUSE(NR_FSMOUNT, EPERM),
    REFUSE(NR_FSPICK, EPERM), REFUSE(NR_MOUNT_SETATTR, EPERM), REFUSE(NR_OPEN_TREE_ATTR, EPERM),
    /* Process 1 of the sandbox is bwrap's own and has no filter: whoever traces or writes it makes calls through it. */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 4), LOAD_ARGUMENT(1), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), FAIL(EPERM), LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 4), LOAD_ARGUMENT(0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), FAIL(EPERM), LOAD(nr),
    /* Its flags lie in memory where no filter can look; ENOSYS makes C libraries use clone, which is looked at next. */
    REFUSE(NR_CLONE3, ENOSYS),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
    LOAD_ARGUMENT(0), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NEW_NAMESPACE, 0, 1), FAIL(EPERM), ANSWER(SECCOMP_RET_ALLOW),
    /* Typing into the terminal of whoever started us. The kernel looks at the low 32 bits of the request, so does this. */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 5),
    LOAD_ARGUMENT(1), REFUSE(IOCTL_TIOCSTI, EPERM), REFUSE(IOCTL_TIOCLINUX, EPERM),
    ANSWER(SECCOMP_RET_ALLOW),
};

/* Numbers newer than some C libraries' headers; the same on both processors. */
enum { NR_FCHMODAT2 = 452, NR_SETXATTRAT = 463, NR_REMOVEXATTRAT = 466, NR_FILE_SETATTR = 469 };
/* _IOW('f', 2, long), the same with int, _IOW('X', 32, struct fsxattr). */
enum { IOCTL_SETFLAGS = 0x40086602, IOCTL_SETFLAGS_32 = 0x40046602, IOCTL_FSSETXATTR = 0x401c5820 };

/* Two more than REFUSE: when the call names a process, and not the caller by 0, it fails. */
#define REFUSE_OTHERS(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 4), LOAD_ARGUMENT(0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), FAIL(EPERM), LOAD(nr)

/* Beside the first one: what Landlock does not look at. The processor was compared there. */
static const struct sock_filter unchanging[] = {
    LOAD(nr),
    /* Modes, owners, times and attributes of files. */
    REFUSE(SYS_fchmod, EPERM), REFUSE(SYS_fchmodat, EPERM), REFUSE(NR_FCHMODAT2, EPERM), REFUSE(SYS_fchown, EPERM), REFUSE(SYS_fchownat, EPERM), REFUSE(SYS_utimensat, EPERM),
    REFUSE(SYS_setxattr, EPERM), REFUSE(SYS_lsetxattr, EPERM), REFUSE(SYS_fsetxattr, EPERM), REFUSE(SYS_removexattr, EPERM), REFUSE(SYS_lremovexattr, EPERM), REFUSE(SYS_fremovexattr, EPERM),
    REFUSE(NR_SETXATTRAT, EPERM), REFUSE(NR_REMOVEXATTRAT, EPERM), REFUSE(NR_FILE_SETATTR, EPERM),
#if defined(__x86_64__)
    REFUSE(SYS_chmod, EPERM), REFUSE(SYS_chown, EPERM), REFUSE(SYS_lchown, EPERM), REFUSE(SYS_utime, EPERM), REFUSE(SYS_utimes, EPERM), REFUSE(SYS_futimesat, EPERM),
#endif
    /* Every way to others but pipes: names of unix sockets are no matter of Landlock, nor are UDP and raw packets. A pair of sockets reaches nobody. */
    REFUSE(SYS_socket, EPERM), REFUSE(SYS_shmget, EPERM), REFUSE(SYS_shmat, EPERM), REFUSE(SYS_msgget, EPERM), REFUSE(SYS_msgsnd, EPERM), REFUSE(SYS_msgrcv, EPERM), REFUSE(SYS_msgctl, EPERM),
    REFUSE(SYS_semget, EPERM), REFUSE(SYS_semop, EPERM), REFUSE(SYS_semtimedop, EPERM), REFUSE(SYS_semctl, EPERM), REFUSE(SYS_shmctl, EPERM), REFUSE(SYS_mq_open, EPERM), REFUSE(SYS_mq_unlink, EPERM),
    /* Other processes of this user. */
    REFUSE(SYS_setpriority, EPERM), REFUSE(SYS_ioprio_set, EPERM), REFUSE(SYS_migrate_pages, EPERM), REFUSE(SYS_move_pages, EPERM),
    REFUSE_OTHERS(SYS_prlimit64), REFUSE_OTHERS(SYS_sched_setaffinity), REFUSE_OTHERS(SYS_sched_setscheduler), REFUSE_OTHERS(SYS_sched_setparam), REFUSE_OTHERS(SYS_sched_setattr),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 7),
    LOAD_ARGUMENT(1), REFUSE(IOCTL_SETFLAGS, EPERM), REFUSE(IOCTL_SETFLAGS_32, EPERM), REFUSE(IOCTL_FSSETXATTR, EPERM),
    ANSWER(SECCOMP_RET_ALLOW),
};

static bool install(const struct sock_filter *code, size_t size) {
  struct sock_fprog filter = {.len = (unsigned short)(size / sizeof *code), .filter = (struct sock_filter *)(uintptr_t)code};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

bool filter_install(void) { return install(program, sizeof program); }

bool filter_unchanging(void) { return install(unchanging, sizeof unchanging); }
