// Threads of Rust's standard library: natively, or by WASI's thread-spawn. The argument is a directory for files, or "exit".
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

thread_local!(static OWN: Cell<usize> = const { Cell::new(7) });

fn counters() {
    let count = Arc::new((Mutex::new(0u64), AtomicUsize::new(0)));
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let count = count.clone();
            thread::spawn(move || {
                for _ in 0..10_000 {
                    *count.0.lock().unwrap() += 1;
                    count.1.fetch_add(1, Ordering::Relaxed);
                }
                OWN.with(|own| own.set(own.get() + number));
                OWN.with(Cell::get)
            })
        })
        .collect();
    let own: Vec<usize> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    println!("{} {} {own:?} {}", count.0.lock().unwrap(), count.1.load(Ordering::Relaxed), OWN.with(Cell::get));
}

fn messages() {
    let (send, receive) = mpsc::channel();
    for number in 0..4u64 {
        let send = send.clone();
        thread::spawn(move || (0..100).for_each(|round| send.send(number * 1000 + round).unwrap()));
    }
    drop(send);
    println!("sum {}", receive.iter().sum::<u64>());
}

fn waiting() {
    let turn = Arc::new((Mutex::new(0), Condvar::new()));
    let barrier = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..3)
        .map(|number| {
            let (turn, barrier) = (turn.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                let mut now = turn.0.lock().unwrap();
                while *now != number {
                    now = turn.1.wait(now).unwrap();
                }
                println!("turn {number}");
                *now += 1;
                turn.1.notify_all();
            })
        })
        .collect();
    barrier.wait();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let start = Instant::now();
    let (lock, condition) = &*turn;
    let timeout = condition.wait_timeout(lock.lock().unwrap(), Duration::from_millis(20)).unwrap().1;
    println!("timed out {} {}", timeout.timed_out(), start.elapsed() >= Duration::from_millis(20));
}

fn files(dir: &str) {
    let lines = Arc::new(RwLock::new(Vec::new()));
    thread::scope(|scope| {
        for number in 0..6 {
            let lines = lines.clone();
            scope.spawn(move || {
                let path = format!("{dir}/{number}");
                std::fs::write(&path, "x".repeat(number * 1000)).unwrap();
                lines.write().unwrap().push((number, std::fs::read(&path).unwrap().len()));
                std::fs::remove_file(path).unwrap();
            });
        }
    });
    let mut lines = lines.write().unwrap();
    lines.sort();
    println!("{lines:?}");
}

fn main() {
    let arg = std::env::args().nth(1).expect("an argument");
    if arg == "exit" {
        thread::spawn(|| std::process::exit(9));
        thread::sleep(Duration::from_secs(60));
    }
    counters();
    messages();
    waiting();
    files(&arg);
    std::process::exit(5);
}
