//! Random policies, requests and answers, drawn from bytes: the same bytes always make the same case, and fewer bytes
//! make a simpler one, so that failures shrink by themselves.

use std::fmt::Write as _;

use engine::input::Channel;

use super::world::{NAMES, World, any_text, world};

/// Choices, one byte each; zero when the bytes have run out.
pub struct Dice<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Dice<'a> {
    /// Dice that fall as the bytes say.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.iter() }
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        usize::from(self.bytes.next().copied().unwrap_or(0)) % sides
    }

    pub(super) fn pick<'b>(&mut self, from: &[&'b str]) -> &'b str {
        from[self.roll(from.len())]
    }

    pub(super) fn several<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.roll(most + 1)).map(|_| one(self)).collect()
    }
}

/// A policy, what it is asked, and what the model says.
pub struct Case {
    /// The rule file.
    pub policy: String,
    /// The request.
    pub world: World,
    /// The channel in which the answer comes.
    pub channel: Channel,
    /// The answer.
    pub answer: String,
    /// How the answer is cut: characters a piece, in turn.
    pub cuts: Vec<usize>,
}

impl Case {
    /// The case that the bytes make.
    pub fn draw(dice: &mut Dice<'_>) -> Self {
        let channel = if dice.roll(2) == 1 { Channel::arguments(0, 1) } else { Channel::content(0) };
        let answer = any_text(dice);
        let policy = Author { dice, out: String::from("policy drawn\n"), patterns: Vec::new() }.write();
        let world = world(dice);
        let cuts = (0..=dice.roll(4)).map(|_| 1 + dice.roll(5)).collect();
        Self { policy, world, channel, answer, cuts }
    }
}

/// Writes a policy.
struct Author<'a, 'b> {
    dice: &'a mut Dice<'b>,
    out: String,
    patterns: Vec<String>,
}

impl Author<'_, '_> {
    fn write(mut self) -> String {
        let (flag, limit) = (self.dice.roll(2) == 1, self.dice.roll(6));
        let mode = self.dice.pick(&["red", "green"]);
        let names = self.names();
        let _ = writeln!(self.out, "param flag: bool = {flag}\nparam limit: int = {limit}");
        let _ = writeln!(self.out, "param mode: enum(red, green) = {mode}\nparam names: [string] = {names}");
        let (one, other) = (self.names(), self.names());
        let roles =
            self.dice.pick(&["{}", "{a: {}}", "{a: {who: WHO}, \"b\": {n: 3}}", "{ab: {who: WHO, n: 0}}"]);
        let roles = roles.replace("WHO", &other);
        let _ = writeln!(self.out, "param roles: map of record(who: [string] = {one}, n: int = 1) = {roles}");
        for index in 0..=self.dice.roll(4) {
            self.pattern(index);
        }
        let fact = self.fact(2);
        let _ = writeln!(self.out, "let known = {fact}");
        let (body, more) = (self.fact(1), self.comparison());
        let _ =
            writeln!(self.out, "fn big(n: int, m: string) -> bool = n {more} limit and m != model or {body}");
        let terms: Vec<String> = (0..=self.dice.roll(3))
            .map(|_| {
                let weight = self.dice.pick(&["0.25", "0.5", "1.0"]);
                format!("{weight} if {}", self.growing(1))
            })
            .collect();
        let clamp = self.dice.pick(&["", " clamp 0.0..1.0"]);
        let _ = writeln!(self.out, "score heat = sum {{ {} }}{clamp}", terms.join(", "));
        for index in 0..=self.dice.roll(4) {
            self.rule(index);
        }
        self.out
    }

    fn names(&mut self) -> String {
        let names: Vec<String> = self.dice.several(3, |dice| format!("{:?}", dice.pick(NAMES)));
        format!("[{}]", names.join(", "))
    }

