//! The files for running the gateway under systemd, in a container and in Kubernetes: what they say to `kt` is what it
//! understands.

use std::path::Path;

use super::kt;

fn shipped(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/deploy").join(path)).unwrap()
}

/// Whether `kt` takes these arguments; with `--help` it does nothing more.
fn takes(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(&arguments[..2], ["gateway", "run"]);
    let (said, complaint, code) = kt(folder.path(), &[arguments, &["--help"]].concat());
    assert_eq!((code, said.contains("--policy-config")), (0, true), "{arguments:?}: {complaint}");
}

#[test]
fn the_unit_of_systemd_starts_it() {
    let unit = shipped("systemd/kt.service").replace("\\\n", " ");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/kt ")).unwrap();
    let arguments: Vec<_> = line.split_whitespace().collect();
    takes(&arguments);
    let socket = arguments.iter().find_map(|argument| argument.strip_prefix("fd://")).unwrap();
    assert!(shipped("systemd/kt.socket").contains(&format!("FileDescriptorName={socket}\n")));
}

#[test]
fn the_container_starts_it() {
    for name in ["container/Containerfile", "container/Containerfile.binary"] {
        let file = shipped(name);
        let list = file.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
        let arguments: Vec<String> = serde_json::from_str(list).unwrap();
        takes(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// All that a folder holds, by its path in it.
fn held(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for path in std::fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(format!("/{}", path.strip_prefix(folder).unwrap().display()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_image_holds_the_program_and_what_it_is_linked_to_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/deploy/container/assemble.sh");
    let program = tests::binary::build();
    let laid_out = std::process::Command::new("sh").arg(script).arg(&program).arg(folder.path()).status();
    assert!(laid_out.unwrap().success());
    let (root, state) = (folder.path().join("root"), folder.path().join("state/kt"));
    let linked = std::process::Command::new("ldd").arg(&program).output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    let paths = linked.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned);
    let mut expected: Vec<String> = paths.chain(["/usr/local/bin/kt".to_owned()]).collect();
    expected.sort();
    expected.dedup();
    assert_eq!(held(&root), expected);
    assert!(state.is_dir() && held(&state).is_empty() && root.join("tmp").is_dir());
}

#[test]
fn the_chart_starts_it_with_a_configuration_that_is_valid() {
    let set = shipped("helm/kt/templates/statefulset.yaml");
    let listed = set.lines().skip_while(|line| line.trim() != "args:").skip(1);
    let arguments = listed.map_while(|line| line.trim().strip_prefix("- "));
    takes(&arguments.collect::<Vec<_>>());
    let values = shipped("helm/kt/values.yaml");
    let lines = values.lines().skip_while(|line| *line != "config:").skip(1);
    let config: String =
        lines.map_while(|line| line.strip_prefix("  ")).map(|line| format!("{line}\n")).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy-config.yaml"), config).unwrap();
    let (said, complaint, code) = kt(folder.path(), &["policy", "lint", "--file", "policy-config.yaml"]);
    assert_eq!(code, 0, "{said}{complaint}");
    assert!(said.contains("Chain: prompt-injection -> pii-detector"), "{said}");
}
