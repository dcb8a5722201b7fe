"""Mark's Python kernel: one process, one set of variables, one step at a time.

User code runs in this process and can reach and change everything here. The
modules below therefore guard against accidents, and leave malice to the host
(which believes no frame) and to the isolation around the process.
"""
