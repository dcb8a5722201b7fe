# Tries: open devices that lead to the machine.
# Contained: none can be opened.
import os

for name in (
    "mem", "port", "kmsg", "sda", "vda", "xvda", "nvme0n1", "mapper/control", "loop-control", "loop0", "kvm", "vhost-net",
    "vhost-vsock", "uinput", "input/event0", "dri/card0", "snapshot", "hpet", "rtc0", "watchdog", "raw1394", "cpu/0/msr",
):
    try:
        os.close(os.open("/dev/" + name, os.O_RDONLY | os.O_NONBLOCK))
        print("ESCAPED: opened /dev/" + name)
    except OSError as e:
        print(e)
