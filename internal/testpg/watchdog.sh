# Runs a server for as long as the other end of standard input stays open.
# Usage: sh -c watchdog.sh testpg FOLDER COMMAND [ARGUMENT...]
# Whoever started this closes that end to stop the server, or has it closed for
# them by the kernel when they die, whatever they die of. FOLDER is then erased.
# A server that ends while there is a file FOLDER/again is started once more.
folder=$1
shift

exec 3<&0
while :; do
	"$@" </dev/null 3<&- &
	server=$!

	# SIGQUIT is PostgreSQL's immediate shutdown: nothing here is worth a flush.
	{ read -r _ <&3; kill -QUIT "$server"; } 2>/dev/null &
	watcher=$!

	wait "$server"
	status=$?
	kill "$watcher" 2>/dev/null
	[ -e "$folder/again" ] || break
	rm "$folder/again"
done
rm -rf "$folder"
exit "$status"
