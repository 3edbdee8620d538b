//! Running this test once more under valgrind, and reading what it counted.

use std::path::Path;
use std::process::Command;

/// Set in the run that is counted.
pub const INSIDE: &str = "COUNTED";

/// The instructions of each call of a function, in order, in a run of a test; nothing where there is no valgrind.
pub fn count(function: &str, test: &str) -> Option<Vec<u64>> {
    Command::new("valgrind").arg("--version").output().ok()?;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let run = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--toggle-collect=*{function}*"))
        .arg(format!("--dump-after=*{function}*"))
        .arg(format!("--callgrind-out-file={}", folder.path().join("counts").display()))
        .arg(std::env::current_exe().expect("this test is a file"))
        .args(["--exact", test, "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .expect("valgrind runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut dumps: Vec<(u32, u64)> = std::fs::read_dir(folder.path())
        .expect("valgrind has written")
        .filter_map(|entry| dump(&entry.expect("a file").path()))
        .collect();
    dumps.sort_unstable();
    Some(dumps.into_iter().map(|(_, count)| count).filter(|count| *count > 0).collect())
}

/// The number of a dump, and what it counted.
fn dump(path: &Path) -> Option<(u32, u64)> {
    let number = path.extension()?.to_str()?.parse().ok()?;
    let text = std::fs::read_to_string(path).expect("a dump is text");
    let line =
        text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")))?;
    Some((number, line.trim().parse().ok()?))
}

/// What the counts depend on besides the code: the compiler, and whether the processor has what libraries look for.
pub fn machine() -> String {
    let version = Command::new("rustc").arg("--version").output().map(|told| told.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version);
    #[cfg(target_arch = "x86_64")]
    let wide = if std::arch::is_x86_feature_detected!("avx2") { "with AVX2" } else { "without AVX2" };
    #[cfg(not(target_arch = "x86_64"))]
    let wide = "";
    format!("{} on {} {wide}", version.trim(), std::env::consts::ARCH)
}
