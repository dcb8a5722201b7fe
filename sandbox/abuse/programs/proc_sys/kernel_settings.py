# Tries: open what changes the kernel or makes it run a program as root. Nothing is written.
# Contained: none can be opened for writing.
import os

for path in (
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname", "/proc/sys/vm/overcommit_memory",
    "/proc/sys/fs/binfmt_misc/register", "/proc/sysrq-trigger", "/proc/1/oom_score_adj", "/proc/1/uid_map",
    "/sys/kernel/uevent_helper", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/state",
    "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/release_agent",
):
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError as e:
        print(e)
        continue
    if path.startswith("/proc/1/") and os.getpid() == 1:
        continue  # its own
    print("ESCAPED: could write to", path)
