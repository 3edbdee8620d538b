//! Engines that search a text, each with a rule for every pattern that it is given; and the texts that they search.

use std::sync::Arc;

use engine::input::{Request, Role, Text};
use engine::verdict::RequestStep;
use engine::{Library, Program, Session, Unit, compile};
use grammar::Sources;
use regex::RegexSet;

use crate::compare::Peer;
use crate::texts;

/// Bytes of a prompt: 4 KiB.
const LENGTH: usize = texts::LENGTHS[1];

/// No libraries.
struct None;

impl Library for None {
    fn library(&self, _: &str) -> Option<(String, String)> {
        Option::None
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
    fn file(&self, _: &str, path: &str) -> Result<(String, String), String> {
        Err(format!("there is no file `{path}`"))
    }
}

/// The program of a rule file.
pub fn program(text: &str) -> Arc<Program> {
    let mut sources = Sources::new();
    let unit = Unit::of(sources.add("bench.ktr", text.to_owned()));
    let compiled = compile(&[unit], &None, &mut sources);
    compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// What is searched, by name: harmless texts, and one of `near` misses among noise. Each ends in the same matches, so that engines
/// can be compared.
pub fn texts(near: &str, found: &str) -> Vec<(&'static str, Box<str>)> {
    let noise: String =
        (0..600_u32).map(|i| char::from(b'!' + (i.wrapping_mul(2_654_435_761) >> 25) as u8 % 90)).collect();
    let of = |piece: &str| format!("{} {found}", texts::of_length(piece, LENGTH)).into();
    let harmless = texts::KINDS.iter().map(|(kind, piece)| (*kind, of(piece)));
    harmless.chain([("near misses", of(&format!("{near} {noise} ")))]).collect()
}

/// kt, by patterns as its language has them: `/…/i`.
pub fn kt(patterns: &[String]) -> Peer<str> {
    let rule = |(i, pattern)| format!("rule r{i} on request {{ when raw(text) has {pattern} do flag }}\n");
    let rules: String = patterns.iter().enumerate().map(rule).collect();
    let compile = || program(&format!("policy bench\n{rules}"));
    Peer::new("kt: all places", compile, |program, text| {
        let mut session = Session::new(Arc::clone(program), || 0);
        let request = Request { texts: vec![Text::plain(Role::User, text)], ..Request::default() };
        let RequestStep { .. } = session.request(&request);
        let report = session.report();
        let findings = report.policies.iter().flat_map(|policy| &policy.findings);
        sorted(findings.filter_map(|finding| number(&finding.rule)))
    })
}

/// A `RegexSet`, by regular expressions.
pub fn regex_set(patterns: &[String]) -> Peer<str> {
    let compile = || RegexSet::new(patterns).expect("they compile");
    Peer::new("`regex`, a `RegexSet`: whether", compile, |set, text| set.matches(text).into_iter().collect())
}

/// YARA-X, by patterns as its language has them: `/…/i`, or `"…" nocase`.
pub fn yara_x(patterns: &[String]) -> Peer<str> {
    let rule = |(i, pattern)| format!("rule r{i} {{ strings: $p = {pattern} condition: $p }}\n");
    let source: String = patterns.iter().enumerate().map(rule).collect();
    let compile = || {
        let mut compiler = yara_x::Compiler::new();
        compiler.add_source(source.as_str()).expect("it compiles");
        // A scanner borrows its rules, and both are in use until the end.
        let mut scanner = yara_x::Scanner::new(Box::leak(Box::new(compiler.build())));
        scanner.fast_scan(true);
        scanner
    };
    Peer::new("yara-x: the first place", compile, |scanner, text: &str| {
        let results = scanner.scan(text.as_bytes()).expect("it is scanned");
        sorted(results.matching_rules().filter_map(|rule| number(rule.identifier())))
    })
}

/// The number in the name of a rule.
fn number(rule: &str) -> Option<usize> {
    rule.strip_prefix('r')?.parse().ok()
}

/// Each once, in order.
pub fn sorted(rules: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut rules: Vec<usize> = rules.collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}
