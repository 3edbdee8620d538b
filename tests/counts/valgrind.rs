//! Running this test once more under valgrind, and reading what it counted.

use std::collections::BTreeMap;
use std::process::Command;

/// Set in the run that is counted.
pub const INSIDE: &str = "COUNTED";

/// The instructions of each function with such a name, by name, in a run of a test; nothing where there is no valgrind.
pub fn count(functions: &str, test: &str) -> Option<BTreeMap<String, u64>> {
    Command::new("valgrind").arg("--version").output().ok()?;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let counts = folder.path().join("counts");
    let run = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--toggle-collect=*{functions}*"))
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(std::env::current_exe().expect("this test is a file"))
        .args(["--exact", test, "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .expect("valgrind runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut annotate = Command::new("callgrind_annotate");
    let told = annotate.args(["--inclusive=yes", "--threshold=100"]).arg(&counts).output();
    let told = told.expect("callgrind_annotate is beside valgrind").stdout;
    let told = String::from_utf8_lossy(&told).into_owned();
    let mut all = BTreeMap::new();
    for (name, count) in told.lines().filter_map(|line| read(line, functions)) {
        let most: &mut u64 = all.entry(name).or_default();
        *most = count.max(*most);
    }
    Some(all)
}

/// A line of the table: a count with commas, and the place of a function, whose name begins in that way.
fn read(line: &str, functions: &str) -> Option<(String, u64)> {
    let name = line.split(functions).nth(1)?;
    let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
    let count = line.trim_start().split([' ', '(']).next()?.replace(',', "");
    Some((digits, count.parse().ok()?))
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
