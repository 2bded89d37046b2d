#!/bin/sh
# An ordinary server of an ordinary program: a text in capitals, over HTTP on port 8080. upper.sh <name>
exec "${NODE:-node}" "${0%/*}/../quickstart/agents/exec-http.mjs" --port 8080 --name "$1" \
	--accept text/ --type 'text/plain; charset=utf-8' -- tr a-z A-Z
