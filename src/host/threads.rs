//! The threads of a guest.
//!
//! Each is a thread of the host with an instance of its own (so with globals, a table and a stack of its own) over the one
//! memory that all of them share, as Emscripten's and WASI's conventions have it. What the host knows of the guest (descriptors, the
//! current directory, signals) is shared, too, each part behind its own lock: see `Host::for_thread`.
//!
//! The guest ends when its first thread does, when any thread calls `exit`, or when any thread traps; then all others are interrupted. One
//! that does not come back within a moment is left behind: it owns, or shares, all that it uses.

use super::errno::Errno;
use super::signals::{Delivery, MESSAGES};
use super::start;
use super::state::{HasHost, Host};
use super::sys::signal::Thread;
use crate::memory::SharedMemory;
use crate::runtime::{AsContextMut, Val, WasmParams, WasmResults};
use crate::runtime::{Caller, Engine, Error, Extern, Instance, InterruptHandle, Linker, Memory, Module, Store, Trap};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A store's data that is nothing but a guest's state.
#[derive(Debug)]
pub struct Program(pub Host);

impl HasHost for Program {
    fn host(&mut self) -> &mut Host {
        &mut self.0
    }
}

/// How long the threads of a guest that ends may take to come back.
const GRACE: Duration = Duration::from_secs(1);

/// How often a thread that is to come back is woken.
const KICK: Duration = Duration::from_millis(5);

/// The guest's first thread.
pub(super) const FIRST: u32 = 0;

/// Highest number of a thread: WASI's, which may have 29 bits.
const LAST: u32 = (1 << 29) - 1;

/// A thread that goes back to an event loop which is not there: it has ended, but for messages that others send.
#[derive(Debug)]
pub(super) struct Unwind;

impl fmt::Display for Unwind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program waits for events that no host without JavaScript has")
    }
}

impl std::error::Error for Unwind {}

/// The trap of [`Unwind`].
pub(super) fn unwind() -> Trap {
    Trap::host(Unwind).without_backtrace()
}

/// Why all threads end.
#[derive(Debug)]
enum End {
    Exit(i32),
    Trap(Trap),
    /// The first thread has an outcome of its own.
    First,
}

/// A thread that runs, or is about to.
#[derive(Debug)]
struct Member {
    /// What the guest knows it by: the address of its `struct pthread`.
    name: u32,
    interrupt: InterruptHandle,
    thread: Option<Thread>,
    pending: Arc<AtomicU64>,
    /// Queues with work for it.
    queues: Vec<u32>,
}

impl Member {
    fn wake(&self) {
        if let Some(thread) = self.thread {
            thread.kick();
        }
    }

    fn post(&self, bit: u32) {
        self.pending.fetch_or(1 << bit, Ordering::Release);
        self.interrupt.poll();
        self.wake();
    }
}

#[derive(Debug, Default)]
struct State {
    members: BTreeMap<u32, Member>,
    last: u32,
    ended: Option<End>,
    first_left: bool,
    /// Threads that have ended, and whose memory is to be given back on the stack of another.
    garbage: Vec<u32>,
}

/// Adds the embedder's own imports to those of threads.
#[derive(Clone)]
pub struct ThreadImports(Arc<AddImports>);

type AddImports = dyn Fn(&mut Linker<Program>) -> Result<(), Error> + Send + Sync;

impl ThreadImports {
    /// What is to be called once, before the first thread starts.
    pub fn new(add: impl Fn(&mut Linker<Program>) -> Result<(), Error> + Send + Sync + 'static) -> ThreadImports {
        ThreadImports(Arc::new(add))
    }
}

impl fmt::Debug for ThreadImports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThreadImports")
    }
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    module: Module,
    memory: SharedMemory,
    imports: Option<ThreadImports>,
    linker: OnceLock<Linker<Program>>,
    state: Mutex<State>,
    changed: Condvar,
}

/// The threads of one guest.
#[derive(Clone, Debug)]
pub(super) struct Threads(Arc<Inner>);

/// What a new thread runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    /// Emscripten: the thread's structure, the function, its argument.
    Pthread { this: u32, start: u32, arg: u32 },
    /// WASI: the argument.
    Wasi { arg: i32 },
}

impl Entry {
    fn name(self) -> u32 {
        match self {
            Entry::Pthread { this, .. } => this,
            Entry::Wasi { .. } => 0,
        }
    }
}

