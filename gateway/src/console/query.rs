//! What stands behind the `?` of an address: each name once, and only names that are known.

use grammar::diagnostic::did_you_mean;

use crate::wire::Fault;

/// Longest value.
const LONGEST: usize = 512;

/// Names and values, decoded.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads it. Values that are empty are as good as none.
    pub(super) fn parse(written: &str) -> Result<Self, Fault> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in written.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                return Err(Fault::invalid(None, "the address holds something that is no text"));
            };
            if value.len() > LONGEST {
                return Err(Fault::invalid(Some(&name), format!("a value has at most {LONGEST} bytes")));
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(Fault::invalid(Some(&name), "it is given twice"));
            }
            fields.push((name, value));
        }
        fields.retain(|(_, value)| !value.is_empty());
        Ok(Self(fields))
    }

    /// Refuses names that mean nothing here.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Fault> {
        let unknown = self.0.iter().find(|(name, _)| !known.contains(&name.as_str()));
        let Some((name, _)) = unknown else { return Ok(()) };
        let help = did_you_mean(name, known.iter().copied());
        let help = help.unwrap_or_else(|| format!("there are {}", known.join(", ")));
        Err(Fault::invalid(Some(name), format!("there is no such parameter; {help}")))
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Fault> {
        self.text(name).ok_or_else(|| Fault::invalid(Some(name), "it is missing"))
    }

    /// A whole number within limits.
    pub(super) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
        usual: u64,
    ) -> Result<u64, Fault> {
        let Some(text) = self.text(name) else { return Ok(usual) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let message = format!("it must be a whole number from {} to {}", range.start(), range.end());
            Fault::invalid(Some(name), message)
        })
    }
}

/// As forms are encoded: `+` is a space, `%` and two digits a byte.
fn decoded(written: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let [high, low] = [rest.next()?, rest.next()?].map(|digit| char::from(digit).to_digit(16));
                u8::try_from(high? * 16 + low?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_as_forms_write_them() {
        let query = Query::parse("q=a+b%20%C3%A9&policy=&after=7").unwrap();
        assert_eq!(query.text("q"), Some("a b é"));
        assert_eq!((query.text("policy"), query.number("after", 0..=9, 1).unwrap()), (None, 7));
        assert!(query.number("after", 0..=6, 1).is_err());
        for bad in ["q=%", "q=%zz", "q=%ff", "q=a&q=b", &format!("q={}", "a".repeat(513))] {
            assert!(Query::parse(bad).is_err(), "{bad}");
        }
        let told = query.only(&["q", "afte"]).unwrap_err();
        assert!(told.message.contains("did you mean `afte`"), "{}", told.message);
    }
}
