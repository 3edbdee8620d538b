//! A gitleaks configuration: what of it matters here.

use toml::{Table, Value};

use super::allowed::Allowed;

/// The most rules of a file.
const MOST: usize = 4096;

/// A file's rules.
#[derive(Debug)]
pub(super) struct Rules {
    /// The file's title.
    pub(super) title: String,
    pub(super) rules: Vec<Rule>,
    /// What it lets pass, whatever rule finds it.
    pub(super) allowed: Allowed,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) regex: Option<String>,
    /// Which group is the secret; the first one where it is 0.
    pub(super) group: usize,
    pub(super) entropy: Option<f64>,
    pub(super) keywords: Vec<String>,
    /// The files that it is for.
    pub(super) path: Option<String>,
    pub(super) allowed: Allowed,
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Rules, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let listed = table.get("rules").and_then(Value::as_array).ok_or("there are no `[[rules]]`")?;
    if listed.len() > MOST {
        return Err(format!("there are more than {MOST} rules"));
    }
    let mut rules = Vec::with_capacity(listed.len());
    for (index, rule) in listed.iter().enumerate() {
        let rule = rule.as_table().and_then(rule_of);
        rules.push(rule.ok_or_else(|| format!("rule {} has no `id`", index + 1))?);
    }
    let title = table.get("title").and_then(Value::as_str).unwrap_or("a gitleaks configuration");
    Ok(Rules { title: title.to_owned(), rules, allowed: Allowed::of(&table) })
}

fn rule_of(table: &Table) -> Option<Rule> {
    let word = |name: &str| table.get(name).and_then(Value::as_str).map(str::to_owned);
    let keywords = table.get("keywords").and_then(Value::as_array).into_iter().flatten();
    let group = table.get("secretGroup").and_then(Value::as_integer);
    #[expect(clippy::cast_precision_loss, reason = "no text has that much entropy")]
    let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    Some(Rule {
        id: word("id")?,
        description: word("description").unwrap_or_default(),
        regex: word("regex"),
        group: group.and_then(|group| usize::try_from(group).ok()).unwrap_or(0),
        entropy: table.get("entropy").and_then(number).filter(|bits| *bits > 0.0),
        keywords: keywords.filter_map(Value::as_str).map(str::to_lowercase).collect(),
        path: word("path"),
        allowed: Allowed::of(table),
    })
}
