//! The work that is measured.

use std::sync::Arc;

use engine::input::{Channel, Request, Role, Text};
use engine::verdict::RequestStep;
use engine::{Program, Session};

/// Judges a prompt of the user.
pub fn judge(program: &Arc<Program>, text: &str) -> RequestStep {
    let texts = vec![Text::plain(Role::User, text)];
    Session::new(Arc::clone(program), || 0).request(&Request { texts, model: "m", ..Request::default() })
}

/// A session that is ready for the answer.
pub fn open(program: &Arc<Program>) -> Session {
    let mut session = Session::new(Arc::clone(program), || 0);
    session.request(&Request::default());
    session
}

/// Takes an answer in pieces of so many bytes, and gives what left of it.
pub fn stream(session: &mut Session, text: &str, piece: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let next = rest.chars().next().map_or(1, char::len_utf8);
        let (first, after) = rest.split_at(rest.floor_char_boundary(piece.min(rest.len())).max(next));
        let _ = session.feed(Channel::content(0), first, &mut out);
        rest = after;
    }
    let _ = session.finish(Channel::content(0), &mut out);
    out
}
