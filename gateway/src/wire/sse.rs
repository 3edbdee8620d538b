//! Server-sent events: an incremental decoder for every spelling in the wild, and an encoder with exactly one.

use std::fmt;

use bytes::{BufMut, BytesMut};

/// Longest event that is taken from a provider: SDKs rescan long events quadratically, real ones stay below 100 KiB.
pub const MAX_EVENT: usize = 1024 * 1024;

/// The frame that ends every stream but those of responses. SDKs compare it byte by byte.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// An event was longer than [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event is longer than {MAX_EVENT} bytes")
    }
}

impl std::error::Error for TooLong {}

/// Takes bytes as they arrive and gives the `data` of each event when it is whole.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    after_first_line: bool,
}

impl Decoder {
    /// Takes the next bytes; `event` gets the data of each event that they complete. Once `event` says to stop,
    /// the rest is left unread.
    pub fn push(&mut self, bytes: &[u8], mut event: impl FnMut(&[u8]) -> Next) -> Result<Next, TooLong> {
        let mut rest = bytes;
        while let Some((end, newline)) = next_line_end(rest) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = after.get(1..).unwrap_or_default();
            let tail_of_crlf = std::mem::replace(&mut self.after_cr, newline == b'\r');
            if newline == b'\n' && tail_of_crlf && line.is_empty() {
                continue;
            }
            self.extend_line(line)?;
            if self.end_line()? && self.dispatch(&mut event) == Next::Stop {
                return Ok(Next::Stop);
            }
        }
        if !rest.is_empty() {
            self.after_cr = false;
            self.extend_line(rest)?;
        }
        Ok(Next::More)
    }

    /// The bytes are over: an event that only lacks its blank line still counts.
    pub fn finish(&mut self, mut event: impl FnMut(&[u8]) -> Next) -> Result<Next, TooLong> {
        let ended = !self.line.is_empty() && self.end_line()?;
        if ended || self.has_data { Ok(self.dispatch(&mut event)) } else { Ok(Next::More) }
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + self.data.len() + bytes.len() > MAX_EVENT {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes in a whole line; says whether it ends an event.
    fn end_line(&mut self) -> Result<bool, TooLong> {
        let mut line = self.line.as_slice();
        if !std::mem::replace(&mut self.after_first_line, true) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        let ends_event = line.is_empty();
        if let Some(value) = data_field(line) {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
        }
        self.line.clear();
        Ok(ends_event)
    }

    fn dispatch(&mut self, event: &mut impl FnMut(&[u8]) -> Next) -> Next {
        let has_data = std::mem::take(&mut self.has_data);
        let next = if has_data { event(&self.data) } else { Next::More };
        self.data.clear();
        next
    }
}

/// Whether the reader of events wants more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    More,
    /// That was the last one it takes.
    Stop,
}

fn next_line_end(bytes: &[u8]) -> Option<(usize, u8)> {
    let end = memchr::memchr2(b'\n', b'\r', bytes)?;
    Some((end, *bytes.get(end)?))
}

/// The value of a `data` line; nothing for comments and other fields.
fn data_field(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"data")?;
    match rest.split_first() {
        None => Some(rest),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

/// Longest text of one frame. JSON may write a byte as six, so a frame stays below 32 KiB, which SDKs take well.
pub(super) const PIECE: usize = 4 * 1024;

/// A text in pieces of a size for frames of their own.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at_checked(rest.floor_char_boundary(PIECE))?;
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Appends one event that has a name. Neither may hold a line break.
pub fn encode_named(name: &str, json: &[u8], out: &mut BytesMut) {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\n");
    encode(json, out);
}

/// Appends one event. `json` must hold no line break, as serialized JSON does not.
pub fn encode(json: &[u8], out: &mut BytesMut) {
    out.reserve(json.len() + 8);
    out.put_slice(b"data: ");
    out.put_slice(json);
    out.put_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        let mut take = |data: &[u8]| {
            events.push(String::from_utf8(data.to_vec()).unwrap());
            Next::More
        };
        for piece in pieces {
            decoder.push(piece, &mut take).unwrap();
        }
        decoder.finish(&mut take).unwrap();
        events
    }

    fn at_every_cut(bytes: &[u8], expected: &[&str]) {
        for cut in 0..=bytes.len() {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(decode(&[a, b]), expected, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(&single), expected);
    }

    #[test]
    fn every_line_end_is_understood_wherever_it_is_cut() {
        at_every_cut(b"data: a\n\ndata: b\n\n", &["a", "b"]);
        at_every_cut(b"data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        at_every_cut(b"data: a\r\rdata: b\r\r", &["a", "b"]);
        at_every_cut(b"data: a\r\n\ndata: b\n\r\n", &["a", "b"]);
    }

    #[test]
    fn lines_of_one_event_are_joined() {
        at_every_cut(b"data: {\ndata: }\n\n", &["{\n}"]);
        at_every_cut(b"data\ndata:\ndata:x\n\n", &["\n\nx"]);
    }

    #[test]
    fn comments_fields_and_the_byte_order_mark_are_passed_over() {
        at_every_cut(
            b"\xEF\xBB\xBF: hi\nevent: x\nid: 7\ndata:no space\nretry: 1\n\n: ka\n\n",
            &["no space"],
        );
        at_every_cut(b"database: x\n\n", &[]);
    }

    #[test]
    fn utf8_may_be_cut_anywhere() {
        at_every_cut("data: 😀é\n\n".as_bytes(), &["😀é"]);
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        at_every_cut(b"data: a\n\ndata: [DONE]\n", &["a", "[DONE]"]);
        at_every_cut(b"data: [DONE]", &["[DONE]"]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::default();
        let piece = vec![b'x'; MAX_EVENT / 2 + 1];
        assert_eq!(decoder.push(&piece, |_| Next::More), Ok(Next::More));
        assert_eq!(decoder.push(&piece, |_| Next::More), Err(TooLong));
    }

    #[test]
    fn a_reader_that_has_enough_gets_nothing_more() {
        let mut seen = 0;
        let mut decoder = Decoder::default();
        let next = decoder.push(b"data: a\n\ndata: b\n\n", |_| {
            seen += 1;
            Next::Stop
        });
        assert_eq!((next, seen), (Ok(Next::Stop), 1));
    }
}
