//! What fuzzing starts from, by target.

use std::path::{Path, PathBuf};

use tests::{Form, events, requests};

/// The seeds of a target.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "parse" | "format" | "compile" | "evaluate" => rules(),
        "config" => configurations(),
        "document" => documents(),
        "framing" => streams(),
        "agree" | "assemble" | "chunks" | "recovery" => numbers(),
        other => panic!("`{other}` starts from nothing"),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|own| own == extension)).collect();
    paths.sort();
    paths
}

/// Rule files of the suite and the shipped policies.
fn rules() -> Vec<Vec<u8>> {
    let folders = [
        "suite/diagnostics",
        "suite/evaluation",
        "suite/program",
        "suite/tree",
        "../policies",
        "../policies/std",
    ];
    let paths = folders.into_iter().flat_map(|folder| files(folder, "ktr"));
    let seeds: Vec<Vec<u8>> = paths.map(|path| std::fs::read(path).unwrap()).collect();
    assert!(seeds.len() > 20, "{} seeds", seeds.len());
    seeds
}

/// The examples of the book.
fn configurations() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for page in files("../book/src", "md") {
        let page = std::fs::read_to_string(page).unwrap();
        let blocks =
            page.split("```yaml,").skip(1).filter_map(|block| block.split_once('\n')?.1.split_once("```"));
        seeds.extend(blocks.map(|(block, _)| block.as_bytes().to_vec()));
    }
    assert!(seeds.len() > 20, "{} seeds", seeds.len());
    seeds
}

/// Requests with everything in them, and documents that are no requests.
fn documents() -> Vec<Vec<u8>> {
    let odd = [
        r#"{"model":"m","messages":[{"role":"user","content":"\ud83d\ude00"}],"a":1e400,"b":-0.0,"c":18446744073709551616}"#,
        r#"{"model":"m","prompt":["a","b"],"metadata":{"a@x.org":{"b":[]}}}"#,
        r#"{"model":"m","input":[{"type":"reasoning","summary":[]},{"role":"user","content":[{"type":"input_text","text":"t"}]}]}"#,
        r#"{"a":{"a":{"a":[[[[[[]]]]]]}},"a":1}"#,
        "[]",
        "",
    ];
    let requests = requests::all().map(|request| request.to_string().into_bytes());
    requests.into_iter().chain(odd.map(|text| text.as_bytes().to_vec())).collect()
}

/// Streams of all forms, and lines of all kinds.
fn streams() -> Vec<Vec<u8>> {
    let forms = Form::ALL.map(|form| form.events(["one ", "two"]));
    let odd = [
        "\u{feff}data: a\r\rdata:b\ndata\n\n: c\n\nid: 5\nretry: 1\nevent: x\ndata: d".to_owned(),
        events(["\u{e9}"]),
    ];
    forms.into_iter().chain(odd).map(|text| format!("7{text}").into_bytes()).collect()
}

/// Bytes without a meaning of their own.
fn numbers() -> Vec<Vec<u8>> {
    (1..40_u8).map(|step| (0..60_u8).map(|at| at.wrapping_mul(step).wrapping_add(step)).collect()).collect()
}
