//! What each request is to come to: its question says what the provider shall do, and so the checker knows too.

use serde_json::Value;
use tests::{DONE, Form, STREAM_HEAD, Script, Seen};

/// What the provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Plan {
    /// Says a text with secrets in it.
    Says,
    /// Says what must stop the answer.
    Forbidden,
    /// Is not asked: the question is stopped.
    Unasked,
    /// Breaks off.
    BreaksOff,
    /// Resets the connection.
    Resets,
    /// Answers with an error.
    Fails,
    /// Answers with something else.
    Babbles,
}

impl Plan {
    pub(crate) const ALL: [Plan; 7] = [
        Plan::Says,
        Plan::Forbidden,
        Plan::Unasked,
        Plan::BreaksOff,
        Plan::Resets,
        Plan::Fails,
        Plan::Babbles,
    ];
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) form: Form,
    pub(crate) stream: bool,
    pub(crate) plan: Plan,
    /// Where its text comes from.
    pub(crate) seed: u64,
}

impl Ask {
    /// One that the number stands for.
    pub(crate) fn drawn(number: u64) -> Self {
        let plan = match number % 20 {
            0 => Plan::Forbidden,
            1 => Plan::Unasked,
            2 => Plan::BreaksOff,
            3 => Plan::Resets,
            4 => Plan::Fails,
            5 => Plan::Babbles,
            _ => Plan::Says,
        };
        let form = Form::ALL[(number / 20 % 3) as usize];
        Self { form, stream: (number / 60).is_multiple_of(2), plan, seed: number / 120 }
    }

    pub(crate) fn question(self) -> Value {
        let at = Plan::ALL.iter().position(|plan| *plan == self.plan).expect("a plan");
        let stop = if self.plan == Plan::Unasked { "FORBIDDEN" } else { "hello" };
        let form = Form::ALL.iter().position(|form| *form == self.form).expect("a form");
        self.form.question(
            &format!("plan {at} {form} {} {stop} SECRET{}", self.seed, self.seed % 900 + 1),
            self.stream,
        )
    }

    /// The pieces of what the provider says, the last one with the end of it.
    fn pieces(self) -> Vec<String> {
        let mut state = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        let mut text = String::new();
        for _ in 0..next(60) + 5 {
            match next(12) {
                0 => text.push_str(&format!("SECRET{} ", next(900) + 1)),
                1 => text.push_str("ann.smith@example.com "),
                2 => text.push_str("SECRE "),
                _ => text.push_str(["one ", "two ", "three, ", "4 ", "\n"][next(5) as usize]),
            }
        }
        if self.plan == Plan::Forbidden {
            text.push_str("and FORBIDDEN words");
        }
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((next(9) as usize + 1).min(rest.len()));
            pieces.push(piece.to_owned());
            rest = after;
        }
        pieces
    }

    /// What may leave of it at most.
    pub(crate) fn redacted(self) -> String {
        let said = self.pieces().concat();
        let said =
            said.split("FORBIDDEN").next().unwrap_or_default().replace("ann.smith@example.com", "[EMAIL]");
        let mut parts = said.split("SECRET");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            out.push_str("[SECRET]");
            out.push_str(rest);
        }
        out
    }

    fn script(self) -> Script {
        let body = || match self.stream {
            true => self.form.events(self.pieces()),
            false => self.form.whole(&self.pieces().concat()).to_string(),
        };
        let length = body().len();
        let head = match self.stream {
            true => STREAM_HEAD.to_owned(),
            false => format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            ),
        };
        let part = body()[..length / 2].to_owned();
        match self.plan {
            Plan::Says | Plan::Forbidden | Plan::Unasked => Script::raw(head).then(body()),
            Plan::BreaksOff => Script::raw(head).then(part),
            Plan::Resets => Script::raw(head).then(part).pause(2).reset(),
            Plan::Fails => {
                Script::reply("500 No", "application/json", "{\"error\":{\"message\":\"m\",\"code\":\"c\"}}")
            }
            Plan::Babbles => Script::reply("200 OK", "text/html", format!("<html>{DONE}")),
        }
    }
}

/// A provider that does what questions say.
pub(crate) fn provider() -> Script {
    Script::follow(|seen: &Seen| {
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        let (_, words) = body.split_once("plan ").expect("a plan");
        let mut numbers = words.split(' ').map_while(|word| word.parse::<u64>().ok());
        let mut number = || numbers.next().expect("a number");
        let (plan, form, seed) = (number() as usize, number() as usize, number());
        let stream = seen.json()["stream"] == true;
        Ask { form: Form::ALL[form], stream, plan: Plan::ALL[plan], seed }.script()
    })
}
