#!/bin/sh
# Runs unclip with the Node of this bundle. Nothing has to be installed but a GPU's driver; what it finds of Vulkan is
# completed where a piece is missing:
#  - no Vulkan loader: the bundle's own;
#  - an NVIDIA driver whose manifest is missing, as in many containers: one is written for this user.
set -eu
self=$(readlink -f -- "$0")
root=$(dirname -- "$(dirname -- "$self")")
cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/unclip"

# The folder of a system library, by asking the dynamic linker's cache and then the usual places.
library_folder() {
  found=$( (ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true) | sed -n "s|.* => \(.*\)/$1\$|\1|p" | sed -n 1p)
  for folder in "$found" /usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu /usr/lib64 /usr/lib \
    /usr/local/nvidia/lib64 /usr/local/lib; do
    if [ -n "$folder" ] && [ -e "$folder/$1" ]; then
      printf '%s\n' "$folder"
      return
    fi
  done
}

if [ -z "$(library_folder libvulkan.so.1)" ] && [ -d "$root/lib/vulkan" ]; then
  LD_LIBRARY_PATH="$root/lib/vulkan${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  export LD_LIBRARY_PATH
fi

has_nvidia_manifest() {
  for folder in /etc/vulkan/icd.d /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d; do
    for file in "$folder"/nvidia*.json; do
      [ -e "$file" ] && return 0
    done
  done
  return 1
}

if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && [ -e /dev/nvidiactl ] && ! has_nvidia_manifest; then
  library=
  # The EGL library needs no X11 beside it.
  for name in libEGL_nvidia.so.0 libGLX_nvidia.so.0; do
    folder=$(library_folder "$name")
    if [ -n "$folder" ]; then
      library="$folder/$name"
      break
    fi
  done
  if [ -n "$library" ]; then
    mkdir -p "$cache"
    VK_DRIVER_FILES="$cache/nvidia_icd.json"
    printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.0"}}\n' "$library" \
      >"$VK_DRIVER_FILES"
    VK_ICD_FILENAMES="$VK_DRIVER_FILES"
    export VK_DRIVER_FILES VK_ICD_FILENAMES
  else
    echo "unclip: there is an NVIDIA GPU, but not its Vulkan library (libEGL_nvidia.so.0 or libGLX_nvidia.so.0)." >&2
    echo "unclip: start the container with NVIDIA_DRIVER_CAPABILITIES=all (or compute,utility,graphics)." >&2
  fi
fi

if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && [ -e "$root/lib/lavapipe/icd.template" ] && [ ! -e /dev/nvidiactl ] &&
  ! ls /dev/dri/renderD* >/dev/null 2>&1; then
  # No GPU at all: the software driver that came with the bundle.
  mkdir -p "$cache"
  VK_DRIVER_FILES="$cache/bundled_lavapipe_icd.json"
  sed "s|@FOLDER@|$root/lib/lavapipe|" "$root/lib/lavapipe/icd.template" >"$VK_DRIVER_FILES"
  VK_ICD_FILENAMES="$VK_DRIVER_FILES"
  LD_LIBRARY_PATH="$root/lib/lavapipe${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  export VK_DRIVER_FILES VK_ICD_FILENAMES LD_LIBRARY_PATH
fi

case "${1:-}" in
make-checkpoint)
  shift
  exec "$root/bin/node" "$root/app/bench/make-checkpoint" "$@"
  ;;
*) exec "$root/bin/node" "$root/app/dist/cli/main.js" "$@" ;;
esac
