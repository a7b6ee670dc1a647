# Programs: run in the kernel, they do what they do in user space. Read by init.
mkdir -p /tmp/g /tmp/work
vm-test /tmp/g
said=$(wasmjit run --kernel /tmp/g/copy.wasm 2>&1 </dev/null) && fail "there is no module, and it runs"
echo "$said" | grep -q 'load the kernel module' || fail "no advice without the module: $said"
insmod $module
said=$(su nobody -s /bin/sh -c 'wasmjit run --kernel /tmp/g/copy.wasm' 2>&1 </dev/null) && fail "anybody may run in the kernel"
echo "$said" | grep -q 'by root only' || fail "no advice for others: $said"
said=$(wasmjit run --kernel /guests/em6.0.5/js-excwasm.wasm 2>&1) && fail "exceptions run"
echo "$said" | grep -q exceptions || fail "no word about exceptions: $said"

# The same program there and here: what it prints, complains of and ends with.
both() {
	rm -rf /tmp/work; mkdir /tmp/work
	"$@" >/tmp/u.out 2>/tmp/u.err </dev/null && u=0 || u=$?
	rm -rf /tmp/work; mkdir /tmp/work
	shift 2
	wasmjit run --kernel "$@" >/tmp/k.out 2>/tmp/k.err </dev/null && k=0 || k=$?
	# Of a call stack that is exhausted, the kernel notes fewer frames.
	for err in /tmp/u.err /tmp/k.err; do sed -i 6q $err; done
	[ $u = $k ] && cmp -s /tmp/u.out /tmp/k.out && cmp -s /tmp/u.err /tmp/k.err && return
	echo "$*: in user space $u, in the kernel $k"
	head -c 600 /tmp/u.out /tmp/u.err /tmp/k.out /tmp/k.err
	fail "a program differs"
}
for v in em3.1.6 em6.0.5; do
	for name in js-hello js-qs js-growth js-cxxnoexc js-excjs js-selfpipe js-selfpipe_sig js-sjlj js-timefn standalone-hello \
		standalone-sjlj js-excdefault; do
		[ -e /guests/$v/$name.wasm ] && both wasmjit run /guests/$v/$name.wasm a b
	done
	both wasmjit run --dir /tmp/work::/data --env HOME=/home/guest /guests/$v/js-fileio.wasm /data/work
done
both wasmjit run --dir /tmp/work::/work --env A=b /guests/rust/wasip1-hello.wasm /work
both wasmjit run --dir /tmp/work::/data --net connect=127.0.0.1:* --net listen=127.0.0.1:* /guests/em3.1.6/sdk-posix.wasm /data
# Signals of timers, while it computes.
both wasmjit run /guests/em3.1.6/sdk-alarm.wasm
for name in trap bounds deep bulk vector; do both wasmjit run /tmp/g/$name.wasm; done
both wasmjit run --timeout 1s /tmp/g/loop.wasm
wasmjit run --kernel /tmp/g/bulk.wasm || fail "bulk operations: $?"

# Waiting for input, files, and what ends a program that waits or computes.
[ "$( (sleep 1; echo hello) | wasmjit run --kernel /tmp/g/copy.wasm)" = hello ] || fail "waiting for input"
wasmjit run --kernel /tmp/g/copy.wasm </bin/busybox >/tmp/copied && fail "the status"
cmp /bin/busybox /tmp/copied || fail "copying files"
mkfifo /tmp/silence
sleep 1000 >/tmp/silence & silence=$!
for guest in loop copy; do
	for signal in TERM KILL; do
		wasmjit run --kernel /tmp/g/$guest.wasm </tmp/silence & victim=$!
		sleep 2; kill -$signal $victim; sleep 1
		kill -0 $victim 2>/dev/null && fail "$guest goes on after SIG$signal"
		wait $victim || true
	done
done
# From the terminal; what a shell starts in the background would not hear of that.
for guest in loop copy; do
	timeout -s INT 2 wasmjit run --kernel /tmp/g/$guest.wasm </tmp/silence && k=0 || k=$?
	[ $k = 130 ] || fail "$guest ends with $k after SIGINT"
done
kill $silence

