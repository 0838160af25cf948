#!/usr/bin/env bash
# The tests drive a real browser and render with OpenGL. Install Chromium and Mesa where that needs no password; else
# say how to get them.
set -euo pipefail

browser() {
    local name
    for name in "${CHROMIUM:-chromium}" chromium google-chrome; do
        if command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

opengl() {  # the loader, and a driver for it
    local libraries
    libraries=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true)
    [[ $libraries == *libEGL.so.1* && ($libraries == *libEGL_mesa.so.0* || $libraries == *libEGL_nvidia.so.0*) ]]
}

missing=()
browser || missing+=(chromium)
opengl || missing+=(libegl1 libgl1-mesa-dri)
if [ ${#missing[@]} = 0 ]; then exit 0; fi

if command -v apt-get >/dev/null 2>&1; then
    as_root=()
    if [ "$(id -u)" = 0 ] || { as_root=(sudo -n) && sudo -n true 2>/dev/null; }; then
        echo "Installing ${missing[*]} for the tests ..."
        "${as_root[@]}" apt-get update -qq || true
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || true
    fi
fi
if browser && opengl; then exit 0; fi
cat >&2 <<'MESSAGE'
The tests need Chromium (they drive the page) and OpenGL through EGL (they render people). Something of it is missing
and cannot be installed from here:
  Debian   sudo apt-get install chromium libegl1 libgl1-mesa-dri
  Ubuntu   sudo snap install chromium; sudo apt-get install libegl1 libgl1-mesa-dri
  Fedora   sudo dnf install chromium mesa-libEGL mesa-dri-drivers
  others   put chromium or google-chrome on the PATH, or set CHROMIUM to the path of either; install Mesa's EGL
MESSAGE
exit 1
