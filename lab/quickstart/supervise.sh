#!/bin/sh
# Keeps a program running: supervise.sh <program> [argument …]
#
# Starts it once /run/configured is there (the node has its addresses), and again RESTART_DELAY seconds after it ended.
# While /run/hold exists it is not started. /run/supervised.pid is the number of the running program.
while [ ! -e /run/configured ]; do sleep 0.02; done
while :; do
	while [ -e /run/hold ]; do sleep 0.05; done
	"$@" &
	program=$!
	echo "$program" >/run/supervised.pid
	wait "$program"
	code=$?
	rm -f /run/supervised.pid
	echo "supervise: $1 ended with code $code" >&2
	sleep "${RESTART_DELAY:-1}"
done
