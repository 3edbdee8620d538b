//! What comes in pieces: texts and bytes cut into such sizes, and a provider's packets on their way to the client.

use bytes::BytesMut;
use gateway::wire::sse::{Decoder, Next};
use gateway::wire::{Assembler, Ending};

/// Parts of those sizes, in turn, over and over; the last part is what is left.
pub fn parts<'t, T>(of: &'t [T], sizes: &[usize]) -> Vec<&'t [T]> {
    let (mut rest, mut parts) = (of, Vec::new());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, after) = rest.split_at((*size).min(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts
}

/// A text in pieces of so many characters, in turn.
pub fn pieces(text: &str, sizes: &[usize]) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    parts(&letters, sizes).into_iter().map(String::from_iter).collect()
}

/// All bytes that leave, and how it ended, when the provider's bytes come in those packets.
pub fn relayed<P: AsRef<[u8]>>(
    mut assembler: Assembler,
    packets: impl IntoIterator<Item = P>,
) -> (String, Ending) {
    let (mut decoder, mut out, mut ending) = (Decoder::default(), BytesMut::new(), None);
    for packet in packets {
        let pushed = decoder.push(packet.as_ref(), |event| {
            ending = assembler.event(event, &mut out);
            if ending.is_some() { Next::Stop } else { Next::More }
        });
        // An event that is too long ends the answer before its time.
        if ending.is_some() || pushed.is_err() {
            break;
        }
    }
    let ending = ending.unwrap_or_else(|| assembler.end(&mut out));
    (String::from_utf8(out.to_vec()).expect("UTF-8"), ending)
}
