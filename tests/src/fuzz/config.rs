//! Configurations: any text is one, or is told what is wrong with it, in places that are places of the text.

use grammar::{Diagnostic, Sources, yaml};

/// Any text is read or refused with a reason; what is laid over itself means what it meant.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = Sources::new();
    let source = sources.add("policy-config.yaml", text.to_owned());
    let node = match yaml::parse(source, text) {
        Ok(node) => node,
        Err(errors) => {
            assert!(!errors.is_empty(), "a reason is missing: {text}");
            return super::check(&errors, &sources);
        }
    };
    let (config, told) = grammar::config::decode(&node, &sources);
    super::check(&told, &sources);
    let failed = told.iter().any(Diagnostic::is_error);
    assert_eq!(
        config.is_none(),
        failed,
        "errors, and they alone, keep a text from being a configuration: {text}"
    );
    let policies = grammar::config::chain(&node, &sources);
    let doubled = yaml::merge(node.clone(), node);
    let (again, told_again) = grammar::config::decode(&doubled, &sources);
    assert_eq!(told_again, told, "{text}");
    assert_eq!(format!("{again:?}"), format!("{config:?}"), "{text}");
    drop(policies);
}
