//! Random requests and texts.

use engine::input::{Message, Request, Role, Text, Tool, ToolCall};

use super::generate::Dice;
use super::text::UNSEEN;

/// A request that owns its strings.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The conversation.
    pub messages: Vec<Said>,
    /// Names of the tools on offer.
    pub tools: Vec<String>,
    /// Names and arguments of calls.
    pub calls: Vec<(String, String)>,
    /// Names of the calls that the answer makes.
    pub answered: Vec<String>,
    /// The model asked for.
    pub model: String,
    /// Whether a stream is wanted.
    pub stream: bool,
    /// The limit on tokens.
    pub max_tokens: Option<i64>,
    /// Who asks.
    pub user: Option<String>,
    /// Headers.
    pub headers: Vec<(String, String)>,
}

/// A message that owns its strings.
#[derive(Clone, Debug)]
pub struct Said {
    /// Who speaks.
    pub role: Role,
    /// The message's `name`.
    pub name: Option<String>,
    /// Its texts, and whether each is JSON.
    pub texts: Vec<(String, bool)>,
}

impl World {
    /// The request as the engine takes it.
    pub fn request(&self) -> Request<'_> {
        let mut texts = Vec::new();
        let mut messages = Vec::new();
        for Said { role, name, texts: said } in &self.messages {
            let from = texts.len();
            texts.extend(said.iter().map(|(value, is_json)| Text { role: *role, value, is_json: *is_json }));
            messages.push(Message { role: *role, name: name.as_deref(), texts: from..texts.len() });
        }
        Request {
            texts,
            messages,
            tools: self.tools.iter().map(|name| Tool { name, description: None }).collect(),
            tool_calls: self.calls.iter().map(|(name, arguments)| ToolCall { name, arguments }).collect(),
            model: &self.model,
            stream: self.stream,
            max_tokens: self.max_tokens,
            user_id: self.user.as_deref(),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            ..Request::default()
        }
    }
}

/// Words that names are taken from.
pub(super) const NAMES: &[&str] = &["a", "b", "ab", "bc"];

pub(super) fn world(dice: &mut Dice<'_>) -> World {
    let name = |dice: &mut Dice<'_>| dice.pick(NAMES).to_owned();
    let optional = |dice: &mut Dice<'_>| (dice.roll(2) == 1).then(|| dice.pick(NAMES).to_owned());
    World {
        messages: dice.several(4, |dice| {
            let role = [Role::User, Role::System, Role::Assistant, Role::Tool][dice.roll(4)];
            let name = optional(dice);
            let texts = dice.several(3, |dice| (any_text(dice), dice.roll(2) == 1));
            Said { role, name, texts }
        }),
        tools: dice.several(2, name),
        answered: dice.several(3, name),
        calls: dice.several(2, |dice| (dice.pick(NAMES).to_owned(), any_text(dice))),
        model: name(dice),
        stream: dice.roll(2) == 1,
        max_tokens: (dice.roll(2) == 1).then(|| dice.roll(6) as i64),
        user: optional(dice),
        headers: dice.several(1, |dice| ("x-a".to_owned(), dice.pick(NAMES).to_owned())),
    }
}

/// A text of the few characters that generated patterns are about.
fn text(dice: &mut Dice<'_>) -> String {
    const PARTS: &[&str] =
        &["a", "b", "c", " ", "ab", "bc", "abc", "A", "B", ".", "中", "ａ", "\u{200B}", "a b", "aa", "bb"];
    debug_assert!(PARTS[12].starts_with(UNSEEN));
    (0..dice.roll(16)).map(|_| dice.pick(PARTS)).collect()
}

/// A text that may be JSON, or nearly.
pub(super) fn any_text(dice: &mut Dice<'_>) -> String {
    match dice.roll(4) {
        0 | 1 => text(dice),
        2 => json(dice, 2),
        _ => {
            // No digits or letters, which could make an escape one of a character that the reference cannot fold.
            const SIGNS: &[&str] = &["\\", "\"", "-", ",", "[", "}", r"\u00,", r"\ud800", "\n"];
            let mut broken = json(dice, 2);
            let at = broken.floor_char_boundary(dice.roll(24).min(broken.len()));
            match dice.roll(3) {
                2 => broken.truncate(at),
                _ => broken.insert_str(at, dice.pick(SIGNS)),
            }
            broken
        }
    }
}

/// JSON text whose strings are made of the same characters, written in several ways.
fn json(dice: &mut Dice<'_>, depth: usize) -> String {
    match dice.roll(if depth == 0 { 4 } else { 6 }) {
        0 | 1 => string(dice),
        2 => dice.pick(&["false", "-1.5e3", "1", "true", "null", "false"]).to_owned(),
        3 => format!(" {} ", string(dice)),
        4 => {
            format!("[{},false]", dice.several(3, |dice| json(dice, depth - 1)).join(",")).replace("[,", "[")
        }
        _ => {
            let members = dice.several(2, |dice| format!("{}: {}", string(dice), json(dice, depth - 1)));
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn string(dice: &mut Dice<'_>) -> String {
    const PARTS: &[&str] = &[
        "a",
        "b",
        "c",
        "ab",
        "bc",
        r"\u0061",
        r"\u0062",
        r"\u0063",
        r"\n",
        r#"\""#,
        r"\\",
        r"\u200b",
        r"\uFF41",
        r"\ud83d\ude00",
        r"\ud83d",
        r"\udE00",
        "中",
        "ａ",
        r"\/",
        " ",
        "",
        "b c",
    ];
    let parts: String = (0..dice.roll(12)).map(|_| dice.pick(PARTS)).collect();
    format!("\"{parts}\"")
}
