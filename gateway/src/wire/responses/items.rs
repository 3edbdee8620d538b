//! The items of an answer and their texts: what came, and what was let go.

mod shown;

use engine::input::{Carrier, Channel};
use engine::run::Session;
use engine::verdict::Flow;
use serde_json::Value;

use super::item::{called, each_text};
use super::kind::Kind;
use crate::secret::Secret;
use crate::wire::Fault;
use crate::wire::strand::Strand;
use crate::wire::stream::Halt;

/// Most items of one answer.
const MAX_ITEMS: usize = 4096;

/// Most parts of one kind in an item.
const MAX_PARTS: usize = 512;

/// Most bytes of text of one answer, which are kept since the provider repeats them.
const MAX_TEXT: usize = 32 * 1024 * 1024;

/// All that is known of an answer.
#[derive(Debug, Default)]
pub(super) struct Items {
    items: Vec<Item>,
    texts: Vec<Text>,
    /// Bytes of all texts.
    length: usize,
    /// The key that none of them says.
    pub(super) secret: Option<Secret>,
}

/// What is known of an item.
#[derive(Debug)]
struct Item {
    /// The provider's number for it.
    index: Option<u64>,
    id: Option<String>,
    /// As the client last saw it, but for its texts.
    shown: Value,
    over: bool,
    /// The tool that it calls, once that was judged.
    called: Option<String>,
}

impl Item {
    /// Whether an item is of the same kind and of the same speaker.
    fn is_like(&self, item: &Value) -> bool {
        ["type", "role"].into_iter().all(|field| self.shown.get(field) == item.get(field))
    }
}

/// One text of an item.
#[derive(Debug)]
struct Text {
    item: usize,
    kind: Kind,
    part: usize,
    strand: Strand,
    /// Whether any of it has come.
    fed: bool,
    /// Whether it is complete.
    over: bool,
    /// What was let go.
    released: String,
    /// How many bytes of that the client has.
    sent: usize,
    /// The event in which a piece of it came; nothing for a text that is only told whole.
    piece: Option<Value>,
}

/// Which text: its position among those known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextId(usize);

impl Items {
    /// The item that an event speaks of: the one of that number, else the one of that name. An event that says neither
    /// speaks of the first, so that the pieces of a text stay together whatever else it leaves out.
    pub(super) fn of_event(&mut self, event: &Value) -> Result<usize, Fault> {
        let id = id_of(event.get("item_id").or_else(|| event.get("item")?.get("id")));
        let numbered = |index: u64| self.items.iter().position(|item| item.index == Some(index));
        let named = || self.items.iter().position(|item| id.is_some() && item.id == id);
        let index = event.get("output_index").and_then(Value::as_u64);
        let known = match index {
            Some(index) => numbered(index),
            None => named().or_else(|| numbered(0)),
        };
        let at = match known {
            Some(at) => at,
            None => self.add(Some(index.unwrap_or(0)))?,
        };
        if let Some(item) = self.items.get_mut(at).filter(|_| id.is_some()) {
            item.id = id;
        }
        Ok(at)
    }

    /// Which items stand in a list: those of the same name, else those of the same place and kind that are not there
    /// under their names, else new ones. Some providers put the question before the answer there, or change names.
    fn of_list(&mut self, list: &[Value]) -> Result<Vec<usize>, Fault> {
        let named = |item: &Value| {
            let id = id_of(item.get("id"))?;
            self.items.iter().position(|known| known.id.as_ref() == Some(&id))
        };
        let mut places: Vec<Option<usize>> = list.iter().map(named).collect();
        for (position, item) in list.iter().enumerate() {
            let index = u64::try_from(position).ok();
            let fits = |known: &Item| known.index == index && known.is_like(item);
            let at = self.items.iter().position(fits).filter(|at| !places.contains(&Some(*at)));
            if let Some(place) = places.get_mut(position).filter(|place| place.is_none()) {
                *place = Some(at.map_or_else(|| self.add(None), Ok)?);
            }
        }
        Ok(places.into_iter().flatten().collect())
    }

