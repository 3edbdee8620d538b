//! `kt policy import`: rules of other tools as rule files.

use serde_json::Value;

use crate::{folder, kt};

const RULES: &str = r#"title = "house rules"

[allowlist]
paths = ['''\.lock$''']
stopwords = ["example"]

[[rules]]
id = "1house-token"
description = "A token of the house."
regex = '''(?i)\bhouse[_-]?key\s{0,3}[:=]\s{0,3}["']?([a-z0-9/]{16,40})(?:["'\s;]|$)'''
entropy = 3.2
keywords = ["house"]

[[rules]]
id = "far"
description = "A number that means something only beside a word."
regex = '''\b[0-9]{9}\b'''
keywords = ["badge", "pass/x"]

[[rules]]
id = "second"
regex = '''(a+)-(\Qk{\E[a-f0-9]{8})[[:alnum:]{/]'''
secretGroup = 2
path = '''\.ya?ml$'''

  [[rules.allowlists]]
  regexes = ['''x$''', '''y$''']
  stopwords = ["dead", "be ef"]

  [[rules.allowlists]]
  regexTarget = "match"
  regexes = ['''^(aa)-''']

  [[rules.allowlists]]
  regexes = ['''z*''', '''(''']

  [[rules.allowlists]]
  condition = "AND"
  regexes = ['''0''']
  stopwords = ["1"]

  [[rules.allowlists]]
  regexTarget = "line"
  regexes = ['''^import''']

  [[rules.allowlists]]
  condition = "AND"
  paths = ['''\.inc$''']
  regexes = ['''LICENSE''']

[[rules]]
id = "file"
path = '''\.p12$'''

[[rules]]
id = "broken"
regex = '''(unclosed'''
"#;

#[test]
fn a_gitleaks_file_becomes_a_rule_file_that_compiles() {
    let folder = folder(&[("leaks.toml", RULES)]);
    let args = ["policy", "import", "gitleaks", "leaks.toml", "--output", "leaks.ktr", "--name", "leaks"];
    let (out, err, code) = kt(folder.path(), &args);
    assert_eq!((out.as_str(), code), ("", 0), "{err}");
    let made = std::fs::read_to_string(folder.path().join("leaks.ktr")).unwrap();
    for words in [
        "3 of 5 rules",
        "file: not carried over",
        "broken: not carried over",
        "within 500 characters",
        "for all rules: 1 paths and commits",
        "1 expressions for the line are left out",
        "`z*`, which lets a match pass, is left out",
        "`(`, which lets a match pass, is left out",
        "a list that asks for one of its expressions and one of its words is left out",
        "1 lists that also ask for a path or a commit",
    ] {
        assert!(err.contains(words), "{words}: {err}");
    }
    for words in [
        "policy leaks",
        "where entropy >= 3.2",
        "capture secret",
        "near /badge|pass\\/x/i within 500",
        "not has /x$/",
        "not has /dead|be ef/i",
        "not match has /^(?:aa)-/",
        "= any of (_1house_token, far_secret, second_secret)\n  where not has /example/i",
    ] {
        assert!(made.contains(words), "{words}: {made}");
    }
    let (_, err, code) = kt(folder.path(), &["policy", "fmt", "--check", "leaks.ktr"]);
    assert_eq!((err.as_str(), code), ("", 0));
    let (out, err, code) = kt(folder.path(), &["policy", "lint", "--file", "leaks.ktr"]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn what_gitleaks_lets_pass_is_let_pass() {
    let config =
        "pack: {name: p, version: 1.0.0}\npolicies: {chain: [./leaks.ktr]}\nproviders: {targets: []}\n";
    let folder = folder(&[("leaks.toml", RULES), ("policy-config.yaml", config)]);
    let args = ["policy", "import", "gitleaks", "leaks.toml", "--output", "leaks.ktr", "--name", "leaks"];
    assert_eq!(kt(folder.path(), &args).2, 0);
    let made = std::fs::read_to_string(folder.path().join("leaks.ktr")).unwrap();
    let key = |key: &str| format!("house_key = {key}");
    let k = |value: &str, before: &str| format!("{before}-k{{{value}/");
    let mut tests = String::new();
    for (text, verdict) in [
        (key("q9zt4xw8lp2vb7nm1rk6"), "redact"),
        (key("q9zt4xw8example2vb7nm1"), "allow"),
        (k("0a1b2c3f", "aaa"), "redact"),
        (k("0a1dead3", "aaa"), "allow"),
        (k("0a1b2c3f", "aa"), "allow"),
    ] {
        tests += &format!("\ntest \"{text}\" {{ user \"{text} \" expect {verdict} }}\n");
    }
    std::fs::write(folder.path().join("leaks.ktr"), format!("{made}{tests}")).unwrap();
    let (out, err, code) = kt(folder.path(), &["policy", "test"]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn the_account_is_data_where_it_is_asked_for() {
    let folder = folder(&[("leaks.toml", RULES)]);
    let (out, err, code) = kt(folder.path(), &["policy", "import", "gitleaks", "leaks.toml", "--json"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("policy gitleaks") && out.contains("where entropy >= 3.2"), "{out}");
    let told: Value = serde_json::from_str(&err).expect("one JSON object");
    assert_eq!((&told["carried"], &told["total"]), (&3.into(), &5.into()));
    assert_eq!(told["rules"][3]["carried"], false);
}

#[test]
fn what_is_no_such_file_is_told() {
    let folder =
        folder(&[("a.toml", "title = \"x\""), ("b.toml", "rules = "), ("c.toml", "[[rules]]\nid = \"a\"\n")]);
    for (file, words, code) in [
        ("a.toml", "there are no `[[rules]]`", 2),
        ("b.toml", "b.toml", 2),
        ("none.toml", "none.toml", 2),
        ("c.toml", "0 of 1 rules", 1),
    ] {
        let (_, err, exit) = kt(folder.path(), &["policy", "import", "gitleaks", file]);
        assert!(exit == code && err.contains(words), "{file}: {exit} {err}");
    }
    let (_, err, code) = kt(folder.path(), &["policy", "import", "gitleaks", "c.toml", "--name", "a b"]);
    assert!(code == 2 && err.contains("no name of a policy"), "{err}");
}
