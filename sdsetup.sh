#!/bin/sh
# Starts sdsetup: ./sdsetup.sh [arguments]. Nothing has to be installed first.
#
# It uses a Python on this machine, or downloads one with uv into sdsetup's own folder. The packages that
# sdsetup needs go into a private environment there. Your system and your Pythons stay as they are.
set -u
unset CDPATH

# Programs are taken from full paths only: what lies in the current folder is not ours to start.
rest=${PATH:-}:
PATH=
while [ -n "$rest" ]; do
  case ${rest%%:*} in /*) PATH=${PATH:+$PATH:}${rest%%:*} ;; esac
  rest=${rest#*:}
done
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH

# uv, an installer of Pythons, by pinned address and SHA-256. At least five independent projects pin the same
# hashes, one of them after checking them against the digests that GitHub shows for the release.
uv_version=0.13.0
uv_address=https://github.com/astral-sh/uv/releases/download/$uv_version
uv_mirror=https://releases.astral.sh/github/uv/releases/download/$uv_version # its maker's own host
uv_sha256_linux_x86_64=1468ebd5a5541121837c5a2817b9972ba6090fa6caa3d142620850a47fb75154
uv_sha256_linux_aarch64=3ccfb6af6e242433eb552f7d9676abd5412c6595c497e990d9c8cb7b5bd4d2c3
uv_sha256_macos_x86_64=5f44dcbde809b632f47c36fadb241cb4d6f9af71d0c8f172b5d2026d3dde742c
uv_sha256_macos_aarch64=a9c1b29002cf3c83f07fa9cd8a887a3be0107d90e23189721221e7257db8e3d6
python_version=3.10

language() { # that was asked for, else the system's, as sdsetup itself decides
  before=
  asked=
  for word; do
    case $before in --lang) asked=$word ;; esac
    case $word in
      --) break ;;
      --lang=*) asked=${word#--lang=} ;;
    esac
    before=$word
  done
  asked=${asked:-${SDSETUP_LANG:-${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}}}
  case $asked in *.[!Uu]*) asked= ;; esac # a terminal of other letters than UTF-8's
  printf '%s\n' "${asked%%[!A-Za-z]*}"
}

say() { # a line, translated where $words has it ("English=translation"), and a value behind it
  said=$1
  [ ! -f "$words" ] || while IFS='=' read -r english translated; do
    [ "$english" != "$1" ] || said=$translated
  done <"$words"
  printf '%s\n' "$said${2:+ $2}" >&2
}

project_folder() { # of this file, also when it was started through a link
  file=$0
  while [ -L "$file" ]; do
    link=$(readlink "$file")
    case $link in
      /*) file=$link ;;
      *) file=$(dirname "$file")/$link ;;
    esac
  done
  cd "$(dirname "$file")" && pwd -P
}

home_folder() { # where HOME is not set, as the system knows it
  user=$(id -un) || return
  case $user in '' | *[!A-Za-z0-9._-]*) return 1 ;; esac
  eval "printf '%s' ~$user"
}

suits() { # is this a CPython that can make our environment? It has to say so: to sh an empty file is a program
  said=$("$1" -I -c '
import sys, struct, sysconfig
right = sys.implementation.name == "cpython" and (3, 10) <= sys.version_info < (3, 15)
right = right and struct.calcsize("P") == 8 and not sysconfig.get_config_var("Py_GIL_DISABLED")
import ensurepip, venv
print("suits" if right else "no")' </dev/null 2>/dev/null)
  [ "$said" = suits ]
}

find_python() { # prints the first suitable one
  for name in "$data/tools/python/cpython-$python_version".*/bin/python3 \
    python3.12 python3.11 python3.10 python3.13 python3 python3.14 python \
    /opt/homebrew/bin/python3 /usr/local/bin/python3 "$HOME"/.local/share/uv/python/cpython-3.1[0-4].*/bin/python3; do
    path=$(command -v "$name" 2>/dev/null) || continue
    if [ "$system" = Darwin ] && [ "$path" = /usr/bin/python3 ] && ! xcode-select -p >/dev/null 2>&1; then
      continue # this one only opens a window that offers developer tools
    fi
    if suits "$path"; then
      printf '%s\n' "$path"
      return 0
    fi
  done
  return 1
}

fetch() { # address, file
  if command -v curl >/dev/null 2>&1; then
    curl --fail --location --silent --show-error --retry 3 --connect-timeout 20 --proto-redir =https \
      --output "$2" "$1"
  elif command -v wget >/dev/null 2>&1; then
    wget -q --tries=3 --timeout=20 -O "$2" "$1"
  else
    say "Python 3.10 or newer was not found and can't be downloaded."
    say "why: neither curl nor wget is installed"
    say "fix: install python3 and python3-venv (or curl) with your system's package manager, then start again."
    exit 1
  fi
}

sha256_of() { # file
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1"
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1"
  else
    openssl dgst -sha256 -r "$1"
  fi | cut -d ' ' -f 1
}

not_from() { # address
  say "uv was not downloaded."
  say "where:" "$1"
}

unset_it() {
  say "fix: unset SDSETUP_UV_ADDRESS, then start again."
  exit 1
}

