//! The audit log of the `kt` that users run: killed under load, on a full disk, read by a stranger.

mod full;
mod kill;
mod stranger;

use std::path::Path;

use serde_json::Value;

/// What `kt audit verify` says of a state folder, and its exit code.
fn verify(state: &Path) -> (Value, i32) {
    let output = tests::kt().args(["audit", "verify", "--json", "--state-dir"]).arg(state).output();
    let output = output.expect("`kt` starts");
    let told = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {told}"));
    (report, output.status.code().expect("`kt` exits by itself"))
}
