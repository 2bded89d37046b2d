#!/bin/sh
# An ordinary speech server: espeak-ng behind HTTP on port 8080. speech.sh <name>
exec "${NODE:-node}" "${0%/*}/exec-http.mjs" --port 8080 --name "$1" \
	--accept text/plain --type audio/wav -- espeak-ng --stdin --stdout
