# Tries: type into the terminal that the service was started from.
# Contained: there is no terminal.
import fcntl
import glob
import os
import termios

for path in ("/dev/tty", "/dev/console", "/dev/tty0", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", *glob.glob("/dev/pts/[0-9]*")):
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        fcntl.ioctl(fd, termios.TIOCSTI, b" ")
        print("ESCAPED: typed into", path)
    except OSError as e:
        print(e)
