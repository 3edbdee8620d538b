//! Server-sent events: the same bytes are the same events, however they are cut, and none is larger than it may be.

use gateway::wire::sse::{Decoder, MAX_EVENT, Next};

/// Bytes of a provider: most as they are, some that make an event long or end a line in one of its ways.
fn said(bytes: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    for byte in bytes {
        match byte {
            0xF8 => said.extend_from_slice(b"data: "),
            0xF9 => said.extend_from_slice(b"\r\n"),
            0xFA => said.extend_from_slice(b"\n\n"),
            0xFB => said.extend_from_slice(b"data:"),
            0xFC => said.extend_from_slice(b"\xEF\xBB\xBF"),
            0xFD => said.extend(std::iter::repeat_n(b'x', MAX_EVENT / 3)),
            0xFE => said.extend_from_slice(b": ka\n"),
            byte => said.push(*byte),
        }
    }
    said
}

type Told = (Vec<Vec<u8>>, bool);

/// The events of those packets, and whether the last one was too long.
fn events<'b>(packets: impl IntoIterator<Item = &'b [u8]>) -> Told {
    let (mut decoder, mut events) = (Decoder::default(), Vec::new());
    let mut take = |event: &[u8]| {
        assert!(event.len() <= MAX_EVENT, "an event of {} bytes", event.len());
        events.push(event.to_vec());
        Next::More
    };
    let is_well = packets.into_iter().all(|packet| decoder.push(packet, &mut take).is_ok());
    let is_well = is_well && decoder.finish(&mut take).is_ok();
    (events, !is_well)
}

/// All cuts tell the same.
pub fn framing(bytes: &[u8]) {
    let Some((seed, bytes)) = bytes.split_first() else { return };
    let said = said(bytes);
    let whole = events([said.as_slice()]);
    let size = usize::from(*seed % 32) + 1;
    assert_eq!(events(said.chunks(size)), whole, "in pieces of {size}");
    // A long text is cut where its ends are, which is where cuts matter.
    let at = usize::from(*seed) * said.len() / 256;
    let (head, tail) = said.split_at(at);
    assert_eq!(events([head, tail]), whole, "cut at {at}");
    if said.len() < 4096 {
        assert_eq!(events(said.chunks(1)), whole, "byte by byte");
    }
}
