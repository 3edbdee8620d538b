//! A test's lines, sorted by what they are for, and the exchange that they make up.

use grammar::ast::{self, Expectation, TestLine};
use grammar::{Diagnostic, Span};

use super::given::{self, Given};
use crate::input::{Carrier, Channel, Message, Request, Role, Text};

/// A test's lines, sorted by what they are for.
pub(super) struct Script<'a> {
    said: Vec<(&'a ast::Name, &'a ast::Name)>,
    headers: Vec<(String, &'a str)>,
    /// What the answer says.
    response: Option<&'a str>,
    /// The answer's tool calls: their functions and their arguments.
    calls: Vec<(&'a str, &'a str)>,
    /// What stands around the texts.
    given: Given<'a>,
    /// What the budgets of rules have been taken before.
    pub(super) spent: Vec<(&'a ast::Name, u64)>,
    /// What must come of it, in the order written.
    pub(super) expected: Vec<Expected<'a>>,
}

/// One `expect` line.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) what: &'a Expectation,
    /// Where `todo` stands: it is known not to hold yet.
    pub(super) todo: Option<Span>,
    /// The whole line.
    pub(super) span: Span,
    /// How many lines before it expect arguments: the first that are expected are those of the first call.
    pub(super) call: usize,
}

impl<'a> Script<'a> {
    /// Reads a test; what is wrong with its givens is told.
    pub(super) fn read(test: &'a ast::Test, failures: &mut Vec<Diagnostic>) -> Self {
        let mut script = Script {
            said: Vec::new(),
            headers: Vec::new(),
            response: None,
            calls: Vec::new(),
            given: given::read(test, failures),
            spent: given::spent(test, failures),
            expected: Vec::new(),
        };
        let mut call = 0;
        for line in &test.lines {
            match &line.value {
                TestLine::With(..) | TestLine::Given(..) | TestLine::Spent(..) | TestLine::Target(..) => {}
                TestLine::Header(name, value) => {
                    script.headers.push((name.value.to_lowercase(), &value.value));
                }
                TestLine::Said(who, text) => script.said.push((who, text)),
                TestLine::Response(text) => script.response = Some(&text.value),
                TestLine::Call(name, arguments) => script.calls.push((&name.value, &arguments.value)),
                TestLine::Expect { todo, what } => {
                    script.expected.push(Expected { what, todo: *todo, span: line.span, call });
                    call += usize::from(matches!(what, Expectation::Arguments(_)));
                }
            }
        }
        script
    }

    /// Whether the exchange must be played to judge what is expected.
    pub(super) fn plays(&self) -> bool {
        self.expected.iter().any(|expected| !matches!(expected.what, Expectation::Found { .. }))
    }

    /// How many calls the answer makes.
    pub(super) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// The texts of the answer: what it says, and then the arguments of its calls. Empty where the test gives none.
    pub(super) fn answer(&self) -> Vec<(Channel, &'a str)> {
        if self.response.is_none() && self.calls.is_empty() {
            return Vec::new();
        }
        let content = (Channel::content(0), self.response.unwrap_or_default());
        let calls = (0..=u16::MAX).zip(&self.calls);
        let calls = calls.map(|(call, (_, arguments))| (Channel::arguments(0, call), *arguments));
        std::iter::once(content).chain(calls).collect()
    }

    /// The tool that the answer calls in that channel, if it does.
    pub(super) fn called(&self, channel: Channel) -> Option<&'a str> {
        let Carrier::Arguments(call) = channel.carrier else { return None };
        self.calls.get(usize::from(call)).map(|(name, _)| *name)
    }

    /// The request that the lines make up.
    pub(super) fn request(&self) -> Request<'_> {
        let mut request = Request { model: "test-model", ..Request::default() };
        for (who, text) in &self.said {
            let role = match who.value.as_str() {
                "model" => {
                    request.model = &text.value;
                    continue;
                }
                "system" => Role::System,
                "assistant" => Role::Assistant,
                "tool" => Role::Tool,
                _ => Role::User,
            };
            let at = request.texts.len();
            request.messages.push(Message { role, name: None, texts: at..at + 1 });
            request.texts.push(Text::plain(role, &text.value));
        }
        request.headers = self.headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        request.user_id = self.headers.iter().find(|(name, _)| name == "x-user-id").map(|(_, value)| *value);
        self.given.set(&mut request);
        request
    }
}
