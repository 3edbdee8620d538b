//! The SDKs as applications have them: each version under the target folder, installed once and as it is pinned.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folder;

/// A program that runs SDKs.
struct Runtime {
    program: &'static str,
    /// The oldest version that will do.
    oldest: (u32, u32),
    needs: &'static str,
}

const PYTHON: Runtime =
    Runtime { program: "python3", oldest: (3, 10), needs: "Python 3.10 or newer with `venv` and `pip`" };
const NODE: Runtime = Runtime { program: "node", oldest: (20, 0), needs: "Node 20 or newer with `npm`" };

/// The command that runs all cases on a version of an SDK, which is installed when it is not there.
pub fn cases(version: &str) -> Command {
    if version.starts_with("python") { python(version) } else { node(version) }
}

fn python(version: &str) -> Command {
    let runtime = PYTHON.version();
    let pip = once("python", &runtime, |home| {
        let mut venv = Command::new(PYTHON.program);
        PYTHON.run(venv.args(["-m", "venv"]).arg(home));
    });
    let python = pip.join("bin/python");
    let pins = folder().join("versions").join(version).join("requirements.txt");
    let packages = once(version, &(runtime + read(&pins).as_str()), |home| {
        let mut pip = Command::new(&python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-compile",
        ]);
        PYTHON.run(pip.arg("--target").arg(home).arg("--requirement").arg(&pins));
    });
    let mut cases = Command::new(python);
    cases.arg(folder().join("cases.py")).env("PYTHONPATH", packages);
    cases
}

fn node(version: &str) -> Command {
    let pins = folder().join("versions").join(version);
    let lock = read(&pins.join("package-lock.json"));
    let home = once(version, &(NODE.version() + lock.as_str()), |home| {
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

impl Runtime {
    /// Its version, as it says it.
    fn version(&self) -> String {
        let said = self.run(Command::new(self.program).arg("--version"));
        let mut numbers = said.trim_start_matches(|letter: char| !letter.is_ascii_digit()).split('.');
        let mut number = || numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let version: (u32, u32) = (number(), number());
        assert!(version >= self.oldest, "the SDK tests need {}; this is {said}", self.needs);
        said
    }

    /// Runs a command to its end, and gives what it said.
    fn run(&self, command: &mut Command) -> String {
        let ran = command.output();
        let ran = ran.unwrap_or_else(|e| panic!("the SDK tests need {}: {command:?}: {e}", self.needs));
        let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &*String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.success(),
            "the SDK tests need {}, and the registry once: {command:?}: {told}",
            self.needs
        );
        told
    }
}

/// A folder under the target folder that is filled once, and anew when what it is made of changes.
fn once(name: &str, made_of: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let root = tests::binary::target_dir().join("sdk");
    fs::create_dir_all(&root).expect("a target folder");
    let turn = File::create(root.join(format!("{name}.lock"))).expect("a file to lock");
    turn.lock().expect("one at a time"); // tests run in processes of their own
    let (home, mark) = (root.join(name), root.join(format!("{name}.made-of")));
    if fs::read_to_string(&mark).is_ok_and(|text| text == made_of) {
        return home;
    }
    println!("installing {name} into {}", home.display());
    fs::remove_file(&mark).ok();
    fs::remove_dir_all(&home).ok();
    fs::create_dir_all(&home).expect("a folder under the target folder");
    fill(&home);
    fs::write(mark, made_of).expect("a mark that all is there");
    home
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
