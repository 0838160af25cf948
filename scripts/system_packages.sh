#!/usr/bin/env bash
# The tests drive a real browser. Install Chromium where that needs no password; else say how to get it.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done

if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then sudo=""; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else sudo="none"; fi
    if [ "$sudo" != none ]; then
        $sudo apt-get update -qq
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
        exit 0
    fi
fi
echo "The browser tests need Chromium, which is missing. On Debian or Ubuntu: sudo apt-get install chromium" >&2
exit 1
