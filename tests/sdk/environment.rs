//! The SDKs as applications have them: each version as it is pinned.

use std::fs;
use std::process::Command;

use tests::installed::{self, NODE, once, read};

use crate::folder;

/// Where they are installed, in the target folder.
const INSTALLED: &str = "sdk";

/// The command that runs all cases on a version of an SDK, which is installed when it is not there.
pub fn cases(version: &str) -> Command {
    if version.starts_with("python") { python(version) } else { node(version) }
}

fn python(version: &str) -> Command {
    let pins = folder().join("versions").join(version).join("requirements.txt");
    let packages = installed::packages(INSTALLED, version, &pins);
    let mut cases = Command::new(installed::python(INSTALLED));
    cases.arg(folder().join("cases.py")).env("PYTHONPATH", packages);
    cases
}

fn node(version: &str) -> Command {
    let pins = folder().join("versions").join(version);
    let lock = read(&pins.join("package-lock.json"));
    let home = once(INSTALLED, version, &(NODE.version() + lock.as_str()), |home| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(pins.join(file), home.join(file)).expect("a folder to install into");
        }
        let mut npm = Command::new("npm");
        NODE.run(npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(home));
    });
    // Node looks for packages beside the file that imports them.
    fs::copy(folder().join("cases.mjs"), home.join("cases.mjs")).expect("a folder with the SDK");
    let mut cases = Command::new(NODE.program);
    cases.arg("--test-reporter=tap").arg(home.join("cases.mjs"));
    cases
}
