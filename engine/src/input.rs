//! What the engine is told about an exchange: texts with their roles, and the scalars around them.

use std::net::IpAddr;

/// Who speaks in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// System and developer instructions.
    System,
    /// The user.
    User,
    /// Earlier answers of the model.
    Assistant,
    /// Results of tools and functions.
    Tool,
    /// Definitions of tools, schemas and formats.
    Definition,
    /// Any other string that a model may read.
    Other,
}

impl Role {
    /// The role's name in the rule language.
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
            Role::Definition => "definition",
            Role::Other => "other",
        }
    }
}

/// One string of a request that a model may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// Who speaks.
    pub role: Role,
    /// The decoded string.
    pub value: &'a str,
    /// Whether it is JSON text itself: then patterns see its strings decoded, and redactions leave its structure alone.
    pub is_json: bool,
}

impl<'a> Text<'a> {
    /// A text that is read as it stands.
    pub fn plain(role: Role, value: &'a str) -> Self {
        Self { role, value, is_json: false }
    }

    /// A text that is JSON, such as the arguments of a tool call.
    pub fn json(role: Role, value: &'a str) -> Self {
        Self { role, value, is_json: true }
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// The message's `name`, when it has one.
    pub name: Option<&'a str>,
    /// The message's strings, as a range of [`Request::texts`].
    pub texts: std::ops::Range<usize>,
}

/// A tool that the request offers to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool<'a> {
    /// Its function name.
    pub name: &'a str,
    /// Its description, when it has one.
    pub description: Option<&'a str>,
}

/// A call of a tool, in an answer of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolCall<'a> {
    /// The function's name.
    pub name: &'a str,
    /// The arguments as the model wrote them: JSON text, which patterns see decoded.
    pub arguments: &'a str,
}

/// A target that the request could be sent to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target<'a> {
    /// Its name in the configuration.
    pub id: &'a str,
    /// Its provider, such as `fireworks`.
    pub provider: &'a str,
    /// The model that it stands for; absent where the client chooses.
    pub model: Option<&'a str>,
    /// Whether the provider keeps nothing of a request once it is answered.
    pub zero_data_retention: bool,
    /// Whether the provider does not train on requests.
    pub training_opt_out: bool,
    /// For how many days the provider keeps requests, where that is known.
    pub retention_days: Option<i64>,
}

/// A request, decoded; everything is borrowed from the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// Every string that a model may read, in document order.
    pub texts: Vec<Text<'a>>,
    /// The conversation.
    pub messages: Vec<Message<'a>>,
    /// The tools on offer.
    pub tools: Vec<Tool<'a>>,
    /// The tool that the request makes the model call, if it names one.
    pub tool_choice: Option<&'a str>,
    /// The calls made so far.
    pub tool_calls: Vec<ToolCall<'a>>,
    /// The model that the client asked for.
    pub model: &'a str,
    /// Whether the client wants a stream.
    pub stream: bool,
    /// The client's limit on generated tokens.
    pub max_tokens: Option<i64>,
    /// How many images, sounds, videos and files it has, in which no policy reads.
    pub media: i64,
    /// Who asks, from `x-user-id` or the body's `user`.
    pub user_id: Option<&'a str>,
    /// The name of the key that it came with.
    pub key_name: Option<&'a str>,
    /// What that key is marked with: labels and what they say.
    pub key_labels: Vec<(&'a str, &'a str)>,
    /// Request headers, names in lower case; without credentials.
    pub headers: Vec<(&'a str, &'a str)>,
    /// When it came, in seconds since 1970 in UTC.
    pub now: i64,
    /// The address that it came from.
    pub client_ip: Option<IpAddr>,
    /// An estimate of the tokens of its texts.
    pub prompt_tokens: i64,
    /// An estimate of what it will cost in US dollars, where the price is known.
    pub cost_usd: Option<f64>,
    /// Where it could go, in the order of the configuration.
    pub targets: Vec<Target<'a>>,
}

/// An estimate of the tokens of that many bytes of text: four bytes a token, rounded up. Providers count by their own
/// vocabularies; English prose comes near this, and other scripts take more bytes and more tokens alike.
pub fn estimated_tokens(bytes: usize) -> i64 {
    i64::try_from(bytes.div_ceil(4)).unwrap_or(i64::MAX)
}

/// What kind of text a channel carries, in the order in which a reader sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Carrier {
    /// The reasoning before the answer.
    Reasoning,
    /// The answer.
    Content,
    /// A refusal.
    Refusal,
    /// The arguments of a tool call, by its place among the calls of the choice. They are JSON text.
    Arguments(u16),
}

impl Carrier {
    /// Whether its text is JSON: then patterns see the strings decoded, and redactions leave the structure alone.
    pub fn is_json(self) -> bool {
        match self {
            Carrier::Content | Carrier::Reasoning | Carrier::Refusal => false,
            Carrier::Arguments(_) => true,
        }
    }

    /// The carrier's name in findings and reports.
    pub fn name(self) -> &'static str {
        match self {
            Carrier::Content => "content",
            Carrier::Reasoning => "reasoning",
            Carrier::Refusal => "refusal",
            Carrier::Arguments(_) => "arguments",
        }
    }
}

/// One text of an answer that arrives in pieces: a carrier of one choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// Index of the choice.
    pub choice: u32,
    /// Which of its texts.
    pub carrier: Carrier,
}

impl Channel {
    /// The answer of a choice.
    pub fn content(choice: u32) -> Self {
        Self { choice, carrier: Carrier::Content }
    }

    /// The arguments of a tool call of a choice.
    pub fn arguments(choice: u32, call: u16) -> Self {
        Self { choice, carrier: Carrier::Arguments(call) }
    }
}
