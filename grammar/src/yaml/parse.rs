//! From text to [`Node`]s, by serde-saphyr: one document, strict booleans, no merge keys, a tight budget.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Location;
use serde_yaml::options::{AliasLimits, DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy, Options};

use super::mapping::looks_secret;
use super::{Node, Value, words};
use crate::codes::{BAD_YAML, DUPLICATE};
use crate::diagnostic::Diagnostic;
use crate::span::{SourceId, Span, Spanned};

/// The longest text that is read: a configuration written by people is far below it.
pub const MAX_BYTES: usize = 1 << 20;
/// The deepest nesting that is read: the walk over the tree is recursive.
pub const MAX_DEPTH: usize = 64;
/// The most values that are read, aliases replayed: what a file of [`MAX_BYTES`] can reasonably hold.
pub(super) const MAX_NODES: usize = 100_000;
/// The most aliases: enough to share a few blocks, too few for a bomb.
pub(super) const MAX_ALIASES: usize = 1_000;

/// Reads one YAML document, of which JSON is a part. An error of syntax ends the reading; keys that stand twice are all
/// told in one run.
pub fn parse(source: SourceId, text: &str) -> Result<Node, Vec<Diagnostic>> {
    if text.len() > MAX_BYTES {
        let message = format!("this file is larger than {} KiB", MAX_BYTES / 1024);
        return Err(vec![Diagnostic::error(BAD_YAML, Span::new(source, 0, 0), message)]);
    }
    let raw = serde_yaml::from_str_with_options::<Marked>(text, options())
        .map_err(|error| vec![shown(words::diagnostic(&error, source, text), text)])?;
    let mut planter = Planter { source, text, path: Vec::new(), found: Vec::new() };
    let node = planter.node(raw);
    let found: Vec<_> = planter.found.into_iter().map(|found| shown(found, text)).collect();
    if found.is_empty() { Ok(node) } else { Err(found) }
}

/// The finding, without its lines if one of them gives a key or password its value.
fn shown(mut found: Diagnostic, text: &str) -> Diagnostic {
    let mut spans = std::iter::once(found.span).chain(found.related.iter().map(|(span, _)| *span));
    found.hidden |= spans.any(|span| {
        let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
        let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        line.split_once(':').is_some_and(|(key, value)| {
            looks_secret(key.trim_matches([' ', '-', '{', '"', '\''])) && !value.trim().is_empty()
        })
    });
    found
}

