package abuse_test

const (
	launcherStage = "sandbox/gvisor/launcher/stage.go"
	spec          = "sandbox/gvisor/spec_linux.go"
	engine        = "sandbox/gvisor/engine_linux.go"
	pyFiles       = "sandbox/kernel/py/markkernel/files.py"
	pyRunner      = "sandbox/kernel/py/markkernel/runner.py"
	pyProcesses   = "sandbox/kernel/py/markkernel/processes.py"
	goStep        = "sandbox/kernel/step.go"
	goArtifact    = "sandbox/kernel/artifact.go"
)

// sameUser makes sessions run as the service's own user, to whom its files are not
// closed already for being somebody else's.
var sameUser = edit{"sandbox/gvisor/users_linux.go", "if os.Geteuid() != 0 {", "if want != 0 {"}

var writable = edit{launcherStage, "if !m.Writable {", "if false {"}

// defences are in the order from outside to inside.
var defences = []defence{
	{
		name: "no network",
		off: []edit{
			{launcherStage, `"--network=none"`, `"--network=host"`},
			{spec, `{"uts"}, {"network"}`, `{"uts"}`},
		},
		run: "TestAbuse/(network|data_libraries|pickle)/", want: "TestAbuse/network/loopback_tcp",
		selftest: "connecting to this machine worked",
	},
	{
		name: "host mounts absent",
		off: []edit{
			{engine, "p := plan{\n\t\tOver: e.config.Dir,\n\t\tMounts: []bind{", "p := plan{\n\t\tOver: e.config.Dir,\n\t\tMounts: []bind{\n\t\t\t{From: os.TempDir(), To: \"/host\", Writable: true},"},
			{spec, "tmpfs(tempInside, 64<<20),", `ociMount{Destination: tempInside, Type: "bind", Source: "/host", Options: []string{"rbind", "rw"}},`},
		},
		run: "TestAbuse/(host_files|links)/", want: "TestAbuse/host_files/(open|write)",
	},
	{
		name: "the root is read-only",
		off: []edit{
			sameUser, writable,
			{spec, "Root:     ociRoot{Path: treeAt, Readonly: true}", "Root:     ociRoot{Path: treeAt}"},
		},
		run: "TestAbuse/(host_files|imports)/(system_folders|libraries_on_disk)", want: "TestAbuse/imports/libraries_on_disk",
		selftest: "writing to the Python installation worked",
	},
	{
		name: "inputs are read-only",
		off:  []edit{sameUser, writable, {spec, `"rbind", "ro"`, `"rbind", "rw"`}},
		run:  "TestAbuse/host_files/change_an_input", want: "TestAbuse/host_files/change_an_input",
	},
	{
		name: "no capabilities",
		off: []edit{
			{spec, "Capabilities    struct{} ", "Capabilities    map[string][]string "},
			{spec, "NoNewPrivileges: true,", `Capabilities: map[string][]string{"bounding": {"CAP_SYS_ADMIN"}, "effective": {"CAP_SYS_ADMIN"}, "permitted": {"CAP_SYS_ADMIN"}},`},
		},
		run: "TestAbuse/(capabilities|mounts)/", want: "TestAbuse/capabilities/sets",
		selftest: "it has capabilities",
	},
	{
		name: "not root inside",
		off: []edit{
			{spec, "{ContainerID: sessionUser, HostID: sessionUser, Size: 1}", "{ContainerID: 0, HostID: sessionUser, Size: 1}"},
			{spec, "ociUser{UID: sessionUser, GID: sessionUser}", "ociUser{}"},
		},
		run: "TestAbuse/capabilities/", want: "TestAbuse/capabilities/become_root",
		selftest: "it runs as user 0",
	},
	{
		name: "an environment of its own",
		off: []edit{
			{spec, `append(kernel.Env(tempInside), "PATH=/usr/bin")`, "append(os.Environ(), kernel.Env(tempInside)...)"},
			{spec, `"fmt"`, "\"fmt\"\n\t\"os\""},
		},
		run: "TestAbuse/(secrets|proc_sys|introspection)/", want: "TestAbuse/secrets/environment",
		// The self-test compares with what the spec gives, and so believes this one.
	},
	{
		name: "RLIMIT_NPROC",
		off: []edit{
			{spec, `{Type: "RLIMIT_NPROC", Soft: processes, Hard: processes}`, `{Type: "RLIMIT_NPROC", Soft: processes << 10, Hard: processes << 10}`},
			{pyProcesses, "resource.setrlimit(resource.RLIMIT_NPROC, (most, most))", "pass"},
		},
		run: "TestAbuse/bombs/(threads|forks|programs)", want: "TestAbuse/bombs/threads",
	},
	{
		name: "RLIMIT_AS",
		off:  []edit{{pyProcesses, "resource.setrlimit(resource.RLIMIT_AS, (most - ", "str((most - "}},
		run:  "TestLimits/one_huge_array|TestAbuse/memory/", want: "TestLimits/one_huge_array",
	},
	{
		name: "the watcher of memory",
		off:  []edit{{"sandbox/gvisor/launcher/memory.go", "if used <= w.limit {", "if w.limit > 0 {"}},
		run:  "TestAbuse/memory/", want: "TestAbuse/memory/(children|pipes|temporary_files)",
	},
	{
		name: "sizes of file systems",
		off:  []edit{{spec, `fmt.Sprintf("size=%d", bytes)`, `fmt.Sprintf("size=%d", bytes<<10)`}},
		run:  "TestAbuse/disk/", want: "TestAbuse/disk/(working|temporary)_folder",
	},
	{
		name: "the host's limit of output",
		off: []edit{
			{"sandbox/kernel/chunks.go", "left := s.conn.options.Limits.OutputBytes - s.printed", "left := int64(1 << 40)"},
		},
		run: "TestAbuse/(output|frames|introspection)/", want: "TestAbuse/(frames/flood_with_secret|introspection/own_limits)",
	},
	{
		name: "the kernel's limit of output",
		off:  []edit{{"sandbox/kernel/py/markkernel/streams.py", "self._left = limit\n", "self._left = 1 << 40\n"}},
		run:  "TestAbuse/output/|TestLimits/prints_a_gigabyte", want: "TestLimits/prints_a_gigabyte",
	},
	{
		name: "the sentinel of a step",
		off:  []edit{{goStep, "if f.sentinel != s.sentinel {", "if false {"}},
		run:  "TestAbuse/frames/", want: "TestAbuse/frames/forged_output",
	},
	{
		name: "bounds of frames",
		off:  []edit{{"sandbox/kernel/frame.go", "if size < least || size > most {", "if false && (size < least || size > most) {"}},
		run:  "TestAbuse/frames/huge_length|TestConformance/ends/an_enormous_frame", want: "TestConformance/ends/an_enormous_frame",
	},
	{
		name: "bounds of artifacts",
		off: []edit{
			{goArtifact, "if in.size > limits.ArtifactBytes || s.stored > limits.ArtifactsBytes {", "if false && limits.ArtifactBytes > 0 {"},
			{goStep, "s.bytes > most", "most < 0"},
		},
		run: "TestAbuse/(frames|introspection)/", want: "TestAbuse/frames/stolen_secret",
	},
	{
		name: "names of artifacts",
		off:  []edit{{goArtifact, "in := &incoming{name: cleanName(h.Name),", "in := &incoming{name: h.Name,"}},
		run:  "TestAbuse/(frames|links)/", want: "TestAbuse/(frames/stolen_secret|links/names)",
	},
	{
		name: "no links among artifacts",
		off: []edit{
			{pyFiles, "follow_symlinks=False", "follow_symlinks=True"},
			{pyFiles, "os.O_NOFOLLOW | ", ""},
		},
		run: "TestAbuse/links/", want: "TestAbuse/links/file",
	},
	{
		name: "O_NOFOLLOW alone",
		off: []edit{
			{pyFiles, "os.O_NOFOLLOW | ", ""},
			// Widens the moment between the look and the opening.
			{pyFiles, "            fd = os.open(path", "            __import__('time').sleep(0.02)\n            fd = os.open(path"},
		},
		run: "TestAbuse/links/race", want: "TestAbuse/links/race",
	},
	{
		name: "only regular files",
		off: []edit{
			{pyFiles, "elif entry.is_file(follow_symlinks=False):", "elif True:"},
			{pyFiles, "if stat.S_ISREG(os.fstat(fd).st_mode):", "if True:"},
		},
		run: "TestAbuse/links/special_files", want: "TestAbuse/links/special_files",
	},
	{
		name: "clones are reseeded",
		off:  []edit{{"sandbox/kernel/py/markkernel/session.py", `_reseed(bytes.fromhex(start["entropy"]))`, "pass"}},
		run:  "TestAbuse/clones/", want: "TestAbuse/clones/random",
	},
	{
		name: "children end with their step",
		off:  []edit{{pyRunner, "        end_children()\n", ""}},
		run:  "TestAbuse/bombs/daemon", want: "TestAbuse/bombs/daemon",
	},
	{
		name: "the time of a step",
		off:  []edit{{goStep, "timeUp := time.NewTimer(limit)", "timeUp := time.NewTimer(limit + time.Hour)"}},
		run:  "TestAbuse/time/", want: "TestAbuse/time/(busy|asleep)",
	},
	{
		name: "the grace of a step",
		off:  []edit{{goStep, "over = time.After(grace)", "over = time.After(grace + time.Hour)"}},
		run:  "TestAbuse/time/(stubborn|native)", want: "TestAbuse/time/stubborn",
	},
	{
		name: "the CPU time of a step",
		off:  []edit{{engine, "CPUTime: s.cpuTime,", ""}},
		run:  "TestCPUTime/one_process", want: "TestCPUTime/one_process",
	},
	{
		name: "a share of the processors",
		off:  []edit{{"sandbox/gvisor/shares_linux.go", "if uid == 0 || grouped() {", "if uid >= 0 {"}},
		run:  "TestABusySession/in_a_cgroup", want: "TestABusySession.*/in_a_cgroup.*",
	},
	{
		name: "files of a session are removed",
		off:  []edit{{"sandbox/gvisor/session_linux.go", "errors.Join(closed, os.RemoveAll(s.dir))", "errors.Join(closed)"}},
		run:  "TestAbuse/network/loopback_tcp|TestNothingIsLeft", want: "TestAbuse|TestNothingIsLeft.*",
	},
}
