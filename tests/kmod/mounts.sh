# Filesystems that use files of their owner, tell of changes, or misbehave. Read by init.
insmod $module
mkdir -p /src /mnt/x
echo hello >/src/f; mkdir -p /src/d; dd if=/dev/urandom of=/src/big bs=1M count=8 2>/dev/null
RUST_LOG=wasmjit=debug wasmjit mount --kernel /fs/passthrough.wasm /mnt/x --dir /src::/src -o source=/src --log /tmp/x.log || fail "mounting passthrough"
cmp /src/big /mnt/x/big || fail "reading through"
cp /mnt/x/big /mnt/x/d/copy && cmp /src/big /src/d/copy || fail "writing through"
for i in $(seq 50); do echo $i >/mnt/x/d/n$i; [ "$(cat /src/d/n$i)" = $i ] || fail "a small file"; done
[ $(ls /mnt/x/d | wc -l) = 51 ] || fail "a directory through"
rm /mnt/x/d/n1*; mv /mnt/x/d/copy /mnt/x/moved; [ -e /src/moved ] || fail "renaming through"
umount /mnt/x; sleep 1
grep -E 'fd_read|fd_write|fd_pread|fd_pwrite|fstat64' /tmp/x.log && fail "the kernel asked for what it has"
grep -q 'the kernel asked for' /tmp/x.log || fail "no log: $(cat /tmp/x.log)"
unload
passed passthrough

insmod $module
(cd /src && tar cf /tmp/a.tar f d big)
RUST_LOG=wasmjit=debug wasmjit mount --kernel /fs/archive.wasm /mnt/x --dir /tmp::/data:ro --log /tmp/a.log -- /data/a.tar || fail "mounting an archive"
cmp /src/big /mnt/x/big || fail "reading an archive"
[ "$(cat /mnt/x/f)" = hello ] || fail "reading an archive"
echo x 2>/dev/null >/mnt/x/new && fail "an archive is written"
umount /mnt/x; sleep 1
grep -E 'fd_read|fd_pread' /tmp/a.log && fail "the kernel asked for what it has"
unload
passed archive

if [ -e /fs/async.wasm ]; then
	insmod $module
	kmount async /mnt/x
	first=$(cat /mnt/x/note)
	echo -n x >/mnt/x/kick; [ "$(cat /mnt/x/note)" = "$first" ] || fail "not cached"
	echo -n inval >/mnt/x/ctl; sleep 1
	[ "$(cat /mnt/x/note)" = "$first" ] && fail "not invalidated"
	echo -n "store generation 777777" >/mnt/x/ctl; sleep 1
	[ "$(cat /mnt/x/note)" = "generation 777777" ] || fail "not stored: $(cat /mnt/x/note)"
	echo -n retrieve >/mnt/x/ctl; sleep 1
	# Not by sendfile(2), which looks at the page cache.
	said=$(dd if=/mnt/x/ctl bs=4096 count=1 2>/dev/null)
	[ "$said" = "retrieved generation 777777" ] || fail "not retrieved: $said"
	stat /mnt/x/victim >/dev/null
	echo -n delete >/mnt/x/ctl; sleep 1
	[ -e /mnt/x/victim ] && fail "not deleted"
	umount /mnt/x; sleep 1
	unload
	passed notifications
fi

