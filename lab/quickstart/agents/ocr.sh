#!/bin/sh
# An ordinary OCR server: tesseract behind HTTP on port 8080. ocr.sh <name>
exec "${NODE:-node}" "${0%/*}/exec-http.mjs" --port 8080 --name "$1" \
	--accept image/ --type 'text/plain; charset=utf-8' -- tesseract stdin stdout --psm 6
