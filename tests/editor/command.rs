//! `kt policy fmt` as a command.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

const UGLY: &str = "policy   p\nlet a=1 // why\n";
const FINE: &str = "policy p\nlet a = 1 // why\n";

fn fmt(folder: &Path, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = tests::kt();
    command.args(["policy", "fmt"]).args(arguments).current_dir(folder);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn files_are_written_in_place_and_only_when_they_change() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(path("rules/.hidden")).unwrap();
    for (name, text) in [
        ("rules/ugly.ktr", UGLY),
        ("rules/fine.ktr", FINE),
        ("rules/.hidden/a.ktr", UGLY),
        ("rules/no.txt", UGLY),
    ] {
        std::fs::write(path(name), text).unwrap();
    }
    std::fs::set_permissions(path("rules/ugly.ktr"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let before = std::fs::metadata(path("rules/fine.ktr")).unwrap().modified().unwrap();

    let (code, out, _) = fmt(folder.path(), &["--check", "rules"], "");
    assert_eq!(code, Some(1));
    assert!(out.contains("-policy   p\n") && out.contains("+policy p\n") && !out.contains("fine"), "{out}");
    assert_eq!(std::fs::read_to_string(path("rules/ugly.ktr")).unwrap(), UGLY, "--check changes nothing");

    let (code, out, _) = fmt(folder.path(), &["rules"], "");
    assert_eq!((code, out.as_str()), (Some(0), "formatted rules/ugly.ktr\n"));
    assert_eq!(std::fs::read_to_string(path("rules/ugly.ktr")).unwrap(), FINE);
    assert_eq!(std::fs::metadata(path("rules/ugly.ktr")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::metadata(path("rules/fine.ktr")).unwrap().modified().unwrap(), before);
    assert_eq!(std::fs::read_to_string(path("rules/.hidden/a.ktr")).unwrap(), UGLY);
    assert_eq!(std::fs::read_dir(path("rules")).unwrap().count(), 4, "nothing is left behind");
    assert_eq!(fmt(folder.path(), &["--check", "rules"], "").0, Some(0));
}

#[test]
fn the_standard_input_goes_to_the_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    for argument in ["-", "--stdin"] {
        assert_eq!(fmt(folder.path(), &[argument], UGLY), (Some(0), FINE.to_owned(), String::new()));
    }
    assert_eq!(fmt(folder.path(), &["--check", "-"], UGLY).0, Some(1));
    assert_eq!(fmt(folder.path(), &["--check", "-"], FINE).0, Some(0));
}

#[test]
fn a_file_with_mistakes_is_left_alone_and_the_others_are_done() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.ktr"), "policy  p\nrule {\n").unwrap();
    std::fs::write(folder.path().join("ugly.ktr"), UGLY).unwrap();
    let (code, out, err) = fmt(folder.path(), &["."], "");
    assert_eq!((code, out.as_str()), (Some(2), "formatted ./ugly.ktr\n"));
    assert!(err.contains("E001") && err.contains("bad.ktr: not formatted"), "{err}");
    assert_eq!(std::fs::read_to_string(folder.path().join("bad.ktr")).unwrap(), "policy  p\nrule {\n");
    assert_eq!(fmt(folder.path(), &["nowhere.ktr"], "").0, Some(2));
    assert_eq!(fmt(folder.path(), &["-", "ugly.ktr"], "").0, Some(2));
}