fn options() -> Options {
    let budget = serde_yaml::budget! {
        max_depth: MAX_DEPTH,
        flow_nesting_limit: MAX_DEPTH,
        max_nodes: MAX_NODES,
        max_events: 4 * MAX_NODES,
        max_aliases: MAX_ALIASES,
        max_anchors: MAX_ALIASES,
        max_recorded_anchor_events: MAX_NODES,
        max_recorded_anchor_bytes: 4 * MAX_BYTES,
        max_total_scalar_bytes: 2 * MAX_BYTES,
    };
    let mut aliases = AliasLimits::default();
    aliases.max_total_replayed_events = MAX_NODES;
    aliases.max_replay_stack_depth = 8;
    serde_yaml::options! {
        budget: budget,
        alias_limits: aliases,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

type Marked = serde_yaml::Spanned<Raw>;

/// What serde sees, before places are completed.
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number above `i64::MAX`.
    TooLarge,
    Float(f64),
    Str(String),
    Seq(Vec<Marked>),
    Map(Vec<(serde_yaml::Spanned<String>, Marked)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or(Raw::TooLarge, Raw::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        if value.is_finite() { Ok(Raw::Float(value)) } else { Err(E::custom("not a finite number")) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Str(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Str(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

/// Turns [`Raw`] values into [`Node`]s: completes places, finds keys that stand twice.
struct Planter<'t> {
    source: SourceId,
    text: &'t str,
    path: Vec<Segment>,
    found: Vec<Diagnostic>,
}

enum Segment {
    Key(String),
    Index(usize),
}

impl Planter<'_> {
    fn node(&mut self, raw: Marked) -> Node {
        let span = self.span(&raw.defined);
        let replayed = raw.referenced != raw.defined;
        match raw.value {
            Raw::Null => Node::new(span, Value::Null),
            Raw::Bool(value) => Node::new(span, Value::Bool(value)),
            Raw::Int(value) => Node::new(span, Value::Int(value)),
            Raw::TooLarge => self.too_large(span),
            Raw::Float(_) if self.digits_only(span) => self.too_large(span),
            Raw::Float(value) => Node::new(span, Value::Float(value)),
            Raw::Str(value) => Node::new(self.trimmed(span), Value::Str(value)),
            Raw::Seq(items) => self.seq(span, replayed, items),
            Raw::Map(entries) => self.map(span, replayed, entries),
        }
    }

    fn seq(&mut self, open: Span, replayed: bool, items: Vec<Marked>) -> Node {
        let (mut nodes, mut end) = (Vec::with_capacity(items.len()), open.end);
        for (index, item) in items.into_iter().enumerate() {
            self.path.push(Segment::Index(index));
            let alias = self.alias_end(replayed, &item);
            let node = self.node(item);
            end = end.max(alias.unwrap_or(node.span.end));
            nodes.push(node);
            self.path.pop();
        }
        Node::new(self.closed(open, end), Value::Seq(nodes))
    }

    fn map(&mut self, open: Span, replayed: bool, raw: Vec<(serde_yaml::Spanned<String>, Marked)>) -> Node {
        let (mut entries, mut end) = (Vec::with_capacity(raw.len()), open.end);
        let mut seen: HashMap<String, Span> = HashMap::new();
        for (key, value) in raw {
            let key = Spanned::new(key.value, self.span(&key.defined));
            self.path.push(Segment::Key(key.value.clone()));
            match seen.get(&key.value) {
                Some(first) => self.twice(&key, *first),
                None => _ = seen.insert(key.value.clone(), key.span),
            }
            let alias = self.alias_end(replayed, &value);
            let node = self.node(value);
            end = end.max(alias.unwrap_or(node.span.end));
            entries.push((key, node));
            self.path.pop();
        }
        Node::new(self.closed(open, end), Value::Map(entries))
    }

    /// Where an alias ends that stands for this value, unless the whole collection around it came by one.
    fn alias_end(&self, replayed: bool, value: &Marked) -> Option<usize> {
        (!replayed && value.referenced != value.defined).then(|| self.span(&value.referenced).end)
    }

    fn twice(&mut self, key: &Spanned<String>, first: Span) {
        let found = Diagnostic::error(DUPLICATE, key.span, format!("the key `{}` stands twice", key.value))
            .label("again here")
            .related(first, "first here")
            .help("keep one of them")
            .path(self.dotted());
        self.found.push(found);
    }

    fn too_large(&mut self, span: Span) -> Node {
        let found = Diagnostic::error(BAD_YAML, span, "this whole number is too large to be kept exactly")
            .help(format!("the largest is {}; put it in quotes if it is a name", i64::MAX))
            .path(self.dotted());
        self.found.push(found);
        Node::new(span, Value::Null)
    }

    fn dotted(&self) -> String {
        self.path.iter().fold(String::new(), |path, segment| match segment {
            Segment::Key(key) => join(&path, key),
            Segment::Index(index) => format!("{path}[{index}]"),
        })
    }

    fn digits_only(&self, span: Span) -> bool {
        let written = self.written(span);
        written.trim_start_matches(['-', '+']).bytes().all(|byte| byte.is_ascii_digit())
    }

    fn written(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    fn span(&self, location: &Location) -> Span {
        let (start, length) = words::bytes(location, self.text);
        Span::new(self.source, start, start + length)
    }

    /// Without the line ends that belong to a block scalar.
    fn trimmed(&self, span: Span) -> Span {
        Span { end: span.start + self.written(span).trim_end().len(), ..span }
    }

    /// From the start of a collection to its closing bracket, or to the end of its last value.
    fn closed(&self, open: Span, end: usize) -> Span {
        match self.written(open) {
            "[" | "{" => Span { end: closing(self.text, end), ..open },
            _ => Span { end, ..open },
        }
    }
}

/// One past the bracket that closes a flow collection whose last value ends at `from`.
fn closing(text: &str, from: usize) -> usize {
    let mut rest = text.get(from..).unwrap_or_default();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == ':');
        match rest.strip_prefix('#') {
            Some(comment) => rest = comment.find('\n').and_then(|i| comment.get(i..)).unwrap_or_default(),
            None => break,
        }
    }
    let bracket = usize::from(rest.starts_with([']', '}']));
    if bracket == 0 { from } else { text.len() - rest.len() + bracket }
}

/// A key's path below another.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
