# Sourced by ./start and ./check, with $root set: a Node that is new enough, and dependencies as the lockfile says.
# Costs two milliseconds when there is nothing to do; the network is asked only when there is.

node_is_new_enough() {
  case "$("$1" --version 2>/dev/null)" in
    v24.[0-9].* | v24.1[01].*) return 1 ;;
    v2[4-9].* | v[3-9][0-9].*) return 0 ;;
    *) return 1 ;;
  esac
}

install_dependencies() {
  if ! command -v npm >/dev/null; then
    echo "postvarta: npm is not here: install Node 24.12 or later with npm (https://nodejs.org), then run this again" >&2
    exit 1
  fi
  echo "postvarta: installing what package-lock.json names …" >&2
  # npm of an older Node warns about `engines`; it only fetches, what it fetched runs on the Node that comes with it.
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error) >&2
}

if [ ! -e "$root/node_modules/.package-lock.json" ] || [ "$root/package-lock.json" -nt "$root/node_modules/.package-lock.json" ]; then
  install_dependencies
fi

# The system's Node where it is new enough, otherwise the one that npm brought.
if ! node_is_new_enough node; then
  if ! node_is_new_enough "$root/node_modules/.bin/node"; then
    echo "postvarta: Node 24.12 or later is needed, and npm could not bring one for this machine: install it (https://nodejs.org)" >&2
    exit 1
  fi
  PATH="$root/node_modules/node/bin:$PATH"
  export PATH
fi