impl Threads {
    /// The threads of a guest whose first one is about to start.
    pub(super) fn new(
        engine: &Engine,
        module: &Module,
        memory: SharedMemory,
        imports: Option<ThreadImports>,
    ) -> Threads {
        Threads(Arc::new(Inner {
            engine: engine.clone(),
            module: module.clone(),
            memory,
            imports,
            linker: OnceLock::new(),
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the first thread, which is the calling one.
    pub(super) fn enter_first(&self, interrupt: InterruptHandle, pending: Arc<AtomicU64>) {
        let thread = Thread::current().ok();
        let mut state = self.state();
        (state.ended, state.first_left) = (None, false);
        state.members.insert(FIRST, Member { name: 0, interrupt, thread, pending, queues: Vec::new() });
    }

    /// Names the first thread as the guest knows it.
    pub(super) fn name_first(&self, name: u32) {
        if let Some(first) = self.state().members.get_mut(&FIRST) {
            first.name = name;
        }
    }

    fn linker(&self) -> Result<&Linker<Program>, Error> {
        if let Some(linker) = self.0.linker.get() {
            return Ok(linker);
        }
        let mut linker = Linker::new();
        linker.trap_on_missing(true);
        super::link(&mut linker, &self.0.module)?;
        if let Some(imports) = &self.0.imports {
            (imports.0)(&mut linker)?;
        }
        Ok(self.0.linker.get_or_init(|| linker))
    }

    /// Makes a thread's instance.
    fn instance(&self, host: Host) -> Result<(Store<Program>, Instance), Error> {
        let linker = self.linker()?;
        let mut store = Store::new(&self.0.engine, Program(host));
        let memory = Memory::from_shared(&mut store, &self.0.memory);
        let instance = linker.instantiate_filled(&mut store, &self.0.module, &mut |import| {
            start::is_memory(import).then_some(Extern::Memory(memory))
        })?;
        Ok((store, instance))
    }

    /// Starts a thread; gives its number.
    pub(super) fn spawn(&self, host: &mut Host, entry: Entry) -> Result<u32, Errno> {
        let limit = host.max_threads;
        if self.state().members.len() >= limit {
            if host.first_report("start more threads") {
                log::warn!(
                    "the guest was not permitted more than {limit} threads at a time; to permit more: --max-threads"
                );
            }
            return Err(Errno::EAGAIN);
        }
        let own = host.for_thread();
        let pending = own.signals.pending();
        let failed = |error: &dyn fmt::Display| {
            log::warn!("a thread of the guest could not be started: {error}");
            Errno::EAGAIN
        };
        let (store, instance) = self.instance(own).map_err(|error| failed(&error))?;
        let number = {
            let mut state = self.state();
            if state.ended.is_some() {
                return Err(Errno::EAGAIN);
            }
            let number = (state.last + 1..=LAST).chain(1..=LAST).find(|n| !state.members.contains_key(n));
            let number = number.ok_or(Errno::EAGAIN)?;
            state.last = number;
            let interrupt = store.interrupt_handle();
            let member = Member { name: entry.name(), interrupt, thread: None, pending, queues: Vec::new() };
            state.members.insert(number, member);
            number
        };
        let threads = self.clone();
        let size = self.0.engine.stack_for_threads();
        let builder = std::thread::Builder::new().name(format!("wasmjit-{number}")).stack_size(size);
        match builder.spawn(move || threads.run(number, entry, store, instance)) {
            Ok(_) => Ok(number),
            Err(error) => {
                self.state().members.remove(&number);
                Err(failed(&error))
            }
        }
    }

    /// The body of a thread.
    fn run(&self, number: u32, entry: Entry, mut store: Store<Program>, instance: Instance) {
        store.data_mut().0.interrupt = Some(store.interrupt_handle());
        store.on_poll(Delivery);
        let thread = Thread::current().ok();
        let ended = {
            let mut state = self.state();
            if let Some(member) = state.members.get_mut(&number) {
                member.thread = thread;
            }
            state.ended.is_some()
        };
        let end = if ended { None } else { self.run_guest(number, entry, &mut store, &instance) };
        // What the thread held open is given up before anybody can see that it is gone.
        drop(store);
        if let Some(end) = end {
            self.end(number, end);
        }
        let mut state = self.state();
        state.members.remove(&number);
        self.0.changed.notify_all();
    }

    fn run_guest(&self, number: u32, entry: Entry, store: &mut Store<Program>, instance: &Instance) -> Option<End> {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let outcome = match entry {
                Entry::Pthread { this, start, arg } => run_pthread(store, instance, (this, start, arg)),
                Entry::Wasi { arg } => {
                    start::call_if_there::<_, _, ()>(store, instance, "wasi_thread_start", (number as i32, arg))
                        .map(drop)
                }
            };
            match outcome {
                Err(trap) if trap.exit_status().is_some() && store.data().0.flush_at_exit => {
                    start::flush(store, instance).and(Err(trap))
                }
                other => other,
            }
        }));
        match outcome {
            Ok(Ok(())) => None,
            Ok(Err(trap)) => match trap.exit_status() {
                Some(status) => Some(End::Exit(status)),
                None if trap.downcast_ref::<Unwind>().is_some() => None,
                None => Some(End::Trap(trap.in_thread(number))),
            },
            Err(_) => Some(End::Trap(Trap::host("a host function panicked").in_thread(number))),
        }
    }

    /// Ends all threads but the calling one.
    fn end(&self, number: u32, end: End) {
        let mut state = self.state();
        if state.ended.is_none() {
            state.ended = Some(end);
        }
        for member in state.members.iter().filter(|(other, _)| **other != number).map(|(_, member)| member) {
            member.interrupt.interrupt();
        }
        self.0.changed.notify_all();
        // A thread that is about to block misses being woken, so it is woken until it is gone.
        let deadline = Instant::now() + GRACE;
        while !state.first_left || (number == FIRST && state.members.len() > 1) {
            if number == FIRST && Instant::now() > deadline {
                break;
            }
            state.members.iter().filter(|(other, _)| **other != number).for_each(|(_, member)| member.wake());
            state = self.0.changed.wait_timeout(state, KICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends the others with the first thread, and says how the guest ended: as its first thread did, unless another one was
    /// earlier.
    pub(super) fn leave_first(&self, outcome: Result<i32, Trap>) -> Result<i32, Trap> {
        self.state().first_left = true;
        self.end(FIRST, End::First);
        let mut state = self.state();
        state.members.remove(&FIRST);
        match state.ended.replace(End::First) {
            Some(End::Exit(status)) => Ok(status),
            Some(End::Trap(trap)) => Err(trap),
            Some(End::First) | None => outcome,
        }
    }

    /// Waits, as the first thread, until a message has come; false once no other thread is left, or the guest is to end.
    pub(super) fn idle(&self) -> bool {
        let mut state = self.state();
        loop {
            let first = state.members.get(&FIRST);
            if first.is_some_and(|first| first.pending.load(Ordering::Acquire) != 0) {
                return true;
            }
            let stopped = first.is_none_or(|first| first.interrupt.is_set());
            if stopped || state.ended.is_some() || state.members.len() <= 1 {
                return false;
            }
            state = self.0.changed.wait_timeout(state, KICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether the guest knows a thread by this name, and what `act` does with it.
    fn with<R>(&self, name: u32, act: impl FnOnce(&mut Member) -> R) -> Option<R> {
        self.state().members.values_mut().find(|member| member.name == name).map(act)
    }

    /// Raises a signal in a thread; signal 0 only asks whether there is one.
    pub(super) fn signal(&self, name: u32, signal: u32) -> Result<(), Errno> {
        self.with(name, |member| if signal == 0 { member.wake() } else { member.post(signal) }).ok_or(Errno::ESRCH)
    }

    /// Wakes a thread out of a blocking call.
    pub(super) fn wake(&self, name: u32) -> Result<(), Errno> {
        self.with(name, |member| member.wake()).ok_or(Errno::ESRCH)
    }

    /// Tells a thread that others have left work for it, in a queue or in its mailbox. False where there is no such thread.
    pub(super) fn notify(&self, name: u32, queue: Option<u32>) -> bool {
        let told = self.with(name, |member| {
            member.queues.extend(queue.filter(|queue| !member.queues.contains(queue)));
            member.post(MESSAGES);
        });
        self.0.changed.notify_all();
        told.is_some()
    }

    fn take_queues(&self, pending: &Arc<AtomicU64>) -> Vec<u32> {
        let mut state = self.state();
        let own = state.members.values_mut().find(|member| Arc::ptr_eq(&member.pending, pending));
        own.map(|own| std::mem::take(&mut own.queues)).unwrap_or_default()
    }

    /// Notes that the memory of a thread can be given back.
    pub(super) fn discard(&self, name: u32) {
        self.state().garbage.push(name);
    }

    /// Threads whose memory can be given back, as the calling thread is another one.
    pub(super) fn take_garbage(&self) -> Vec<u32> {
        let mut state = self.state();
        let state = &mut *state;
        // One that is still returning from its last call stands on that memory.
        let (running, gone) =
            state.garbage.drain(..).partition(|name| state.members.values().any(|member| member.name == *name));
        state.garbage = running;
        gone
    }
}

/// Calls an export of an instance if it has one of that type.
fn call_exported<S: AsContextMut, P: WasmParams, R: WasmResults>(
    store: &mut S,
    instance: &Instance,
    name: &str,
    params: P,
) -> Result<Option<R>, Trap> {
    match instance.get_func(&*store, name).map(|func| func.typed::<P, R>(&*store)) {
        Some(Ok(func)) => func.call(store, params).map(Some),
        Some(Err(_)) | None => Ok(None),
    }
}

/// Has the guest do what other threads have left for this one.
pub(super) fn take_messages<T: HasHost + 'static>(caller: &mut Caller<'_, T>) -> Result<(), Trap> {
    let Some(instance) = caller.program() else { return Ok(()) };
    let host = caller.data_mut().host();
    let Some(threads) = host.threads.clone() else { return Ok(()) };
    let (pending, first) = (host.signals.pending(), host.signals.is_first());
    do_messages(caller, &instance, &threads, &pending, first)
}

/// Does the first thread's messages until there are no other threads.
pub(super) fn idle<T: HasHost + 'static>(store: &mut Store<T>, instance: &Instance) -> Result<(), Trap> {
    let host = store.data_mut().host();
    let (threads, pending) = (host.threads.clone(), host.signals.pending());
    let Some(threads) = threads else { return Err(unwind()) };
    while threads.idle() {
        let bits = pending.swap(0, Ordering::AcqRel);
        if bits & (1 << MESSAGES) != 0 {
            match do_messages(store, instance, &threads, &pending, true) {
                Err(trap) if trap.downcast_ref::<Unwind>().is_some() => {}
                other => other?,
            }
        }
        super::signals::raise_all(store, instance, bits & !(1 << MESSAGES))?;
    }
    Ok(())
}

pub(super) fn do_messages<S: AsContextMut>(
    store: &mut S,
    instance: &Instance,
    threads: &Threads,
    pending: &Arc<AtomicU64>,
    first: bool,
) -> Result<(), Trap> {
    let mut call = |name| call_exported::<_, _, ()>(store, instance, name, ());
    if call("_emscripten_check_mailbox")?.is_none() {
        // 3.1.6 has no mailboxes.
        let who = if first { "main" } else { "current" };
        call(&format!("emscripten_{who}_thread_process_queued_calls"))?;
    }
    for queue in threads.take_queues(pending) {
        call_exported::<_, _, ()>(store, instance, "_emscripten_proxy_execute_queue", (queue as i32,))?;
    }
    Ok(())
}

/// Runs a thread of Emscripten's C library: what its structure says of the stack, its data, its function, its end.
fn run_pthread(
    store: &mut Store<Program>,
    instance: &Instance,
    (this, function, arg): (u32, u32, u32),
) -> Result<(), Trap> {
    let layout = store.data().0.layout;
    let Some(memory) = instance.memory(&*store) else { return Err(Trap::host("a thread has no memory")) };
    let at = this.wrapping_add(u32::from(layout.pthread_stack));
    let [top, size]: [u32; 2] = memory.view(store).read(at)?;
    let limits = (top as i32, top.wrapping_sub(size) as i32);
    call_exported::<_, _, ()>(store, instance, "emscripten_stack_set_limits", limits)?;
    for name in ["_emscripten_stack_restore", "stackRestore"] {
        if call_exported::<_, _, ()>(store, instance, name, (top as i32,))?.is_some() {
            break;
        }
    }
    init_thread(store, instance, this, false)?;
    init_data(store, instance)?;
    let table = instance.get_table(&*store, "__indirect_function_table");
    let Some(Val::FuncRef(Some(function))) = table.and_then(|table| table.get(&*store, function)) else {
        return Err(Trap::host("a thread's function is not in the table"));
    };
    let result = match function.typed::<(i32,), i32>(&*store) {
        Ok(function) => function.call(&mut *store, (arg as i32,))?,
        // A function that returns nothing is often passed, too.
        Err(_) => {
            function.typed::<(i32,), ()>(&*store)?.call(&mut *store, (arg as i32,))?;
            0
        }
    };
    call_exported::<_, _, ()>(store, instance, "_emscripten_thread_exit", (result,)).map(drop)
}

/// Stack of threads that say nothing of its size, where the version asks the host.
const THREAD_STACK: i32 = 128 << 10;

/// Tells an instance which thread it runs on. Later versions take more about it.
pub(super) fn init_thread<S: AsContextMut>(
    store: &mut S,
    instance: &Instance,
    this: u32,
    first: bool,
) -> Result<(), Trap> {
    let (this, first, name) = (this as i32, i32::from(first), "_emscripten_thread_init");
    let mut done = call_exported::<_, _, ()>(store, instance, name, (this, first, first, 1, THREAD_STACK, 0))?;
    if done.is_none() {
        done = call_exported(store, instance, name, (this, first, first, 1, 0))?;
    }
    if done.is_none() {
        done = call_exported(store, instance, name, (this, first, first, 1))?;
    }
    done.ok_or_else(|| Trap::host(format!("the module does not export {name}, which threads need")))
}

/// Makes the thread's own variables.
pub(super) fn init_data<S: AsContextMut>(store: &mut S, instance: &Instance) -> Result<(), Trap> {
    for name in ["_emscripten_tls_init", "emscripten_tls_init"] {
        if call_exported::<_, (), i32>(store, instance, name, ())?.is_some() {
            break;
        }
    }
    Ok(())
}
