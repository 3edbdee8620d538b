//! What budgets count, and for how long: the same words in rules, in the configuration and in reports.

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meter {
    /// What requests cost.
    Cost,
    /// Tokens, of requests and answers together.
    Tokens,
}

impl Meter {
    /// As written in rules.
    pub fn name(self) -> &'static str {
        match self {
            Meter::Cost => "cost",
            Meter::Tokens => "tokens",
        }
    }

    /// Every meter.
    pub const ALL: [Meter; 2] = [Meter::Cost, Meter::Tokens];
}

/// For how long it is counted. All but the first are parts of the calendar in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Each request by itself.
    Request,
    /// A minute of the clock.
    Minute,
    /// An hour of the clock.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

impl Window {
    /// As written in rules.
    pub fn name(self) -> &'static str {
        match self {
            Window::Request => "request",
            Window::Minute => "minute",
            Window::Hour => "hour",
            Window::Day => "day",
            Window::Month => "month",
        }
    }

    /// Every window, the shortest first.
    pub const ALL: [Window; 5] = [Window::Request, Window::Minute, Window::Hour, Window::Day, Window::Month];
}
