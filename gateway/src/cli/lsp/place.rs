//! Places: bytes of a text to an editor's lines and UTF-16 columns, and paths to addresses.

use std::path::{Path, PathBuf};

use lsp_types::{Position, Range, Uri};

/// The place of a byte. One past the end is the end; one inside a character is that character's.
pub(super) fn position(text: &str, byte: usize) -> Position {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or_default();
    let line = before.matches('\n').count();
    let column: usize = before.rsplit('\n').next().unwrap_or_default().chars().map(char::len_utf16).sum();
    Position::new(number(line), number(column))
}

/// The byte of a place. A column past the line's end is the end of the line; one inside a character is its beginning.
pub(super) fn byte(text: &str, position: Position) -> usize {
    let wanted = usize::try_from(position.line).unwrap_or(usize::MAX);
    let (mut start, mut rest) = (0, text);
    for _ in 0..wanted {
        let Some((line, after)) = rest.split_once('\n') else { return text.len() };
        start += line.len() + 1;
        rest = after;
    }
    let line = rest.split('\n').next().unwrap_or_default();
    let line = line.strip_suffix('\r').unwrap_or(line);
    let mut left = usize::try_from(position.character).unwrap_or(usize::MAX);
    for (at, c) in line.char_indices() {
        if left < c.len_utf16() {
            return start + at;
        }
        left -= c.len_utf16();
    }
    start + line.len()
}

pub(super) fn range(text: &str, start: usize, end: usize) -> Range {
    Range::new(position(text, start), position(text, end))
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The path that an address names. A buffer that was never saved goes by its address.
pub(super) fn path(uri: &Uri) -> PathBuf {
    let text = uri.as_str();
    let Some(rest) = text.strip_prefix("file://") else { return PathBuf::from(text) };
    let from_root = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(rest);
    let plain = decoded(from_root);
    // `/C:/rules` is `C:/rules` where drives have letters.
    let mut chars = plain.chars().skip(1);
    let is_drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    PathBuf::from(if is_drive { plain.get(1..).unwrap_or(&plain) } else { &plain })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match value.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The address of a file.
pub(super) fn uri(path: &Path) -> Option<Uri> {
    let path = std::path::absolute(path).ok()?;
    let plain = path.to_str()?.replace('\\', "/");
    let mut address = String::from(if plain.starts_with('/') { "file://" } else { "file:///" });
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~:".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_utf16() {
        let text = "a\n日本😀x\r\nend";
        let x = text.find('x').unwrap();
        assert_eq!(position(text, x), Position::new(1, 4));
        assert_eq!(byte(text, Position::new(1, 4)), x);
        assert_eq!(byte(text, Position::new(1, 3)), text.find('😀').unwrap(), "inside a character");
        assert_eq!(byte(text, Position::new(1, 99)), text.find('\r').unwrap());
        assert_eq!(byte(text, Position::new(9, 0)), text.len());
        for (at, _) in text.char_indices().filter(|(_, c)| *c != '\n') {
            assert_eq!(byte(text, position(text, at)), at);
        }
    }

    #[test]
    fn addresses_and_paths() {
        let there = Path::new("/a b/日本#1.ktr");
        let address = uri(there).unwrap();
        assert_eq!(address.as_str(), "file:///a%20b/%E6%97%A5%E6%9C%AC%231.ktr");
        assert_eq!(path(&address), there);
        assert_eq!(path(&"file:///c%3A/x.ktr".parse().unwrap()), Path::new("c:/x.ktr"));
        assert_eq!(path(&"untitled:one".parse().unwrap()), Path::new("untitled:one"));
    }
}