    fn add(&mut self, index: Option<u64>) -> Result<usize, Fault> {
        if self.items.len() >= MAX_ITEMS {
            return Err(Fault::unreadable(format!("the provider's answer has more than {MAX_ITEMS} items")));
        }
        self.items.push(Item { index, id: None, shown: Value::Null, over: false, called: None });
        Ok(self.items.len() - 1)
    }

    /// The text that an event of that kind speaks of.
    pub(super) fn text_of_event(&mut self, kind: Kind, event: &Value) -> Result<TextId, Fault> {
        let item = self.of_event(event)?;
        let part = kind.list().and_then(|(_, index)| event.get(index)?.as_u64()).unwrap_or(0);
        self.text(item, kind, usize::try_from(part).unwrap_or(usize::MAX))
    }

    /// The text at a place, which is made when it is new.
    fn text(&mut self, item: usize, kind: Kind, part: usize) -> Result<TextId, Fault> {
        if let Some(known) = self.find(item, kind, part) {
            return Ok(known);
        }
        if part >= MAX_PARTS {
            return Err(Fault::unreadable(format!(
                "an item of the provider's answer has more than {MAX_PARTS} parts"
            )));
        }
        self.texts.push(Text {
            item,
            kind,
            part,
            strand: Strand::new(channel(item, kind, part), self.secret.as_ref()),
            fed: false,
            over: false,
            released: String::new(),
            sent: 0,
            piece: None,
        });
        Ok(TextId(self.texts.len() - 1))
    }

    fn find(&self, item: usize, kind: Kind, part: usize) -> Option<TextId> {
        let is_it = |text: &Text| (text.item, text.kind, text.part) == (item, kind, part);
        self.texts.iter().position(is_it).map(TextId)
    }

    /// Takes the next piece of a text.
    pub(super) fn feed(
        &mut self,
        session: &mut Session,
        TextId(at): TextId,
        piece: &str,
        shielded: bool,
    ) -> Result<(), Halt> {
        let Some(text) = self.texts.get_mut(at).filter(|_| !piece.is_empty()) else { return Ok(()) };
        if text.over {
            return Err(Fault::unreadable("the provider's answer goes on after its end").into());
        }
        text.fed = true;
        let (item, is_call) = (text.item, text.kind.list().is_none());
        self.length += piece.len();
        if self.length > MAX_TEXT {
            let message = "the provider's answer has more than 32 MiB of text";
            let status = hyper::StatusCode::BAD_GATEWAY;
            return Err(Fault::upstream(status, "answer_too_long", message).into());
        }
        if is_call && session.judges_calls() && self.items.get(item).is_some_and(|item| item.called.is_none())
        {
            self.call(session, item, "")?;
        }
        let Some(text) = self.texts.get_mut(at) else { return Ok(()) };
        match text.strand.feed(session, piece, shielded, &mut text.released)? {
            Flow::Open => Ok(()),
            Flow::Stopped => Err(Halt::Stopped),
        }
    }

    /// Takes a text that is told whole. It counts when nothing of it has come before; else it is a copy.
    pub(super) fn whole(
        &mut self,
        session: &mut Session,
        id: TextId,
        whole: &str,
        shielded: bool,
    ) -> Result<(), Halt> {
        let is_new = self.texts.get(id.0).is_some_and(|text| !text.fed && !text.over);
        if is_new {
            self.feed(session, id, whole, shielded)?;
        }
        Ok(())
    }

    /// A text is complete.
    pub(super) fn finish(&mut self, session: &mut Session, TextId(at): TextId) -> Result<(), Halt> {
        let Some(text) = self.texts.get_mut(at).filter(|text| !text.over) else { return Ok(()) };
        text.over = true;
        match text.strand.finish(session, &mut text.released)? {
            Flow::Open => Ok(()),
            Flow::Stopped => Err(Halt::Stopped),
        }
    }