    fn pattern(&mut self, index: usize) {
        let body = match self.dice.roll(4) {
            0 | 1 => self.regex(),
            2 => {
                let words = self.dice.pick(&[r#"["ab"]"#, r#"["a", "b c"]"#, r#"["abc", "ab c", "b"]"#]);
                format!("words {words}")
            }
            _ if index > 0 => {
                let (one, other) = (self.any_pattern(), self.any_pattern());
                if one == other { format!("any of ({one})") } else { format!("any of ({one}, {other})") }
            }
            _ => self.regex(),
        };
        let name = format!("p{index}");
        // What is demanded is sought at every start, so only of matches that end.
        let ends = !body.contains(['+', '*']) && !body.starts_with("any");
        let (checks, near) = (self.checks(ends), self.near());
        let _ = writeln!(self.out, "pattern {name} = {body}{checks}{near}");
        self.patterns.push(name);
    }

    /// Sometimes what must match in a match, or must not.
    fn checks(&mut self, may_demand: bool) -> String {
        const WHAT: &[&str] =
            &["/a/", "/^b/", "/c$/i", "/^[ab]+$/", r"/\bb/", "/.../", "/^a*$/", r#"/ab|"/"#, r"/\s/"];
        if self.dice.roll(2) == 0 {
            return String::new();
        }
        let checks = self.dice.several(2, |dice| {
            let denied: &[&str] = if may_demand { &["", "not "] } else { &["not "] };
            let denied = dice.pick(denied);
            format!("{denied}{}has {}", dice.pick(&["", "match "]), dice.pick(WHAT))
        });
        if checks.is_empty() { String::new() } else { format!(" where {}", checks.join(" and ")) }
    }

    /// Sometimes what must stand near; the reference wants expressions whose matches are of one length.
    fn near(&mut self) -> String {
        const WHAT: &[&str] = &["/a/", r"/\bb\b/", "/[ab]c/i", "/. /", r#"words ["ab"]"#, r"/\bc/"];
        if self.dice.roll(3) > 0 {
            return String::new();
        }
        format!(" near {} within {}", self.dice.pick(WHAT), 1 + self.dice.roll(4))
    }

    fn any_pattern(&mut self) -> String {
        let at = self.dice.roll(self.patterns.len());
        self.patterns[at].clone()
    }

    /// A regular expression that matches no empty text.
    fn regex(&mut self) -> String {
        const PARTS: &[&str] = &[
            "a", "b", "c", "[ab]", "[^a]", ".", "a+", "b?", "a{1,3}", "(?:ab|b)", r"\b", r"\s", "(?:a|ab)",
            "c*", r"\w", "[\"]", "[:,]",
        ];
        const SOLID: &[&str] = &["a", "b", "c", "[ab]", "ab", "bc", "[ae1]"];
        let parts: Vec<&str> = (0..self.dice.roll(4)).map(|_| self.dice.pick(PARTS)).collect();
        let at = self.dice.roll(parts.len() + 1);
        let solid = self.dice.pick(SOLID);
        let flags = self.dice.pick(&["", "", "i"]);
        let (before, after) = parts.split_at(at);
        format!("/{}{solid}{}/{flags}", before.concat(), after.concat())
    }

    fn rule(&mut self, index: usize) {
        let phase = self.dice.pick(&["request", "response", "request, response"]);
        let verdict = self.dice.pick(&["redact", "flag", "block", "redact", "escalate", "redact"]);
        let waits = phase == "response" && self.dice.roll(3) == 1;
        let streams = phase != "request" && !waits;
        let when = match (streams, verdict) {
            (false, "redact") if waits && self.dice.roll(3) == 1 => {
                format!("{} or {}", self.fact(1), self.has())
            }
            (false, "redact") if waits => format!("({}) and {}", self.asks_of_all(2), self.has()),
            // What facts decide is decided with the request; a text is always asked for.
            (false, _) if waits => {
                let not = self.dice.pick(&["", "not "]);
                format!("({}) and {not}({})", self.asks_of_all(2), self.has())
            }
            (false, "redact") => format!("({}) and {}", self.asks(2), self.has()),
            (false, _) => self.asks(3),
            (true, "redact") => self.alone(2),
            (true, _) => self.growing(2),
        };
        let unless = if self.dice.roll(3) == 1 { format!(" unless {}", self.fact(1)) } else { String::new() };
        let phase = if waits { "response buffered" } else { phase };
        let _ = writeln!(self.out, "rule r{index} on {phase}{unless} {{ when {when} do {verdict} }}");
    }

    /// What is known before any answer, in both phases.
    fn fact(&mut self, depth: usize) -> String {
        if depth > 0 {
            match self.dice.roll(9) {
                6 if self.out.contains("fn big") => {
                    return format!("big({}, {:?})", self.number(1), self.dice.pick(NAMES));
                }
                7 => {
                    let (a, b) = (self.fact(depth - 1), self.fact(depth - 1));
                    return format!("(match mode {{ red => {a}, green => {b} }})");
                }
                8 => {
                    let (a, b, c) = (self.fact(depth - 1), self.fact(depth - 1), self.fact(depth - 1));
                    return format!("(match model {{ \"a\", \"b\" => {a} \"ab\" => {b} else => {c} }})");
                }
                0 => return format!("({} and {})", self.fact(depth - 1), self.fact(depth - 1)),
                1 => return format!("({} or {})", self.fact(depth - 1), self.fact(depth - 1)),
                2 => return format!("not ({})", self.fact(depth - 1)),
                3 => {
                    let (a, b, c) = (self.fact(depth - 1), self.fact(depth - 1), self.fact(depth - 1));
                    return format!("(if {a} then {b} else {c})");
                }
                _ => {}
            }
        }
        let name = self.dice.pick(NAMES);
        match self.dice.roll(20) {
            14 => format!("({} n in names: n == model)", self.dice.pick(&["any", "all"])),
            15 => format!("count(n in names: model contains n) {} {}", self.comparison(), self.dice.roll(3)),
            16 => "(any r in roles: r.key == model and model in r.who)".to_owned(),
            17 => format!("(all r in roles: r.n {} limit or model matches glob(r.who))", self.comparison()),
            18 => format!("(any r in roles: any n in r.who: n == {name:?} and r.n > 1)"),
            19 => format!("length(roles) {} {}", self.comparison(), self.dice.roll(3)),
            0 => format!("model == {name:?}"),
            1 => format!("model in {}", self.names()),
            2 => "model not in names".to_owned(),
            3 => format!("model starts with {name:?}"),
            4 => format!("model matches glob(\"{}\")", self.dice.pick(&["a*", "?b", "*c"])),
            5 => "stream".to_owned(),
            6 => format!("(max_tokens ?? 2) {} {}", self.comparison(), self.number(2)),
            7 => "max_tokens is present".to_owned(),
            8 => format!("(header(\"x-a\") ?? \"none\") contains {name:?}"),
            9 => "user.id is absent".to_owned(),
            10 => "flag".to_owned(),
            11 => format!("{} {} limit", self.number(2), self.comparison()),
            12 => format!("mode == {}", self.dice.pick(&["red", "green"])),
            _ => format!("lower(model) ends with {name:?}"),
        }
    }

    fn comparison(&mut self) -> &'static str {
        self.dice.pick(&[">=", ">", "<", "<=", "==", "!="])
    }

    fn number(&mut self, depth: usize) -> String {
        if depth > 0 && self.dice.roll(3) == 1 {
            let op = self.dice.pick(&["+", "-", "*", "/", "%"]);
            return format!("({} {op} {})", self.number(depth - 1), self.number(depth - 1));
        }
        match self.dice.roll(5) {
            4 => format!("(match mode {{ green => {} red => {} }})", self.dice.roll(6), self.dice.roll(6)),
            0 => "limit".to_owned(),
            1 => "length(model)".to_owned(),
            2 => "length(names)".to_owned(),
            _ => self.dice.roll(6).to_string(),
        }
    }

    fn sought(&mut self) -> String {
        match self.dice.roll(6) {
            0 => self.regex(),
            1 => format!("{:?}", self.dice.pick(&["ab", "b c", "a"])),
            2 => {
                let (one, other) = (self.any_pattern(), self.any_pattern());
                format!("({one}, {other})")
            }
            _ => self.any_pattern(),
        }
    }

    fn has(&mut self) -> String {
        let text = self.dice.pick(&["text", "text", "raw(text)", "json(text)"]);
        format!("{text} has {}", self.sought())
    }

    /// What more text can only make true.
    fn growing(&mut self, depth: usize) -> String {
        match self.dice.roll(if depth == 0 { 2 } else { 9 }) {
            6 => format!("(any c in tool_calls: {})", self.of_a_call()),
            7 => {
                let base = self.dice.pick(&["", "conversation.calls + "]);
                let (more, asked) = (self.dice.pick(&[">", ">="]), self.of_a_call());
                // What holds without a call is decided with the request; a call is always asked for.
                let count = self.dice.roll(3);
                format!(
                    "({base}count(c in tool_calls: {asked}) {more} {count} and (any c in tool_calls: true))"
                )
            }
            8 => format!(
                "(any n in names: (any c in tool_calls: c.name == n) or n == \"b\" and {})",
                self.has()
            ),
            0 => self.has(),
            1 if self.out.contains("score heat") => {
                format!("heat >= {}", self.dice.pick(&["0.25", "0.5", "1.25"]))
            }
            2 => format!("({} and {})", self.growing(depth - 1), self.growing(depth - 1)),
            3 => format!("({} or {})", self.growing(depth - 1), self.growing(depth - 1)),
            4 => format!("({} and {})", self.shared_fact(depth), self.growing(depth - 1)),
            5 => {
                let (fact, a, b) =
                    (self.shared_fact(depth), self.growing(depth - 1), self.growing(depth - 1));
                format!("(if {fact} then {a} else {b})")
            }
            _ => self.has(),
        }
    }

    /// What one match decides.
    fn alone(&mut self, depth: usize) -> String {
        match self.dice.roll(if depth == 0 { 1 } else { 5 }) {
            4 => format!("({} or (any n in names: n == model and {}))", self.has(), self.has()),
            1 => format!("({} or {})", self.alone(depth - 1), self.alone(depth - 1)),
            2 => format!("({} and {})", self.shared_fact(depth), self.alone(depth - 1)),
            3 => {
                let (fact, a, b) = (self.shared_fact(depth), self.alone(depth - 1), self.alone(depth - 1));
                format!("(if {fact} then {a} else {b})")
            }
            _ => self.has(),
        }
    }

    fn shared_fact(&mut self, depth: usize) -> String {
        if self.dice.roll(3) == 0 { "known".to_owned() } else { self.fact(depth - 1) }
    }

    /// Anything that a rule over requests may ask.
    fn asks(&mut self, depth: usize) -> String {
        if depth > 0 {
            match self.dice.roll(7) {
                0 => return format!("({} and {})", self.asks(depth - 1), self.asks(depth - 1)),
                1 => return format!("({} or {})", self.asks(depth - 1), self.asks(depth - 1)),
                2 => return format!("not ({})", self.asks(depth - 1)),
                3 => return self.quantifier(depth - 1),
                4 => {
                    let (a, b, c) = (self.asks(depth - 1), self.asks(depth - 1), self.asks(depth - 1));
                    return format!("(if {a} then {b} else {c})");
                }
                _ => {}
            }
        }
        match self.dice.roll(4) {
            0 => self.shared_fact(1),
            1 => format!("heat {} 0.5", self.comparison()),
            2 => {
                let scope = self.dice.pick(&["user", "system", "assistant", "tool", "untrusted"]);
                format!("{scope}.text has {}", self.sought())
            }
            _ => self.has(),
        }
    }

    /// Anything that a rule may ask once it has the whole answer.
    fn asks_of_all(&mut self, depth: usize) -> String {
        if depth > 0 {
            match self.dice.roll(6) {
                4 => {
                    let (each, asked) = (self.dice.pick(&["any", "all"]), self.of_a_call());
                    return format!("({each} c in tool_calls: {asked})");
                }
                0 => return format!("({} and {})", self.asks_of_all(depth - 1), self.asks_of_all(depth - 1)),
                1 => return format!("({} or {})", self.asks_of_all(depth - 1), self.asks_of_all(depth - 1)),
                2 => return format!("not ({})", self.asks_of_all(depth - 1)),
                3 => {
                    let [a, b, c] = std::array::from_fn(|_| self.asks_of_all(depth - 1));
                    return format!("(if {a} then {b} else {c})");
                }
                _ => {}
            }
        }
        match self.dice.roll(4) {
            0 => self.shared_fact(1),
            1 => format!("heat {} 0.5", self.comparison()),
            _ => self.has(),
        }
    }

    /// What may be asked of a call whose arguments are not there yet.
    fn of_a_call(&mut self) -> String {
        let name = self.dice.pick(NAMES);
        match self.dice.roll(6) {
            0 => format!("c.name == {name:?}"),
            1 => format!("not (c.name matches glob(\"{name}*\"))"),
            2 => "c.name in names".to_owned(),
            3 => "(any r in roles: r.key == c.name or c.name in r.who)".to_owned(),
            4 => "true".to_owned(),
            _ => format!("c.name has /{name}/ and {}", self.fact(1)),
        }
    }

    fn quantifier(&mut self, depth: usize) -> String {
        let name = self.dice.pick(NAMES);
        let (element, list, asked) = match self.dice.roll(8) {
            6 => ("n", "names", format!("n == model or {}", self.has())),
            7 => ("n", "names", "(any c in tool_calls: c.name == n)".to_owned()),
            0 => ("m", "messages", format!("m.role == {}", self.dice.pick(&["user", "tool"]))),
            1 => ("m", "messages", format!("m.text has {}", self.sought())),
            2 => {
                ("m", "messages", format!("(m.name ?? \"none\") == {name:?} or m.text has {}", self.sought()))
            }
            3 => ("t", "tools", format!("t.name contains {name:?}")),
            4 => ("c", "tool_calls", format!("c.arguments has {}", self.sought())),
            _ => {
                let other = self.fact(depth.min(1));
                ("m", "messages", format!("(any c in tool_calls: c.name == {name:?}) and {other}"))
            }
        };
        match self.dice.roll(3) {
            0 => format!("(any {element} in {list}: {asked})"),
            1 => format!("(all {element} in {list}: {asked})"),
            _ => format!("count({element} in {list}: {asked}) {} {}", self.comparison(), self.dice.roll(3)),
        }
    }
}