bring_uv() { # puts the path of uv into $uv
  uv=$data/tools/uv-$uv_version/uv
  [ -x "$uv" ] && return 0
  case $system/$(uname -m) in
    Linux/x86_64 | Linux/amd64) name=uv-x86_64-unknown-linux-gnu sum=$uv_sha256_linux_x86_64 ;;
    Linux/aarch64 | Linux/arm64) name=uv-aarch64-unknown-linux-gnu sum=$uv_sha256_linux_aarch64 ;;
    Darwin/x86_64) name=uv-x86_64-apple-darwin sum=$uv_sha256_macos_x86_64 ;;
    Darwin/arm64) name=uv-aarch64-apple-darwin sum=$uv_sha256_macos_aarch64 ;;
    *)
      say "Python 3.10 or newer was not found."
      say "why: there is no Python to download for this system:" "$system $(uname -m)"
      say "fix: install python3 and python3-venv with your system's package manager, then start again."
      exit 1
      ;;
  esac
  address=${SDSETUP_UV_ADDRESS:-$uv_address}/$name.tar.gz
  sum=${SDSETUP_UV_SHA256:-$sum}
  case $address in
    *@*) not_from "$address" && say "why: the address contains a user name" && unset_it ;;
    https://* | http://127.0.0.1:* | http://localhost:*) ;;
    *) not_from "$address" && say "why: the address is not https" && unset_it ;;
  esac
  part=$data/tools/uv-$uv_version.part.$$
  mkdir -p "$part" "$data/tools/uv-$uv_version" || exit 1
  trap 'rm -rf "$part"' EXIT INT TERM
  say "Downloading uv (20 MB), which installs a Python for sdsetup."
  mirror=
  [ -n "${SDSETUP_UV_ADDRESS:-}" ] || mirror=$uv_mirror/$name.tar.gz
  fetch "$address" "$part/uv.tar.gz" || { [ -n "$mirror" ] && fetch "$mirror" "$part/uv.tar.gz"; } || {
    say "Python 3.10 or newer was not found, and uv, which installs one, could not be downloaded."
    say "where:" "$address"
    say "why: the download failed, see the message above"
    say "fix: check your internet connection and proxy, or install python3 and python3-venv, then start again."
    exit 1
  }
  found=$(sha256_of "$part/uv.tar.gz")
  [ "$found" = "$sum" ] || {
    say "The downloaded file is not the expected one and was not used."
    say "where:" "$address"
    say "why: its SHA-256 is not the expected" "$sum"
    say "fix: start again. If that fails, use another network: a proxy or an antivirus changes downloads."
    exit 1
  }
  tar -xzf "$part/uv.tar.gz" -C "$part" && mv -f "$part/$name/uv" "$uv" || exit 1
  rm -rf "$part"
  trap - EXIT INT TERM
}

bring_python() {
  bring_uv
  say "Downloading Python (30 MB) into this folder:" "$data/tools/python"
  # In a folder of ours: uv reads a uv.toml that lies in the current one.
  (cd "$data/tools" && UV_PYTHON_INSTALL_DIR=$data/tools/python UV_PYTHON_INSTALL_BIN=0 UV_NO_CACHE=1 \
    "$uv" python install "$python_version" >&2) || {
    say "Python could not be downloaded."
    say "why: the download failed, see the message above"
    say "fix: check your internet connection and proxy, or install python3 and python3-venv, then start again."
    exit 1
  }
}

project=$(project_folder) || exit 1
words=$project/bootstrap/words/$(language "$@").65001.txt
[ -f "$project/bootstrap/start.py" ] || {
  say "This file was started without the rest of its folder."
  say "why: this file is missing:" "$project/bootstrap/start.py"
  say "fix: extract or clone the whole project again, then start it from there."
  exit 1
}
system=$(uname -s)
HOME=${HOME:-$(home_folder)}
case $HOME in
  /*) export HOME ;;
  *)
    say "Home folder not found."
    say "why: HOME is not set to a full path"
    say "fix: set HOME, then start again."
    exit 1
    ;;
esac
if [ -n "${SDSETUP_DATA_DIR:-}" ]; then
  data=$SDSETUP_DATA_DIR
elif [ "$system" = Darwin ]; then
  data=$HOME/Library/Application\ Support/sdsetup
else
  data=${XDG_DATA_HOME:-$HOME/.local/share}/sdsetup
fi
case $data in /*) ;; *) data=$PWD/$data ;; esac
: "${SDSETUP_COMMAND:=$0}" # what a user types to start us
export SDSETUP_COMMAND

python=$data/app/env/bin/python
# The environment's own Python may be damaged, or the one that it was made with may be gone.
if [ ! -f "$data/app/stamp.txt" ] || ! suits "$python"; then
  python=$(find_python) || {
    bring_python
    python=$(find_python) || {
      say "The downloaded Python does not start."
      say "why: it does not support this system"
      say "fix: install python3 and python3-venv with your system's package manager, then start again."
      exit 1
    }
  }
fi
exec "$python" -I "$project/bootstrap/start.py" "$@"
