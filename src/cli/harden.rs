//! Confining this process itself before a program runs, so that a bug in the host is not yet a way out.
//!
//! Landlock takes away the files that were not granted, and the ports; seccomp the system calls that no host of a guest makes. Both are
//! best effort: a kernel that lacks one of them has only the other, or none, and the sandbox itself relies on neither.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::path::Path;
use wasmjit::host::{Policy, standard_devices};

/// The rights that a file, unlike a directory, can have.
const FILE_RIGHTS: ABI = ABI::V5;

/// What looking names up reads: the resolver's configuration, and the libraries that it loads for it.
const RESOLVER_FILES: &[&str] =
    &["/etc", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/run/systemd/resolve", "/run/nscd", "/var/run/nscd"];

/// What the C library reads where a program asks for local time.
const ZONE_FILES: &[&str] = &["/etc/localtime", "/usr/share/zoneinfo"];

/// What the host itself opens: a descriptor's own name.
const HOST_FILES: &[&str] = &["/proc/self"];

/// The port of name servers.
const DOMAIN: u16 = 53;

/// Confines the calling thread and all that it starts from now on.
pub fn confine(policy: &Policy) {
    if let Err(error) = restrict_files_and_ports(policy) {
        log::debug!("this process is not confined by Landlock: {error}");
    }
    if let Err(error) = restrict_calls(policy) {
        log::debug!("this process is not confined by seccomp: {error}");
    }
}

fn restrict_files_and_ports(policy: &Policy) -> Result<(), RulesetError> {
    // Without the right to move files between directories, which the first version cannot give, programs would fail.
    let needed = AccessFs::from_all(ABI::V2);
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(needed)?;
    let mut ruleset = ruleset.set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(ABI::V5))?;
    let (bind, connect) = (policy.net().listen_ports(), policy.net().connect_ports());
    if bind.is_some() {
        ruleset = ruleset.handle_access(AccessNet::BindTcp)?;
    }
    if connect.is_some() {
        ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
    }
    if !policy.net().is_all() {
        ruleset = ruleset.scope(Scope::AbstractUnixSocket)?;
    }
    let mut created = ruleset.scope(Scope::Signal)?.create()?;
    for grant in policy.dirs() {
        created = allow(created, &grant.host, grant.read_only)?;
    }
    for path in HOST_FILES.iter().chain(ZONE_FILES) {
        created = allow(created, Path::new(path), true)?;
    }
    for device in standard_devices() {
        created = allow(created, &device, false)?;
    }
    if policy.net().resolves() {
        for path in RESOLVER_FILES {
            created = allow(created, Path::new(path), true)?;
        }
    }
    for port in bind.into_iter().flatten() {
        created = created.add_rule(NetPort::new(port, AccessNet::BindTcp))?;
    }
    if let Some(ports) = connect {
        let domain = policy.net().resolves().then_some(DOMAIN);
        for port in ports.into_iter().chain(domain) {
            created = created.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
    }
    let status = created.restrict_self()?;
    log::debug!("Landlock: {:?}", status.ruleset);
    Ok(())
}

/// Adds a file or directory to what stays reachable; one that does not exist stays out.
fn allow(ruleset: RulesetCreated, path: &Path, read_only: bool) -> Result<RulesetCreated, RulesetError> {
    let Ok(fd) = PathFd::new(path) else { return Ok(ruleset) };
    let mut rights = if read_only { AccessFs::from_read(ABI::V5) } else { AccessFs::from_all(ABI::V5) };
    if !path.is_dir() {
        rights &= AccessFs::from_file(FILE_RIGHTS);
    }
    ruleset.add_rule(PathBeneath::new(fd, rights))
}

/// System calls that no host of a guest makes: starting programs, reaching into other processes, and changing the system.
const REFUSED: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_personality,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_vhangup,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    libc::SYS_memfd_create,
];

/// As above, where only one kind of processor has the call: fork, vfork, iopl, ioperm, modify_ldt, create_module, uselib, _sysctl.
const REFUSED_ON_X86_64: &[i64] = &[57, 58, 172, 173, 154, 174, 134, 156];

/// `TIOCSTI` and `TIOCLINUX`, which put words into a terminal's mouth.
const TERMINAL_INPUT: [u64; 2] = [0x5412, 0x541c];

/// Adds a rule for a call with an argument that is (not) so.
fn when(
    rules: &mut BTreeMap<i64, Vec<SeccompRule>>,
    call: i64,
    conditions: &[(u8, SeccompCmpOp, u64)],
) -> Result<(), seccompiler::BackendError> {
    let conditions = conditions
        .iter()
        .map(|(argument, operator, value)| {
            SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator.clone(), *value)
        })
        .collect::<Result<Vec<_>, _>>()?;
    rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
    Ok(())
}

fn restrict_calls(policy: &Policy) -> Result<(), Box<dyn std::error::Error>> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let own = if std::env::consts::ARCH == "x86_64" { REFUSED_ON_X86_64 } else { &[] };
    REFUSED.iter().chain(own).for_each(|call| drop(rules.insert(*call, Vec::new())));
    for request in TERMINAL_INPUT {
        when(&mut rules, libc::SYS_ioctl, &[(1, SeccompCmpOp::Eq, request)])?;
    }
    // A thread is started with the thread's flag, a process without.
    let thread = libc::CLONE_THREAD as u64;
    when(&mut rules, libc::SYS_clone, &[(0, SeccompCmpOp::MaskedEq(thread), 0)])?;
    let me = u64::from(std::process::id());
    for call in [libc::SYS_kill, libc::SYS_tgkill] {
        when(&mut rules, call, &[(0, SeccompCmpOp::Ne, me)])?;
    }
    if !policy.net().any() && !policy.net().resolves() {
        when(&mut rules, libc::SYS_socket, &[(0, SeccompCmpOp::Ne, libc::AF_UNIX as u64)])?;
    }
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    // What this call is asked to do lies in memory, where a filter cannot see it; the C library then uses the other one.
    let hidden = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let absent = SeccompAction::Errno(libc::ENOSYS as u32);
    let filter = SeccompFilter::new(hidden, SeccompAction::Allow, absent, arch)?;
    Ok(seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?)
}
