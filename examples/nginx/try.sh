#!/bin/bash
# Start nginx.wasm under wasmjit and ask it, with curl, for what it should do:
#
#   examples/nginx/try.sh            static files, ranges, keep-alive, reverse proxy, access log, signals
#   examples/nginx/try.sh bench      requests/s beside the native nginx (build.sh native), by wrk
#   examples/nginx/try.sh serve      serves target/nginx/site until Ctrl-C
#
# Environment: EVENTS (poll, epoll, select; poll by default), PORT (8090), WASMJIT, NGINX_TARGET,
# ROUNDS (7) and SECONDS_EACH (4) of the benchmark; NO_HARDEN=1 does not confine the process.
set -eu

here=$(dirname -- "$(readlink -f -- "$0")")
root=$(readlink -f -- "$here/../..")
target=$(readlink -f -- "${NGINX_TARGET:-$root/target/nginx}")
wasmjit=${WASMJIT:-$root/target/release/wasmjit}
events=${EVENTS:-poll} port=${PORT:-8090}
site=$target/site
base=http://127.0.0.1
pids=
# As root, nginx looks up a user to become, and Emscripten's C library has no users.
as_user=
if [ "$(id -u)" = 0 ]; then
	as_user="setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_CACHE_HOME=$target/cache"
	mkdir -p "$target/cache"
	chown 65534:65534 "$target/cache"
fi

stop() {
	local pid
	for pid in $pids; do kill "$pid" 2>/dev/null || :; done
	for pid in $pids; do wait "$pid" 2>/dev/null || :; done
	pids=
}
trap stop EXIT
die() { echo "try.sh: $*" >&2; exit 1; }

# name, port: a prefix directory with its configuration
prefix() {
	local dir=$target/run-$1
	rm -rf "$dir"
	mkdir -p "$dir/logs"
	cat >"$dir/nginx.conf" <<-END
	master_process off;
	daemon off;
	pid logs/nginx.pid;
	error_log logs/error.log notice;
	events { use $events; worker_connections 512; }
	http {
		access_log ${3:-logs/access.log};
		default_type text/plain;
		keepalive_requests 1000000;
		sendfile on;
		server {
			listen 127.0.0.1:$2;
			root $site;
			location /up/ {
				proxy_pass http://127.0.0.1:$((port + 1))/;
				proxy_http_version 1.1;
				proxy_set_header Connection "";
			}
		}
	}
	END
	[ -z "$as_user" ] || chown -R 65534:65534 "$dir"
	echo "$dir"
}

# URL: waits until somebody answers
await() {
	local i
	for i in $(seq 100); do
		curl -s -o /dev/null "$1" && return 0
		sleep 0.1
	done
	die "nobody answers at $1"
}

start_wasm() { # port, access log
	local dir
	dir=$(prefix wasm "$@")
	$server_cpu $as_user "$wasmjit" run ${NO_HARDEN:+--no-harden} --dir "$dir" --dir "$site:ro" --net listen=127.0.0.1:"$1" \
		--net connect=127.0.0.1:$((port + 1)) "$target/nginx.wasm" -p "$dir/" -c nginx.conf &
	pids="$pids $!" wasm_pid=$!
	await "$base:$1/small"
}

start_native() { # port, access log
	local dir
	[ -x "$target/nginx" ] || die "no native nginx: build.sh native"
	dir=$(prefix native "$@")
	$server_cpu $as_user "$target/nginx" -p "$dir/" -c nginx.conf &
	pids="$pids $!"
	await "$base:$1/small"
}

make_site() {
	mkdir -p "$site/dir"
	echo '<p>hello' >"$site/index.html"
	head -c 1024 /dev/urandom >"$site/small"
	head -c 102400 /dev/urandom >"$site/large"
	head -c 20000000 /dev/urandom >"$site/huge"
}

failures=0
is() { # what, expected, found
	if [ "$2" = "$3" ]; then
		echo "ok    $1"
	else
		echo "FAIL  $1: expected '$2', found '$3'"
		failures=$((failures + 1))
	fi
}
sum() { sha256sum | cut -c1-16; }
code() { curl -s -o /dev/null -w '%{http_code}' "$@"; }

check_files() {
	local url=$1 f
	is "index" '<p>hello' "$(curl -s "$url/")"
	for f in small large huge; do
		is "file $f" "$(sum <"$site/$f")" "$(curl -s "$url/$f" | sum)"
	done
	is "no such file" 404 "$(code "$url/none")"
	is "directory without slash" 301 "$(code "$url/dir")"
	is "above the root" 400 "$(code --path-as-is "$url/../../etc/passwd")"
	is "HEAD" 200 "$(code -I "$url/large")"
	is "not modified" 304 "$(code -z "$(date -R -r "$site/small")" "$url/small")"
	is "range" "$(tail -c +1001 "$site/large" | head -c 5000 | sum)" "$(curl -s -r 1000-5999 "$url/large" | sum)"
	is "range's status" 206 "$(code -r 1000-5999 "$url/large")"
	is "range of the end" "$(tail -c 77 "$site/large" | sum)" "$(curl -s -r -77 "$url/large" | sum)"
	is "several ranges" 206 "$(code -r 0-9,100-199 "$url/large")"
	is "range beyond the end" 416 "$(code -r 200000-200010 "$url/large")"
	is "keep-alive" "1 0 0" "$(curl -s -w '%{num_connects} ' -o /dev/null "$url/small" -o /dev/null "$url/large" \
		-o /dev/null "$url/small" | sed 's/ $//')"
}

