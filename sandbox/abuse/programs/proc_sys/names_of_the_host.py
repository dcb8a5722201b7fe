# Tries: learn where it runs, from the tables that a process can read.
# Contained: neither the host's name nor a path of the service is in them.
import os
import socket

places = [f"/proc/self/{name}" for name in ("mountinfo", "mounts", "maps", "cmdline", "cgroup", "status", "auxv", "limits", "stat")]
places += ["/proc/version", "/proc/cmdline", "/proc/mounts", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/mtab", "/proc/sys/kernel/hostname"]
texts = {"uname": str(os.uname()), "hostname": socket.gethostname()}
for place in places:
    try:
        with open(place, "rb") as file:
            texts[place] = file.read().decode("utf-8", "replace")
    except OSError:
        pass
for place, text in texts.items():
    for name in host_names:
        if name in text:
            print("ESCAPED:", place, "tells", name)
