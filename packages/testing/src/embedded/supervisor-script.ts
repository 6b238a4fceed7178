/**
 * The shell that holds a server. It reads commands from a pipe that its owner keeps open; the end of that pipe, which the
 * kernel brings about however the owner dies, makes it stop the server and remove the folder.
 *
 * Arguments: the parent of the folder, a data directory to keep (or empty), then arguments of `postgres`. Environment:
 * `RILLFLOW_BIN`, `RILLFLOW_PASSWORD`, `RILLFLOW_INITDB` (flags). Commands: `init`, `run <port>`. Answers: `home <folder>`,
 * `init <status>`, `pid <pid>`, `exit <status>`.
 */
export const SUPERVISOR_SCRIPT = `
umask 077
parent=$1 kept=$2
shift 2
bin=$RILLFLOW_BIN password=$RILLFLOW_PASSWORD flags=$RILLFLOW_INITDB
unset RILLFLOW_BIN RILLFLOW_PASSWORD RILLFLOW_INITDB

home=$(mktemp -d "$parent/rillflow-server-XXXXXX") || exit 1
data=\${kept:-$home/data}
log=$home/server.log
ran=

# True for a while, then false: the server gets 15 seconds for each way of stopping.
patience() {
  tries=$((tries + 1))
  [ "$tries" -le 300 ] && sleep 0.05
}

stop_server() {
  [ -n "$ran" ] || return 0
  tries=0
  until [ -s "$home/pid" ]; do patience || return 0; done
  pid=$(cat "$home/pid")
  for signal in INT QUIT KILL; do
    # Once it has been waited for, the number may be another process's.
    [ -e "$home/exited" ] || kill -s "$signal" "$pid" 2>/dev/null
    [ -e "$home/exited" ] || kill -s CONT "$pid" 2>/dev/null
    tries=0
    until [ -e "$home/exited" ]; do patience || break; done
    [ -e "$home/exited" ] && break
  done
  # A killed server leaves its lock file, which names the shared memory that outlives it.
  if [ "$(sed -n 1p "$data/postmaster.pid" 2>/dev/null)" = "$pid" ]; then
    set -- $(sed -n 7p "$data/postmaster.pid")
    [ -n "$2" ] && ipcrm -m "$2" 2>/dev/null
  fi
}

finish() {
  trap '' HUP INT QUIT TERM
  stop_server
  tries=0
  # The backends of a killed server may write a moment longer.
  until rm -rf "$home" 2>/dev/null; do patience || break; done
  exit 0
}

trap '' PIPE
trap finish HUP INT QUIT TERM
printf 'home %s\\n' "$home"

while read -r command port; do
  case $command in
    init)
      printf '%s\\n' "$password" >"$home/password"
      "$bin/initdb" -D "$data" -U postgres -A scram-sha-256 --pwfile="$home/password" $flags </dev/null >>"$log" 2>&1
      status=$?
      if [ "$status" = 0 ] && [ -n "$kept" ]; then cp "$home/password" "$data/rillflow-password"; fi
      printf 'init %s\\n' "$status"
      ;;
    run)
      rm -f "$home/pid" "$home/exited"
      ran=yes
      (
        "$bin/postgres" -D "$data" -p "$port" "$@" </dev/null >>"$log" 2>&1 &
        printf '%s\\n' "$!" >"$home/pid"
        printf 'pid %s\\n' "$!"
        wait "$!"
        status=$?
        : >"$home/exited"
        printf 'exit %s\\n' "$status"
      ) </dev/null &
      ;;
  esac
done
finish
`