check_parallel() {
	local url=$1 i jobs= bad=0
	for i in $(seq 40); do
		{ [ "$(curl -s "$url/large" | sum)" = "$(sum <"$site/large")" ]; } &
		jobs="$jobs $!"
	done
	for i in $jobs; do wait "$i" || bad=$((bad + 1)); done
	is "40 at once" 0 "$bad"
}

check() {
	local dir=$target/run-wasm url=$base:$port
	start_wasm "$port"
	check_files "$url"
	check_parallel "$url"
	is "proxy without its upstream" 502 "$(code "$url/up/")"
	python3 -m http.server -b 127.0.0.1 -d "$site" $((port + 1)) >/dev/null 2>&1 &
	pids="$pids $!"
	await "$base:$((port + 1))/"
	is "proxied index" '<p>hello' "$(curl -s "$url/up/")"
	is "proxied file" "$(sum <"$site/huge")" "$(curl -s "$url/up/huge" | sum)"
	is "proxied error" 404 "$(code "$url/up/none")"
	is "access log" 1 "$(grep -c '"GET /none HTTP/1.1" 404 ' "$dir/logs/access.log")"
	is "access log's range" 1 "$(grep -c '"GET /large HTTP/1.1" 206 77 ' "$dir/logs/access.log")"
	mv "$dir/logs/access.log" "$dir/logs/old.log"
	kill -USR1 "$wasm_pid"
	sleep 0.3
	curl -s -o /dev/null "$url/small"
	is "SIGUSR1 opens the logs anew" 1 "$(grep -c /small "$dir/logs/access.log")"
	kill -QUIT "$wasm_pid"
	wait "$wasm_pid" && status=0 || status=$?
	is "SIGQUIT ends it" 0 "$status"
	is "alerts in the error log" "" "$(grep -E '\[(alert|crit|emerg)\]' "$dir/logs/error.log" || :)"
	[ "$failures" -eq 0 ] || die "$failures failures"
}

rate() { $client_cpu wrk -t1 -c32 -d"$1" "$2" | sed -n 's/^Requests\/sec: *//p'; }

# of numbers, a line each
median() {
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Server and client each on a CPU of their own, where there are two: left to the scheduler, the
# same server's figures differ twofold between rounds.
server_cpu= client_cpu=
on_two_cpus() {
	[ "$(nproc)" -ge 2 ] || return 0
	server_cpu="taskset -c 0" client_cpu="taskset -c 1"
}

# Both serve all the time and are asked by turns, so that what else the machine does hits both.
bench() {
	local file round native=$base:$((port + 2)) wasm=$base:$port rounds=$target/rounds
	command -v wrk >/dev/null || die "wrk is needed: apt-get install wrk"
	[ -x "$target/nginx" ] || "$here/build.sh" native >"$target/native.log" 2>&1 || die "see $target/native.log"
	on_two_cpus
	start_native $((port + 2)) off
	start_wasm "$port" off
	printf '%-8s %-6s %12s %12s %8s   %s\n' file events native wasm ratio 'requests/s; medians, and of the rounds'"'"' ratios'
	for file in small large; do
		rate 1 "$native/$file" >/dev/null
		rate 1 "$wasm/$file" >/dev/null
		: >"$rounds"
		for round in $(seq "${ROUNDS:-7}"); do
			local a b
			# neither always goes first
			[ $((round % 2)) = 0 ] || a=$(rate "${SECONDS_EACH:-4}" "$native/$file")
			b=$(rate "${SECONDS_EACH:-4}" "$wasm/$file")
			[ $((round % 2)) = 1 ] || a=$(rate "${SECONDS_EACH:-4}" "$native/$file")
			echo "$a $b" >>"$rounds"
		done
		printf '%-8s %-6s %12s %12s %8.3f   rounds: %s\n' "$file" "$events" "$(cut -d' ' -f1 "$rounds" | median)" \
			"$(cut -d' ' -f2 "$rounds" | median)" "$(awk '{ print $2 / $1 }' "$rounds" | median)" \
			"$(awk '{ printf "%.2f ", $2 / $1 }' "$rounds")"
	done
}

[ -f "$target/nginx.wasm" ] || die "no nginx.wasm: build.sh"
[ -f "$site/huge" ] || make_site
case ${1:-check} in
check) check ;;
bench) bench ;;
serve) start_wasm "$port" && echo "$base:$port/" && wait "$wasm_pid" ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