    /// Takes the texts of an item that is told, and says that they are complete when it `ends`.
    pub(super) fn read_item(
        &mut self,
        session: &mut Session,
        at: usize,
        item: &mut Value,
        shielded: bool,
        ends: bool,
    ) -> Result<(), Halt> {
        if let Some(name) = called(item).filter(|_| session.judges_calls()) {
            self.call(session, at, name)?;
        }
        each_text(item, |kind, part, text| {
            let id = self.text(at, kind, part)?;
            self.whole(session, id, text, shielded)
        })?;
        if ends {
            self.texts_of(at).into_iter().try_for_each(|id| self.finish(session, id))?;
        }
        if let Some(known) = self.items.get_mut(at) {
            known.over |= ends;
            known.shown = item.clone();
            return each_text(&mut known.shown, |_, _, text| {
                *text = String::new();
                Ok(())
            });
        }
        Ok(())
    }

    /// An event may name the tool that its item calls.
    pub(super) fn name_of_event(&mut self, session: &mut Session, event: &Value) -> Result<(), Halt> {
        let name = event.get("name").and_then(Value::as_str).filter(|_| session.judges_calls());
        let Some(name) = name else { return Ok(()) };
        let at = self.of_event(event)?;
        self.call(session, at, name)
    }

    /// An item calls a tool, of which it may tell several times.
    fn call(&mut self, session: &mut Session, at: usize, name: &str) -> Result<(), Halt> {
        let Some(item) = self.items.get_mut(at) else { return Ok(()) };
        match &item.called {
            Some(known) if known == name => return Ok(()),
            Some(_) => return Err(Fault::unreadable("the provider's answer gives a call two names").into()),
            None => item.called = Some(name.to_owned()),
        }
        match session.call(channel(at, Kind::Arguments, 0), name) {
            Flow::Open => Ok(()),
            Flow::Stopped => Err(Halt::Stopped),
        }
    }

    /// Takes a whole answer, which ends everything; gives which item stands where in it.
    pub(super) fn read_all(
        &mut self,
        session: &mut Session,
        response: &mut Value,
        shielded: bool,
    ) -> Result<Vec<usize>, Halt> {
        let Some(Value::Array(output)) = response.get_mut("output") else { return Ok(Vec::new()) };
        let places = self.of_list(output)?;
        for (item, at) in output.iter_mut().zip(&places) {
            self.read_item(session, *at, item, shielded, true)?;
        }
        (0..self.texts.len()).try_for_each(|at| self.finish(session, TextId(at)))?;
        Ok(places)
    }

    /// A text was let go at the very end.
    pub(super) fn release(&mut self, channel: Channel, tail: &str) {
        if let Some(text) = self.texts.iter_mut().find(|text| text.strand.channel == channel) {
            let tail = text.strand.cut(tail.to_owned());
            text.released.push_str(&tail);
        }
    }

    /// The texts of an item.
    pub(super) fn texts_of(&self, item: usize) -> Vec<TextId> {
        let own = self.texts.iter().enumerate().filter(|(_, text)| text.item == item);
        own.map(|(at, _)| TextId(at)).collect()
    }

    /// All texts.
    pub(super) fn all_texts(&self) -> impl Iterator<Item = TextId> + use<> {
        (0..self.texts.len()).map(TextId)
    }
}

/// A name that is one; some providers leave it empty.
fn id_of(id: Option<&Value>) -> Option<String> {
    id?.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// The channel of a text: item and part in one number, summaries apart from the rest.
fn channel(item: usize, kind: Kind, part: usize) -> Channel {
    let part = if kind == Kind::Summary { part + MAX_PARTS } else { part };
    let choice = u32::try_from(item * 2 * MAX_PARTS + part).unwrap_or(u32::MAX);
    Channel { choice, carrier: kind.carrier() }
}

/// Where in an answer a channel stands, as the audit log names it.
pub(in crate::wire) fn site(channel: Channel) -> String {
    let number = usize::try_from(channel.choice).unwrap_or(usize::MAX);
    let (item, part) = (number / (2 * MAX_PARTS), number % (2 * MAX_PARTS));
    let (list, part) = if part < MAX_PARTS { ("content", part) } else { ("summary", part - MAX_PARTS) };
    match channel.carrier {
        Carrier::Content | Carrier::Reasoning => format!("response.output[{item}].{list}[{part}].text"),
        Carrier::Refusal => format!("response.output[{item}].{list}[{part}].refusal"),
        Carrier::Arguments(_) => format!("response.output[{item}].arguments"),
    }
}