# What is done there is not asked for.
said() { RUST_LOG=wasmjit=debug wasmjit run --kernel "$@" 2>&1 </dev/null; }
said /guests/em3.1.6/js-selfpipe.wasm >/tmp/k.out || fail "self-pipe"
grep -E 'asked for.*(fd_read|fd_write|poll|newselect)' /tmp/k.out && fail "the kernel asked for what it has"
grep -q 'the kernel asked for' /tmp/k.out || fail "no log: $(cat /tmp/k.out)"

# To who watches system calls they are made in user space: a tracer, from the start or later, a rule of audit, a filter that was there before.
said /fs/selfpipe.wasm 1 >/tmp/k.out || fail "self-pipe"
grep -E 'asked for.*(fd_read|fd_write)' /tmp/k.out && fail "the kernel asked for what it has"
for how in trace audit; do
	watcher $how wasmjit run --kernel /fs/selfpipe.wasm 1 >/tmp/k.out 2>/tmp/k.err </dev/null || fail "$how: $? $(cat /tmp/k.out /tmp/k.err)"
	grep -qx 'saw 256 reads and 256 writes' /tmp/k.err || fail "$how: $(cat /tmp/k.err)"
done
wasmjit run --kernel /fs/selfpipe.wasm >/dev/null </dev/null & traced=$!
n=0
# Sooner or later its main function runs.
until watcher attach $traced 2>/tmp/k.err && grep -qE 'saw [0-9]{2,} reads and [0-9]{2,} writes' /tmp/k.err; do
	n=$((n + 1)); [ $n -lt 10 ] || fail "attach: $(cat /tmp/k.err)"
done
sleep 1; kill -0 $traced || fail "a program ends with its tracer"
kill -9 $traced; wait $traced || true
watcher filter wasmjit run --kernel /fs/selfpipe.wasm 1 >/tmp/k.out 2>/tmp/k.err </dev/null && fail "a filter lets pass"
grep -q 'Cross-device link' /tmp/k.err || fail "a filter: $(cat /tmp/k.err)"
# Audit without rules watches nobody.
said /guests/em3.1.6/js-selfpipe.wasm >/tmp/k.out || fail "self-pipe"
grep -E 'asked for.*(fd_read|fd_write|poll|newselect)' /tmp/k.out && fail "audit without rules watches"

# A handler of SIGINT runs, and the program goes on.
if [ -e /fs/interrupted.wasm ]; then
	for how in compute read poll sleep; do
		watcher terminal wasmjit run --kernel /fs/interrupted.wasm $how >/tmp/k.out && k=0 || k=$?
		[ $k = 7 ] && grep -q '^caught 1' /tmp/k.out || fail "a handler, where it has to $how: $k $(cat /tmp/k.out)"
	done
fi

# Runs that end while others of the same program start.
for n in 1 2 3; do
	(for i in 1 2 3 4 5 6; do echo $n$i | wasmjit run --kernel /tmp/g/copy.wasm >>/tmp/runs 2>&1 || [ $? = 5 ] || echo FAILED >>/tmp/runs; done) &
done
wait
[ $(grep -c '^[1-3][1-6]$' /tmp/runs) = 18 ] && [ $(wc -l </tmp/runs) = 18 ] || fail "runs of one program at a time: $(cat /tmp/runs)"
# Another program in the kernel beside one that computes.
wasmjit run --kernel /tmp/g/loop.wasm & looping=$!
wasmjit run --kernel /fs/selfpipe.wasm 4 >/dev/null || fail "two at a time"
kill -9 $looping; wait $looping || true
# Memory that is not to be had.
echo 32 >/sys/module/wasmjit/parameters/max_memory_mb
said=$(wasmjit run --kernel /guests/em6.0.5/js-growth.wasm 2>&1) && case "$said" in alloc*) fail "more memory than allowed" ;; esac
echo 1 >/sys/module/wasmjit/parameters/max_memory_mb
said=$(wasmjit run --kernel /fs/selfpipe.wasm 1 2>&1) && fail "more memory than allowed"
echo "$said" | grep -q 'parameters' || fail "no advice about limits: $said"
echo 512 >/sys/module/wasmjit/parameters/max_memory_mb
for n in $(seq 50); do lsmod | grep -q wjimg_ || break; sleep 0.2; done
lsmod | grep -q wjimg_ && fail "code stays in the kernel: $(lsmod)"
rmmod wasmjit
passed programs
