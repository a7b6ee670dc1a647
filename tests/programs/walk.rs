//! What a program of Rust's standard library does with files, arguments, the clock and its exit status.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

fn tree(root: &Path) -> io::Result<()> {
    for i in 0..5 {
        let dir = root.join(format!("d{i}/below"));
        fs::create_dir_all(&dir)?;
        for j in 0..20 {
            fs::write(dir.join(format!("f{j:02}")), format!("{i} {j}\n"))?;
        }
    }
    let first = root.join("d0/below");
    fs::rename(first.join("f00"), first.join("renamed"))?;
    fs::remove_file(first.join("f01"))?;
    fs::remove_dir_all(root.join("d1"))?;
    fs::copy(first.join("f02"), first.join("copy"))?;
    fs::hard_link(first.join("f03"), first.join("linked"))?;
    let mut file = fs::OpenOptions::new().read(true).append(true).open(first.join("f04"))?;
    file.write_all(b"more\n")?;
    file.seek(SeekFrom::Start(2))?;
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    println!("rest {rest:?}");
    Ok(())
}

fn walk(at: &Path, root: &Path, found: &mut BTreeMap<String, u64>) -> io::Result<()> {
    for entry in fs::read_dir(at)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.path().strip_prefix(root).unwrap().display().to_string();
        found.insert(name, if kind.is_file() { entry.metadata()?.len() } else { u64::MAX });
        if kind.is_dir() {
            walk(&entry.path(), root, found)?;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(&args[0]);
    tree(root)?;
    let mut found = BTreeMap::new();
    walk(root, root, &mut found)?;
    let mut sum = 0u64;
    for (name, len) in &found {
        sum = name.bytes().fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))) ^ len;
    }
    println!("{} entries, sum {sum:016x}", found.len());
    println!("{:?}", fs::metadata(root.join("nothing")).map_err(|error| error.kind()).err());
    println!("{:?}", fs::create_dir(root.join("d0")).map_err(|error| error.kind()).err());
    println!("{:?}", std::env::var("PROGRAM_NAME"));
    for line in io::stdin().lock().lines() {
        println!("read {}", line?.to_uppercase());
    }
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    println!("slept {}", start.elapsed() >= Duration::from_millis(20));
    println!("clock {}", SystemTime::now() > SystemTime::UNIX_EPOCH);
    fs::remove_dir_all(root.join("d0"))?;
    println!("left {}", fs::read_dir(root)?.count());
    std::process::exit(args.len() as i32)
}
