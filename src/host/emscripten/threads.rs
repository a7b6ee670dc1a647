//! Threads: what Emscripten's C library asks of its JavaScript runtime.

// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use super::call_export;
use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::rows::rows;
use crate::host::state::HasHost;
use crate::host::threads::{self, Entry, Threads};
use crate::runtime::{Caller, Trap};

rows! { "env";
    /// Starts a thread: its structure, attributes, function and argument; 0 or an error number.
    "__pthread_create_js"(thread: ptr, attributes: ptr, function: ptr, arg: ptr) call i32 = create;
    /// Prepares the first thread (to 3.1.6).
    "__emscripten_init_main_thread_js"(thread: ptr) call void = init_first;
    /// Prepares the first thread.
    "_emscripten_init_main_thread_js"(thread: ptr) call void = init_first;
    /// Gives back what belonged to a thread that has ended (to 3.1.6).
    "__emscripten_thread_cleanup"(thread: ptr) call void = cleanup;
    /// Gives back what belonged to a thread that has ended.
    "_emscripten_thread_cleanup"(thread: ptr) call void = cleanup;
    /// Says that a thread has ended that somebody may join.
    "_emscripten_thread_exit_joinable"(thread: ptr) get void = nothing1;
    /// Keeps the program alive for a thread: the first thread alone does that.
    "_emscripten_thread_set_strongref"(thread: ptr) get void = nothing1;
    /// Makes ready for messages: they are always taken.
    "_emscripten_thread_mailbox_await"(thread: ptr) get void = nothing1;
    /// Whether the thread may block: it may.
    "emscripten_check_blocking_allowed"() get void = nothing;
    /// The size of a thread's stack that its attributes do not give.
    "_emscripten_default_pthread_stack_size"() get i32 = stack_size;
    /// Whether there are threads.
    "emscripten_has_threading_support"() get i32 = yes;
    /// How many processors there are.
    "emscripten_num_logical_cores"() get i32 = cores;
    /// Tells a thread that there is work in its queue (to 3.1.6).
    "_emscripten_notify_thread_queue"(target: ptr, main: ptr) get i32 = notify_thread;
    /// Tells a thread that there is work in a queue.
    "_emscripten_notify_proxying_queue"(target: ptr, current: ptr, main: ptr, queue: ptr) get i32 = notify_queue;
    /// Tells a thread that there is work in a queue.
    "_emscripten_notify_task_queue"(target: ptr, current: ptr, main: ptr, queue: ptr) get void = notify_task;
    /// Tells a thread that there is a message for it.
    "_emscripten_notify_mailbox_postmessage"(target: ptr, current: ptr) get void = notify_mailbox;
    /// Tells a thread that there is a message for it.
    "_emscripten_notify_mailbox_postmessage"(target: ptr, current: ptr, main: ptr) get void = notify_mailbox3;
    /// Raises a signal in a thread (to 3.1.6).
    "pthread_kill"(thread: ptr, signal: int) get i32 = kill;
    /// Raises a signal in a thread.
    "__pthread_kill_js"(thread: ptr, signal: int) get i32 = kill;
    /// Ends the function, but neither the program nor its threads.
    "emscripten_unwind_to_js_event_loop"() must void = unwind;
    /// Ends the function, but neither the program nor its threads.
    "emscripten_exit_with_live_runtime"() must void = unwind;
    /// Runs JavaScript for another thread: there is none.
    "emscripten_receive_on_main_thread_js"(index: int, count: int, args: ptr) must f64 = receive3;
    /// Runs JavaScript for another thread: there is none.
    "_emscripten_receive_on_main_thread_js"(index: int, code: ptr, thread: ptr, count: int, args: ptr) must f64 = receive5;
    /// Runs JavaScript for another thread: there is none.
    "_emscripten_receive_on_main_thread_js"
        (index: int, code: ptr, thread: ptr, count: int, args: ptr, context: ptr, done: ptr) must f64 = receive7;
    /// Resizes what is drawn to: there is nothing.
    "emscripten_set_canvas_element_size"(target: str, width: int, height: int) get i32 = no_canvas3;
    /// Draws with WebGL, which is not there.
    "emscripten_webgl_create_context"(target: str, attributes: ptr) get i32 = no_canvas2;
}

fn threads<T: HasHost + 'static>(caller: &mut Caller<'_, T>) -> Result<Threads, Trap> {
    let threads = caller.data_mut().host().threads.clone();
    threads.ok_or_else(|| Trap::host("the program uses threads, and its memory is not shared; link it with -pthread"))
}

