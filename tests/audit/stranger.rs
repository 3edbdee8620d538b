//! The log in the hands of others: a checker that shares no code with kt, and whoever looks for what is not in it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tests::ledger::verify;
use tests::{KEY, Provider, RULES, Script, Setup, post, question_of};

const CANARY: &str = "xylophone-4711";

/// The program that the book shows.
fn program() -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../book/src/audit.md")).unwrap();
    let (_, rest) = page.split_once("```python\n").expect("a program in Python");
    rest.split_once("```").unwrap().0.to_owned()
}

/// What the program says of a state folder.
fn checked(state: &Path) -> String {
    let mut child = Command::new("python3")
        .arg("-")
        .arg(state.join("audit"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`python3` starts");
    child.stdin.take().unwrap().write_all(program().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn the_checker_of_the_book_follows_the_chain_and_finds_a_change() {
    let provider = Provider::always(Script::deltas(["mail ann@exam", "ple.com"]));
    let pricing = "pricing: {prompt: 0.01, completion: 0.03}";
    let setup = Setup::new().target("a", &provider, pricing).rules("house", RULES).kind("audit-logger");
    let run = setup.process();
    for user in ["\"é𝄞\\u0001\"", "\"a\\\"b\\\\\""] {
        let body = format!(
            "{{\"model\":\"m\",\"stream\":true,\"user\":{user},\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}]}}"
        );
        assert_eq!(post(run.address, "/v1/chat/completions", "", body).said(), "mail [EMAIL]");
    }
    let ended = run.stop();
    assert_eq!(ended.records.len(), 2);
    assert!(checked(&ended.state()).starts_with("intact, 2 records"), "{}", checked(&ended.state()));
    let path = ended.state().join("audit/audit.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"redact\"", "\"allow!\"", 1)).unwrap();
    assert!(checked(&ended.state()).contains("record 1"), "{}", checked(&ended.state()));
    assert_eq!(verify(&ended.state()).0["broken"]["seq"], 1);
}

#[test]
fn no_file_of_the_log_holds_a_prompt_an_answer_or_a_key() {
    let provider =
        Provider::always(Script::deltas([format!("{CANARY} ann@exam").as_str(), "ple.com SECRET1"]));
    let setup = Setup::guarded(&provider).kind("audit-logger").block("audit: {key_ref: {env: KT_TESTS_KEY}}");
    // The key is too short for a log, and is not shown for it.
    let (folder, _) = setup.write();
    let refused = setup.command(&folder, "127.0.0.1:0", "127.0.0.1:0").output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("less than 16 bytes") && !told.contains(KEY), "{told}");
    let signing = "a-key-of-the-log-4711";
    let file = folder.path().join("signing");
    std::fs::write(&file, signing).unwrap();
    let block = format!("audit: {{key_ref: {{file: \"{}\"}}}}", file.display());
    let run = Setup::guarded(&provider).kind("audit-logger").block(&block).process();
    let chat = "/v1/chat/completions";
    let headers = format!("authorization: Bearer {CANARY}\r\ncookie: {CANARY}\r\nx-other: {CANARY}\r\n");
    post(run.address, chat, &headers, question_of(&format!("{CANARY} SECRET2"), true).to_string());
    post(run.address, chat, &headers, question_of(&format!("{CANARY} FORBIDDEN"), false).to_string());
    post(run.address, chat, &headers, format!("{{\"{CANARY}\": 1, \"{CANARY}\": 2}}"));
    post(run.address, &format!("/{CANARY}?{CANARY}"), &headers, CANARY);
    provider.now(Script::reply(
        "500 No",
        "application/json",
        format!("{{\"error\":{{\"message\":\"{KEY} {CANARY}\"}}}}"),
    ));
    post(run.address, chat, &headers, question_of(CANARY, false).to_string());
    let ended = run.stop();
    assert_eq!(ended.records.len(), 5, "{}", ended.log);
    for file in std::fs::read_dir(ended.state().join("audit")).unwrap() {
        let text = String::from_utf8(std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        for secret in [CANARY, KEY, signing, "SECRET1", "SECRET2", "ann@"] {
            assert!(!text.contains(secret), "`{secret}` in {text}");
        }
    }
    let (report, code) = verify(&ended.state());
    assert_eq!((code, &report["checkpoint"]["state"]), (0, &"unchecked".into()));
}