# The owner of what was unmounted ends; if not, what it does is told.
owner_ends() {
	for n in $(seq 100); do pidof wasmjit >/dev/null || return 0; sleep 0.1; done
	for p in $(pidof wasmjit); do
		for task in /proc/$p/task/*; do echo "$task $(cat $task/comm) $(cat $task/wchan)"; grep -E '^(State|PPid)' $task/status; cat $task/stack; done
	done
	fail "$1: the owner did not end"
}

if [ -e /fs/threads-mt.wasm ]; then
	insmod $module
	mkdir -p /mnt/x
	wasmjit mount --kernel --workers 4 /fs/threads-mt.wasm /mnt/x --log /tmp/x.log || fail "mounting a filesystem with threads"
	# Reads of 200 ms each: at the same time.
	for n in 1 2 3 4; do : >/mnt/x/slow-$n; done
	for n in 1 2 3 4; do cat /mnt/x/slow-$n >/tmp/most-$n & readers="$readers $!"; done
	for n in $readers; do wait $n || fail "a slow read"; done
	most=$(cat /mnt/x/slow-1)
	[ "$most" -ge 2 ] && [ "$most" -le 4 ] || fail "$most callbacks at a time"
	# What one thread makes memory larger by, others can use at once.
	jobs=
	for n in 1 2 3 4; do
		(: >/mnt/x/grow-$n; for i in $(seq 12); do cat /mnt/x/grow-$n >/dev/null || exit 1; done) & jobs="$jobs $!"
	done
	for job in $jobs; do wait $job || fail "growing memory"; done
	# Paths stay right while a callback has them.
	jobs=
	for n in 1 2 3 4; do
		(: >/mnt/x/a$n; for i in $(seq 20); do
			mv /mnt/x/a$n /mnt/x/b$n && mv /mnt/x/b$n /mnt/x/a$n || exit 1
			cat /mnt/x/a$(((n + i) % 4 + 1)) 2>&1 >/dev/null | grep -v 'No such file' && exit 1
			true
		done) & jobs="$jobs $!"
	done
	for job in $jobs; do wait $job || fail "renames beside reads"; done
	# One thread's crash is everybody's.
	: >/mnt/x/crash; rm /mnt/x/crash 2>/dev/null && fail "a crash works"
	stat /mnt/x/other 2>&1 | grep -qi 'put/output error' || fail "it works after a crash"
	umount /mnt/x || fail "umount after a crash"
	owner_ends "threads"
	wasmjit mount --kernel /fs/replies-mt.wasm /mnt/x --log /tmp/x.log || fail "mounting a filesystem whose threads reply"
	jobs=
	for n in 1 2 3 4; do (for i in 1 2 3; do [ "$(cat /mnt/x/file)" = "from a thread" ] || exit 1; done) & jobs="$jobs $!"; done
	for job in $jobs; do wait $job || fail "replies of other threads"; done
	umount /mnt/x
	owner_ends "replies"
	# Files of the owner, whose descriptors change in all threads; the kernel has most of the calls on them.
	mkdir -p /src/mt
	RUST_LOG=wasmjit=debug wasmjit mount --kernel --workers 4 /fs/passthrough-mt.wasm /mnt/x --dir /src::/src -o source=/src/mt --log /tmp/x.log ||
		fail "mounting passthrough with threads"
	jobs=
	for n in 1 2 3 4; do timeout 4 stress /mnt/x $n >/tmp/stress-$n.out & jobs="$jobs $!"; done
	for job in $jobs; do
		status=0; wait $job || status=$?
		[ $status -eq 143 ] || [ $status -eq 124 ] || fail "random operations of several: $status, $(cat /tmp/stress-*.out)"
	done
	umount /mnt/x
	owner_ends "passthrough with threads"
	reads=$(sed -n 's/.*the kernel asked for .*fd_pread \([0-9]*\) times.*/\1/p' /tmp/x.log | awk '{ n += $1 } END { print n + 0 }')
	echo "reads that the kernel asked for: $reads"
	# An owner that is killed leaves none of them waiting.
	wasmjit mount --kernel --workers 4 /fs/threads-mt.wasm /mnt/x --log /tmp/x.log || fail "mounting a filesystem with threads"
	for n in 1 2 3 4; do : >/mnt/x/slow-$n; cat /mnt/x/slow-$n >/dev/null 2>&1 & done
	kill -9 $(pidof wasmjit)
	wait
	sleep 1
	stat /mnt/x/other 2>&1 | grep -qi 'put/output error' || fail "it works without its owner"
	umount /mnt/x || fail "umount without the owner"
	owner_ends "killed threads"
	unload
	passed filesystems with threads
fi

insmod $module
mkdir -p /tmp/g; vm-test /tmp/g
for guest in /tmp/g/hostile-*.wasm; do
	name=${guest##*/hostile-}
	wasmjit mount --kernel --timeout 1s --memory-limit 64M $guest /mnt/x --log /tmp/h.log || fail "mounting $name"
	for place in /mnt/x /mnt/x/x; do
		start=$(date +%s)
		timeout 15 stat $place >/dev/null 2>&1 && fail "$name: stat works"
		[ $(($(date +%s) - start)) -lt 10 ] || fail "$name: stat waits too long"
	done
	stat /mnt/x 2>&1 | grep -qi 'not connected' && fail "$name: the connection is lost"
	umount /mnt/x || fail "$name: umount"
	owner_ends "$name"
done
# A loop without a time limit ends by a forced unmount.
wasmjit mount --kernel /tmp/g/hostile-endless_loop.wasm /mnt/x --log /tmp/h.log || fail "mounting an endless loop"
stat /mnt/x/x >/dev/null 2>&1 & looping=$!
sleep 2
kill -0 $looping || fail "the loop ends by itself"
umount -f /mnt/x 2>/dev/null || true
for n in $(seq 100); do kill -0 $looping 2>/dev/null || break; sleep 0.1; done
kill -0 $looping 2>/dev/null && fail "the loop goes on after umount -f"
wait $looping && fail "a loop gives attributes"
grep -q ' /mnt/x ' /proc/mounts && { umount /mnt/x || fail "umount after umount -f"; }
owner_ends "after umount -f"
unload
passed hostile guests
