//! The processes that are measured: started in a group of their own, looked at in `/proc`, and ended by that group.

use std::collections::HashMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::Result;

/// How long a process may take until it listens.
const START: Duration = Duration::from_secs(90);
/// How long one has to end by itself.
const END: Duration = Duration::from_secs(3);

/// A process of ours, with its own children.
pub(crate) struct Process {
    child: Child,
}

/// What a process and its children have taken.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    /// Bytes that are in memory now.
    pub(crate) memory: u64,
    /// The most that ever were.
    pub(crate) peak: u64,
}

/// A port that is free now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Process {
    /// Starts a program, whose words go into a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        use std::os::unix::process::CommandExt as _;
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let name = command.get_program().to_string_lossy().into_owned();
        Ok(Self { child: command.spawn().map_err(|error| format!("{name}: {error}"))? })
    }

    /// Waits until it listens on that port.
    pub(crate) async fn listens(&mut self, port: u16) -> Result<()> {
        let until = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("it ended with {status}").into());
            }
            if Instant::now() > until {
                return Err(format!("it did not listen within {} s", START.as_secs()).into());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What it and its children have taken.
    pub(crate) fn usage(&self) -> Usage {
        let all = processes();
        let mut usage = Usage::default();
        let mut family = vec![self.child.id()];
        while let Some(pid) = family.pop() {
            family.extend(all.iter().filter(|(_, process)| process.parent == pid).map(|(pid, _)| *pid));
            if let Some(process) = all.get(&pid) {
                usage.cpu += process.cpu;
                let (memory, peak) = memory(pid);
                usage.memory += memory;
                usage.peak += peak;
            }
        }
        usage
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        kill_process_group(group, Signal::TERM).ok();
        let until = std::time::Instant::now() + END;
        while std::time::Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_process_group(group, Signal::KILL).ok();
        self.child.wait().ok();
    }
}

/// A line of `/proc/PID/stat`, as far as it matters.
struct Stat {
    parent: u32,
    cpu: Duration,
}

fn processes() -> HashMap<u32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, stat(pid)?))).collect()
}

/// Its own time, and that of the children that it has seen the end of.
fn stat(pid: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?; // the name may hold anything
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    let cpu = Duration::from_micros(ticks * 1_000_000 / rustix::param::clock_ticks_per_second());
    Some(Stat { parent: fields.get(1)?.parse().ok()?, cpu })
}

/// Bytes in memory, now and at most.
fn memory(pid: u32) -> (u64, u64) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    (of("VmRSS").unwrap_or_default() * 1024, of("VmHWM").unwrap_or_default() * 1024)
}
