#!/bin/sh
# Starts Dianzhi from wherever this folder lies: the window, or a command (`dianzhi clear ...`).
here=$(dirname -- "$(readlink -f -- "$0")")
# Plugins of another Qt would not fit this one.
unset QT_PLUGIN_PATH QT_QPA_PLATFORM_PLUGIN_PATH
exec "$here/python/bin/python3.11" "$here/main.py" "$@"
