#!/usr/bin/env bash
# The tests drive a real browser. Install Chromium where that needs no password; else say how to get it.
set -euo pipefail

found() {
    local name
    for name in "${CHROMIUM:-chromium}" chromium google-chrome; do
        if command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

if found; then exit 0; fi
if command -v apt-get >/dev/null 2>&1; then
    as_root=()
    if [ "$(id -u)" = 0 ] || { as_root=(sudo -n) && sudo -n true 2>/dev/null; }; then
        echo "Installing Chromium for the browser tests ..."
        "${as_root[@]}" apt-get update -qq || true
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends chromium >/dev/null || true
    fi
fi
if found; then exit 0; fi
cat >&2 <<'MESSAGE'
The browser tests need Chromium, which is missing and cannot be installed from here:
  Debian   sudo apt-get install chromium
  Ubuntu   sudo snap install chromium
  Fedora   sudo dnf install chromium
  others   put chromium or google-chrome on the PATH, or set CHROMIUM to the path of either
MESSAGE
exit 1