/// Gives back the memory of threads that have ended detached.
fn collect<T: HasHost + 'static>(caller: &mut Caller<'_, T>, threads: &Threads) -> Result<(), Trap> {
    for thread in threads.take_garbage() {
        call_export::<T, _, ()>(caller, "_emscripten_thread_free_data", (thread as i32,))?;
    }
    Ok(())
}

fn create<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    thread: u32,
    _: u32,
    function: u32,
    arg: u32,
) -> Result<i32, Trap> {
    let threads = threads(caller)?;
    collect(caller, &threads)?;
    let entry = Entry::Pthread { this: thread, start: function, arg };
    let started = threads.spawn(caller.data_mut().host(), entry);
    Ok(started.map_or_else(|errno| i32::from(errno.emscripten()), |_| 0))
}

fn init_first<T: HasHost + 'static>(caller: &mut Caller<'_, T>, thread: u32) -> Result<(), Trap> {
    threads(caller)?.name_first(thread);
    let Some(instance) = caller.program() else { return Ok(()) };
    threads::init_thread(caller, &instance, thread, true)?;
    threads::init_data(caller, &instance)
}

fn cleanup<T: HasHost + 'static>(caller: &mut Caller<'_, T>, thread: u32) -> Result<(), Trap> {
    let threads = threads(caller)?;
    threads.discard(thread);
    collect(caller, &threads)
}

fn nothing(_: &mut Ctx<'_>) {}

fn nothing1(_: &mut Ctx<'_>, _: u32) {}

/// What 3.1.6 gives.
fn stack_size(_: &mut Ctx<'_>) -> i32 {
    2 << 20
}

fn yes(_: &mut Ctx<'_>) -> i32 {
    1
}

fn cores(_: &mut Ctx<'_>) -> i32 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as i32)
}

fn notify(cx: &Ctx<'_>, target: u32, queue: Option<u32>) -> i32 {
    i32::from(cx.host.threads.as_ref().is_some_and(|threads| threads.notify(target, queue)))
}

fn notify_thread(cx: &mut Ctx<'_>, target: u32, _: u32) -> i32 {
    notify(cx, target, None)
}

fn notify_queue(cx: &mut Ctx<'_>, target: u32, _: u32, _: u32, queue: u32) -> i32 {
    notify(cx, target, Some(queue))
}

fn notify_task(cx: &mut Ctx<'_>, target: u32, _: u32, _: u32, queue: u32) {
    notify(cx, target, Some(queue));
}

fn notify_mailbox(cx: &mut Ctx<'_>, target: u32, _: u32) {
    notify(cx, target, None);
}

fn notify_mailbox3(cx: &mut Ctx<'_>, target: u32, _: u32, _: u32) {
    notify(cx, target, None);
}

/// The signal with which the C library cancels a thread that it has marked: waking it up is enough.
const CANCEL: i32 = 33;

fn kill(cx: &mut Ctx<'_>, thread: u32, signal: i32) -> i32 {
    let Some(threads) = &cx.host.threads else { return i32::from(Errno::ESRCH.emscripten()) };
    let result = match signal {
        CANCEL => threads.wake(thread),
        0..=60 => threads.signal(thread, signal as u32),
        _ => Err(Errno::EINVAL),
    };
    result.map_or_else(|errno| i32::from(errno.emscripten()), |()| 0)
}

fn unwind(_: &mut Ctx<'_>) -> Result<(), Trap> {
    Err(threads::unwind())
}

fn no_javascript() -> Trap {
    Trap::host(
        "a thread wants JavaScript to run on the main thread (EM_ASM or a library in JavaScript), which is not there",
    )
}

fn receive3(_: &mut Ctx<'_>, _: i32, _: i32, _: u32) -> Result<f64, Trap> {
    Err(no_javascript())
}

fn receive5(_: &mut Ctx<'_>, _: i32, _: u32, _: u32, _: i32, _: u32) -> Result<f64, Trap> {
    Err(no_javascript())
}

fn receive7(_: &mut Ctx<'_>, _: i32, _: u32, _: u32, _: i32, _: u32, _: u32, _: u32) -> Result<f64, Trap> {
    Err(no_javascript())
}

/// `EMSCRIPTEN_RESULT_NOT_SUPPORTED`.
fn no_canvas3(_: &mut Ctx<'_>, _: u32, _: i32, _: i32) -> i32 {
    -1
}

/// No context.
fn no_canvas2(_: &mut Ctx<'_>, _: u32, _: u32) -> i32 {
    0
}
