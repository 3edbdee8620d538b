//! Programs and packages from registries: under the target folder, installed once and as they are pinned.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that runs what is installed.
pub struct Runtime {
    /// Its name on the path.
    pub program: &'static str,
    /// The oldest version that will do.
    pub oldest: (u32, u32),
    /// What a reader must install when it is missing.
    pub needs: &'static str,
}

/// For packages of PyPI.
pub const PYTHON: Runtime =
    Runtime { program: "python3", oldest: (3, 10), needs: "Python 3.10 or newer with `venv` and `pip`" };
/// For packages of the npm registry.
pub const NODE: Runtime = Runtime { program: "node", oldest: (20, 0), needs: "Node 20 or newer with `npm`" };

impl Runtime {
    /// Its version, as it says it.
    pub fn version(&self) -> String {
        let said = self.run(Command::new(self.program).arg("--version"));
        let mut numbers = said.trim_start_matches(|letter: char| !letter.is_ascii_digit()).split('.');
        let mut number = || numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let version: (u32, u32) = (number(), number());
        assert!(version >= self.oldest, "the tests need {}; this is {said}", self.needs);
        said
    }

    /// Runs a command to its end, and gives what it said.
    pub fn run(&self, command: &mut Command) -> String {
        let ran = command.output();
        let ran = ran.unwrap_or_else(|e| panic!("the tests need {}: {command:?}: {e}", self.needs));
        let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &*String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.success(),
            "the tests need {}, and the registry once: {command:?}: {told}",
            self.needs
        );
        told
    }
}

/// A Python of the tests' own.
pub fn python(folder: &str) -> PathBuf {
    let venv = once(folder, "python", &PYTHON.version(), |home| {
        let mut venv = Command::new(PYTHON.program);
        PYTHON.run(venv.args(["-m", "venv"]).arg(home));
    });
    venv.join("bin/python")
}

/// The folder with the packages that a file of requirements pins, all of them.
pub fn packages(folder: &str, name: &str, pins: &Path) -> PathBuf {
    let python = python(folder);
    let made_of = PYTHON.version() + read(pins).as_str();
    once(folder, name, &made_of, |home| {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        PYTHON.run(pip.args(["--no-compile", "--target"]).arg(home).arg("--requirement").arg(pins));
    })
}

/// A folder under the target folder that is filled once, and anew when what it is made of changes.
pub fn once(folder: &str, name: &str, made_of: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let root = crate::binary::target_dir().join(folder);
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

/// A file's text.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
