//! The shipped detector of personal data compiles and passes its own tests.

struct Lib;
impl engine::Library for Lib {
    fn library(&self, name: &str) -> Option<(String, String)> {
        let path =
            format!("{}/../policies/std/{}.ktr", env!("CARGO_MANIFEST_DIR"), name.strip_prefix("std.")?);
        Some((name.to_owned(), std::fs::read_to_string(path).ok()?))
    }
    fn names(&self) -> Vec<String> {
        vec!["std.pii".into()]
    }
    fn file(&self, _: &str, _: &str) -> Result<(String, String), String> {
        Err("no".into())
    }
}
#[test]
fn pii() {
    for f in ["pii-detector", "std/pii"] {
        let path = format!("{}/../policies/{f}.ktr", env!("CARGO_MANIFEST_DIR"));
        let mut sources = grammar::Sources::new();
        let id = sources.add(path.clone(), std::fs::read_to_string(path).unwrap());
        let unit = engine::Unit::of(id);
        let t = std::time::Instant::now();
        if !f.starts_with("std") {
            let c = engine::compile(&[unit.clone()], &Lib, &mut sources);
            println!("{}", grammar::render::render(&c.diagnostics, &sources, false));
            println!("{}", c.program.unwrap().print());
        }
        println!("{:?}", t.elapsed());
        for r in engine::case::run_tests(&unit, &Lib, &mut sources) {
            println!("{} {} {}", r.name, r.passed(), grammar::render::render(&r.failures, &sources, false));
            assert!(r.passed());
        }
        println!("{:?}", t.elapsed());
    }
}
