//! The heads of calls that arrive: who a call is and what it calls, kept back until its name is complete.
//!
//! A name comes in pieces like any text, and SDKs put the pieces together. It is complete when arguments come, when another
//! call begins, or when the choice ends.

use serde_json::{Map, Value, json};

use super::calls::Written;
use crate::wire::json::Fields as _;

/// The heads of a choice's calls, by number.
#[derive(Debug, Default)]
pub(super) struct Heads {
    all: Vec<(u16, Head)>,
}

/// What is known of a call.
#[derive(Debug)]
enum Head {
    /// Its name may go on.
    Open(Open),
    /// It was judged under this name, and has left.
    Named(String),
}

/// A head that nothing has left of.
#[derive(Debug)]
struct Open {
    written: Written,
    /// Its identity and its type.
    fields: Map<String, Value>,
    name: String,
}

/// What becomes of a piece of a call.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// It is kept back.
    Waits,
    /// The call must be judged under this name; then it leaves. Whether what leaves is other than what came.
    Named(String, bool),
    /// It goes on with a call that was judged. Whether what leaves is other than what came.
    GoesOn(bool),
    /// It gives another name to a call that was judged.
    Renames,
}

impl Heads {
    /// Takes a piece of the call of that number. Where it must leave, it is made to hold the whole head.
    pub(super) fn take(&mut self, number: u16, written: Option<Written>, call: &mut Value) -> Step {
        let at = self.at(number, written);
        let Some((_, head)) = self.all.get_mut(at) else { return Step::Waits };
        match head {
            Head::Named(known) => match written.and_then(|written| name_of(written, call)) {
                Some(name) if name == known.as_str() => {
                    if let Some(holder) = written.and_then(|written| written.holder(call)) {
                        holder.shift_remove("name");
                    }
                    Step::GoesOn(true)
                }
                Some(_) => Step::Renames,
                None => Step::GoesOn(false),
            },
            Head::Open(open) => {
                let is_first = open.name.is_empty() && open.fields.is_empty();
                open.written = written.unwrap_or(open.written);
                open.add(call);
                let Some(arguments) = open.written.arguments(call) else { return Step::Waits };
                let name = open.name.clone();
                if !is_first {
                    *call = open.entry(number, &arguments);
                }
                *head = Head::Named(name.clone());
                Step::Named(name, !is_first)
            }
        }
    }

    /// The calls whose names are complete, since something else comes now: number, name and head, all but those of the
    /// call that goes on.
    pub(super) fn complete(&mut self, but: Option<u16>) -> Vec<(u16, Written, String, Value)> {
        let mut complete = Vec::new();
        for (number, head) in self.all.iter_mut().filter(|(number, _)| Some(*number) != but) {
            if let Head::Open(open) = head {
                complete.push((*number, open.written, open.name.clone(), open.entry(*number, "")));
                *head = Head::Named(open.name.clone());
            }
        }
        complete
    }

    /// Where the head of that number is, which is made when it is new.
    fn at(&mut self, number: u16, written: Option<Written>) -> usize {
        self.all.iter().position(|(known, _)| *known == number).unwrap_or_else(|| {
            let written = written.unwrap_or(Written::Function);
            self.all.push((number, Head::Open(Open { written, fields: Map::new(), name: String::new() })));
            self.all.len() - 1
        })
    }
}

impl Open {
    /// Adds what a piece says.
    fn add(&mut self, call: &mut Value) {
        if self.written != Written::Older {
            for field in ["id", "type"] {
                if let Some(value) = call.field(field).filter(|value| !value.is_null()) {
                    self.fields.entry(field).or_insert_with(|| value.clone());
                }
            }
        }
        if let Some(name) = name_of(self.written, call) {
            self.name.push_str(name);
        }
    }

    /// The whole head, as a call of its own.
    fn entry(&self, number: u16, arguments: &str) -> Value {
        let (holder, field) = self.written.words();
        let said = json!({"name": self.name, field: arguments});
        if self.written == Written::Older {
            return said;
        }
        let mut entry = Map::from_iter([("index".to_owned(), json!(number))]);
        entry.extend(self.fields.clone());
        entry.insert(holder.to_owned(), said);
        Value::Object(entry)
    }
}

fn name_of(written: Written, call: &mut Value) -> Option<&str> {
    written.holder(call)?.field("name")?.as_str().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTION: Option<Written> = Some(Written::Function);

    fn piece(name: &str, arguments: &str) -> Value {
        json!({"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": arguments}})
    }

    #[test]
    fn a_call_that_comes_whole_leaves_as_it_is() {
        let mut heads = Heads::default();
        let mut call = piece("send", "{}");
        assert_eq!(heads.take(0, FUNCTION, &mut call), Step::Named("send".to_owned(), false));
        assert_eq!(call, piece("send", "{}"));
        assert_eq!(
            heads.take(0, FUNCTION, &mut json!({"function": {"arguments": "x"}})),
            Step::GoesOn(false)
        );
        assert_eq!(heads.take(0, FUNCTION, &mut piece("send", "")), Step::GoesOn(true));
        assert_eq!(heads.take(0, FUNCTION, &mut piece("other", "")), Step::Renames);
    }

    #[test]
    fn a_name_in_pieces_waits_for_the_arguments() {
        let mut heads = Heads::default();
        assert_eq!(heads.take(0, FUNCTION, &mut piece("se", "")), Step::Waits);
        assert_eq!(
            heads.take(0, FUNCTION, &mut json!({"index": 0, "function": {"name": "nd"}})),
            Step::Waits
        );
        let mut last = json!({"index": 0, "function": {"arguments": "{"}});
        assert_eq!(heads.take(0, FUNCTION, &mut last), Step::Named("send".to_owned(), true));
        assert_eq!(last, piece("send", "{"));
        assert!(heads.complete(None).is_empty());
    }

    #[test]
    fn names_are_complete_where_other_calls_begin() {
        let mut heads = Heads::default();
        assert_eq!(heads.take(0, FUNCTION, &mut piece("a", "")), Step::Waits);
        let complete = heads.complete(Some(1));
        assert_eq!(complete, [(0, Written::Function, "a".to_owned(), piece("a", ""))]);
        let mut older = json!({"name": "b"});
        assert_eq!(heads.take(9, Some(Written::Older), &mut older), Step::Waits);
        let complete = heads.complete(None);
        assert_eq!(complete, [(9, Written::Older, "b".to_owned(), json!({"name": "b", "arguments": ""}))]);
    }
}
