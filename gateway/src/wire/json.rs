//! Strict JSON: one parse, one meaning, so that what was judged is what is sent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// How deep a document may nest. Real requests stay below 20; the limit keeps the stack small.
pub const MAX_DEPTH: usize = 64;

/// Why a document was refused: a sentence with the place, without a word of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw(String);

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Flaw {}

/// Parses a document whose root is an object. Repeated keys, deep nesting, invalid UTF-8, a byte order mark and
/// trailing bytes are refused; numbers keep the text they were written in.
pub fn parse(bytes: &[u8]) -> Result<Value, Flaw> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(Flaw("the JSON starts with a byte order mark; send it without".into()));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| Flaw(format!("the JSON is not valid UTF-8 at byte {}", e.valid_up_to())))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).map_err(flaw)?;
    deserializer.end().map_err(flaw)?;
    if !value.is_object() {
        return Err(Flaw("the JSON must be an object at its root".into()));
    }
    Ok(value)
}

fn flaw(error: serde_json::Error) -> Flaw {
    Flaw(format!("the JSON is not acceptable: {error}"))
}

/// How many keys an object has room for at first.
const USUAL: usize = 4;

/// Builds a value, counting how deep it is.
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Strict, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Strict { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper()?)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = entries.next_key_seed(KeySeed)? {
            let Key::Written(key) = key else {
                let text: String = entries.next_value()?;
                let number = serde_json::from_str::<Number>(&text);
                return number.map(Value::Number).map_err(|_| A::Error::custom("a number is malformed"));
            };
            if key == NUMBER_KEY {
                return Err(A::Error::custom("a key is reserved"));
            }
            if all.is_empty() {
                all = Map::with_capacity(USUAL); // it would grow to that in two steps
            }
            match all.entry(key) {
                Entry::Vacant(place) => place.insert(entries.next_value_seed(self.deeper()?)?),
                Entry::Occupied(_) => return Err(A::Error::custom("a key is repeated in the same object")),
            };
        }
        Ok(Value::Object(all))
    }
}

/// What `serde_json` calls the only key of the pretended object in which it hands over a number's text.
const NUMBER_KEY: &str = "$serde_json::private::Number";

/// A key of an object, or the sign that the "object" is a number in disguise.
enum Key {
    Written(String),
    OfNumber,
}

/// Asks for bytes: a key that somebody wrote then comes as bytes, and only `serde_json`'s own key comes as text.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: serde::de::Error>(self, value: &[u8]) -> Result<Key, E> {
        let key = std::str::from_utf8(value).map_err(|_| E::custom("a key holds half a surrogate pair"))?;
        // Keys that are asked for as bytes are not checked for these, which JSON wants escaped; nobody has them in a name.
        if key.bytes().any(|byte| byte < b' ') {
            return Err(E::custom("a key holds a control character"));
        }
        Ok(Key::Written(key.to_owned()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Key, E> {
        Ok(Key::OfNumber)
    }
}

/// Most fields that an object is looked through for one; of more, the hash of the name tells where it stands.
const FEW: usize = 16;

/// Looking for a field. Most objects have few, and a name is hashed in the time in which it is compared with ten.
pub(crate) trait Fields {
    /// The value under that name, where it is an object that has one.
    fn field(&self, name: &str) -> Option<&Value>;
}

impl Fields for Map<String, Value> {
    fn field(&self, name: &str) -> Option<&Value> {
        if self.len() > FEW {
            return self.get(name);
        }
        self.iter().find_map(|(key, value)| (key == name).then_some(value))
    }
}

impl Fields for Value {
    fn field(&self, name: &str) -> Option<&Value> {
        self.as_object()?.field(name)
    }
}

/// The kind of a value, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A value as one line of JSON.
pub(crate) fn line(value: &Value) -> Cow<'static, [u8]> {
    serde_json::to_vec(value).map_or(Cow::Borrowed(b"{}"), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse(text.as_bytes()).expect_err(text).to_string()
    }

    #[test]
    fn a_field_is_found_among_few_and_among_many() {
        for fields in [1, FEW, FEW + 1, 100] {
            let all: Vec<String> = (0..fields).map(|field| format!("\"f{field}\":{field}")).collect();
            let object = parse(format!("{{{}}}", all.join(",")).as_bytes()).unwrap();
            assert!((0..fields).all(|field| object.field(&format!("f{field}")) == Some(&field.into())));
            assert_eq!(object.field("f"), None);
        }
        assert_eq!(Value::from("text").field("text"), None);
    }

    #[test]
    fn numbers_keep_their_text() {
        let text = r#"{"a":1.0,"b":18446744073709551616,"c":-0.0,"d":1e999,"e":[0,-7]}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text.replace("1e999", "1e+999"));
    }

    #[test]
    fn keys_keep_their_order() {
        let text = r#"{"z":1,"a":{"y":null,"b":true}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn repeated_keys_are_refused_at_any_depth_and_in_any_spelling() {
        assert!(refused(r#"{"a":1,"a":2}"#).contains("repeated"));
        assert!(refused(r#"{"x":[{"a":1,"\u0061":2}]}"#).contains("repeated"));
        assert!(refused("{\"secret\":1,\n \"secret\":2}").contains("line 2"));
        assert!(!refused(r#"{"secret":1,"secret":2}"#).contains("secret"));
    }

    #[test]
    fn depth_is_limited() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(60).as_bytes()).is_ok());
        assert!(refused(&nested(65)).contains("64 levels"));
        assert!(refused(&nested(200_000)).contains("64 levels"));
    }

    #[test]
    fn a_smuggled_number_key_is_refused() {
        assert!(refused(r#"{"a":{"$serde_json::private::Number":"1"}}"#).contains("reserved"));
        assert!(refused(r#"{"$serde_json::private::Number":"1"}"#).contains("reserved"));
        assert!(refused(r#"{"a":{"b":1,"$serde_json::private::\u004eumber":"1"}}"#).contains("reserved"));
    }

    #[test]
    fn keys_hold_no_control_characters() {
        for key in ["a\nb", "\u{1}", "a\tb\\u0041", "a\\nb", "\\u0000"] {
            assert!(refused(&format!("{{\"{key}\":1}}")).contains("control character"), "{key:?}");
        }
    }

    #[test]
    fn broken_documents_are_refused() {
        assert!(refused("[]").contains("object"));
        assert!(refused("{} {}").contains("trailing"));
        assert!(refused("\u{feff}{}").contains("byte order mark"));
        assert!(parse(b"{\"a\":\"\xff\"}").unwrap_err().to_string().contains("byte 6"));
        assert!(parse(br#"{"a":"\ud83d"}"#).is_err());
        assert!(parse(br#"{"\ud83d":1}"#).is_err());
        assert!(parse(b"").is_err());
    }
}
